//! The chains of the bridge form: frames go up to the IP layer, and there the sides of a packet are
//! told by its addresses, because it comes from the bridge and goes to the bridge. `$bridged` and
//! `$lifted`, the bridge and its MAC address, are defined at the head of the text.
//!
//! Source: Linux `net/bridge/br_input.c`: a frame for the bridge's own MAC address goes up.

/// The table of another form; what a device answers for is told by its frames.
pub(in crate::nft) const NO_ARP: &str = r#"# What a device answers for is told by its frames.
add table arp cordon_bind
delete table arp cordon_bind
"#;

/// The hooks of the state table.
pub(in crate::nft) const STATE_SIDES: &str = r#"    chain forward {
        ip saddr @device4 goto from_device
        ip6 saddr @device6 goto from_device
        ip daddr @device4 goto to_device
        ip6 daddr @device6 goto to_device
    }
    chain input {
        ip saddr @device4 goto from_device
        ip6 saddr @device6 goto from_device
        ip daddr @device4 goto to_device
        ip6 daddr @device6 goto to_device
    }
    chain output {
        ip saddr @device4 goto from_device
        ip6 saddr @device6 goto from_device
        ip daddr @device4 goto to_device
        ip6 daddr @device6 goto to_device
    }
"#;

/// The frames. What a device's port sends is bound to it; IP of a device and IP to a device goes up,
/// and but for what keeps addresses nothing goes from port to port. It needs sets for whom to believe.
pub(in crate::nft) const FRAMES: &str = r#"    counter beside {
    }
    counter overheard {
    }
    counter rogue_dhcp {
    }
    counter rogue_router {
    }
    counter spoofed {
    }
    set noisy_port {
        type ifname
        size 1024
        flags dynamic,timeout
        timeout 1m
    }
    set leases {
        type ifname
        size 1024
        flags dynamic,timeout
        timeout 1m
    }
    chain prerouting {
        type filter hook prerouting priority -300; policy accept;
        iifname $uplink goto from_uplink
        iifname $inside goto from_port
        # A port that nobody knows speaks for no device, and to none.
        ip saddr @device4 goto spoofed
        ip6 saddr @device6 goto spoofed
        ip daddr @device4 goto beside
        ip6 daddr @device6 goto beside
        arp saddr ip @device4 goto spoofed_arp
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } @th,64,128 @device_target6 goto spoofed
    }
    chain from_port {
        ether type { vlan, 0x88a8 } goto beside
        ether type arp goto arp_of_port
        iifname . ether saddr @bound_mac ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 goto lease
        iifname . ether saddr . ip saddr @bound4 ip daddr 255.255.255.255 udp sport 68 udp dport 67 goto lease
        iifname . ether saddr . ip6 saddr @own6 udp sport 546 udp dport 547 goto lease
        udp sport { 67, 547 } counter name rogue_dhcp goto spoofed
        icmpv6 type { nd-router-advert, nd-redirect } counter name rogue_router goto spoofed
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report } goto neighbours_of_port
        iifname . ether saddr . ip saddr @bound4 goto lift
        iifname . ether saddr . ip6 saddr @bound6 goto lift
        ether type { ip, ip6 } goto spoofed
        goto beside
    }
    # A port claims its own address and no other: in the frame, and in what it says.
    chain arp_of_port {
        iifname . arp saddr ether != @bound_mac goto spoofed_arp
        iifname . ether saddr . arp saddr ip @bound4 accept
        arp saddr ip 0.0.0.0 iifname . ether saddr . arp daddr ip @bound4 accept
        goto spoofed_arp
    }
    # Who asks claims its source, who answers claims its target; who asks from :: claims its target.
    chain neighbours_of_port {
        iifname . ether saddr . ip6 saddr @own6 icmpv6 type != nd-neighbor-advert accept
        iifname . ether saddr . ip6 saddr @own6 iifname . ether saddr . @th,64,128 @own_target6 accept
        ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . ether saddr . @th,64,128 @own_target6 accept
        ip6 saddr :: icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } iifname . ether saddr @bound_mac accept
        goto spoofed
    }
    chain lease {
        update @leases { iifname limit rate over 10/second burst 20 packets } goto beside
        accept
    }
    chain lift {
        ether daddr set $lifted meta pkttype set host accept
    }
    chain from_uplink {
        ether type { vlan, 0x88a8 } goto beside
        ether type arp goto arp_of_uplink
        ip saddr @device4 goto spoofed
        ip6 saddr @device6 goto spoofed
        udp sport 67 udp dport 68 accept
        udp sport 547 udp dport 546 accept
        icmpv6 type nd-neighbor-advert @th,64,128 @device_target6 goto spoofed
        icmpv6 type nd-neighbor-solicit ip6 saddr :: @th,64,128 @device_target6 goto spoofed
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept
        ip daddr @device4 goto lift
        ip6 daddr @device6 goto lift
    }
    chain arp_of_uplink {
        arp saddr ip @device4 goto spoofed_arp
        arp saddr ip 0.0.0.0 arp daddr ip @device4 goto spoofed_arp
    }
    chain forward {
        type filter hook forward priority -300; policy accept;
        iifname $inside oifname $uplink goto up
        iifname $uplink oifname $inside goto down
        iifname $uplink goto beside
        iifname $inside goto beside
        oifname $uplink goto beside
        oifname $inside goto beside
    }
    chain up {
        ether type arp accept
        udp sport 68 udp dport 67 accept
        udp sport 546 udp dport 547 accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report } accept
        goto beside
    }
    chain down {
        ether type arp accept
        udp sport 67 udp dport 68 accept
        udp sport 547 udp dport 546 accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept
        # What neighbours upstream say to all, or to somebody else.
        counter name overheard drop
    }
    # Who is upstream sees the device's own MAC address, as if its frame had passed.
    chain output {
        type filter hook output priority 0; policy accept;
        oifname $uplink ether saddr set ip saddr map @mac4
        oifname $uplink ether saddr set ip6 saddr map @mac6
    }
    chain beside {
        counter name beside
        drop
    }
    chain spoofed {
        counter name spoofed
        update @noisy_port { iifname limit rate over 20/second burst 40 packets } drop
        limit rate over 1000/second drop
        log group 10 prefix "cordon spoofed "
        drop
    }
    chain spoofed_arp {
        counter name spoofed
        update @noisy_port { iifname limit rate over 20/second burst 40 packets } drop
        limit rate over 1000/second drop
        log group 10 prefix "cordon arp "
        drop
    }
"#;

/// The frames are bound already; what comes past them is no device.
pub(in crate::nft) const BIND: &str = r#"    chain bind {
        type filter hook prerouting priority -300; policy accept;
        iifname $bridged accept
        iifname "lo" accept
        ip saddr @device4 goto spoofed
        ip6 saddr @device6 goto spoofed
    }
"#;

/// The hooks of the policy table.
pub(in crate::nft) const SIDES: &str = r#"    chain forward {
        type filter hook forward priority 0; policy drop;
        iifname $bridged oifname $bridged ip saddr @device4 ip daddr != @device4 goto from_device
        iifname $bridged oifname $bridged ip6 saddr @device6 ip6 daddr != @device6 goto from_device
        iifname $bridged oifname $bridged ip daddr @device4 ip saddr != @device4 goto to_device
        iifname $bridged oifname $bridged ip6 daddr @device6 ip6 saddr != @device6 goto to_device
        counter name off_path
        limit rate 20/second burst 40 packets log group 9 prefix "cordon off-path "
    }
    chain input {
        type filter hook input priority 0; policy accept;
        ip saddr @device4 goto local_in
        ip6 saddr @device6 goto local_in
        ip daddr @device4 goto to_device
        ip6 daddr @device6 goto to_device
    }
    # In and out is one interface here, and of that IPv6 would tell a device.
    chain output {
        type filter hook output priority 0; policy accept;
        icmpv6 type nd-redirect drop
        ip daddr @device4 ct direction original ct mark set ct mark or $second_leg
        ip6 daddr @device6 ct direction original ct mark set ct mark or $second_leg
        ip daddr @device4 goto local_out
        ip6 daddr @device6 goto local_out
        ip saddr @device4 ct direction original ct mark set ct mark or $second_leg
        ip6 saddr @device6 ct direction original ct mark set ct mark or $second_leg
        ip saddr @device4 goto from_device
        ip6 saddr @device6 goto from_device
    }
"#;

/// The hooks of what inspects.
pub(in crate::nft) const INSPECT_HOOKS: &str = r#"    chain inspect {
        type filter hook prerouting priority -150; policy accept;
        iifname != $bridged accept
        ip saddr @device4 goto inspect_from_device
        ip6 saddr @device6 goto inspect_from_device
        ip daddr @device4 goto inspect_to_device
        ip6 daddr @device6 goto inspect_to_device
    }
    counter uninspected {
    }
    # What nobody inspects now, and what carries no lifeline, goes no further.
    chain uninspected {
        type filter hook forward priority -5; policy accept;
        ip saddr @device4 goto uninspected_from_device
        ip6 saddr @device6 goto uninspected_from_device
        ip daddr @device4 goto uninspected_to_device
        ip6 daddr @device6 goto uninspected_to_device
    }
    # What passed is copied; nothing waits for whoever reads the copies.
    chain copies {
        type filter hook forward priority 10; policy accept;
        ip saddr @device4 goto copies_from_device
        ip6 saddr @device6 goto copies_from_device
        ip daddr @device4 goto copies_to_device
        ip6 daddr @device6 goto copies_to_device
    }
"#;

/// The hooks of what counts.
pub(in crate::nft) const LIMIT_HOOKS: &str = r#"    counter limited {
    }
    chain limit_forward {
        type filter hook forward priority 5; policy accept;
        ip saddr @device4 goto limit_from_device
        ip6 saddr @device6 goto limit_from_device
        ip daddr @device4 goto limit_to_device
        ip6 daddr @device6 goto limit_to_device
    }
    chain limit_input {
        type filter hook input priority 5; policy accept;
        ip saddr @device4 goto limit_from_device
        ip6 saddr @device6 goto limit_from_device
    }
    chain limit_output {
        type filter hook output priority 5; policy accept;
        ip daddr @device4 goto limit_to_device
        ip6 daddr @device6 goto limit_to_device
    }
"#;
