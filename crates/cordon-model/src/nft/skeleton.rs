//! The chains that are the same for every bundle; `$uplink`, `$inside` and the marks are defined
//! at the head of the text.

pub(super) mod bridge;

/// The table that outlives bundles: its sets are declared, never flushed; its chains are renewed.
pub(super) const STATE: &str = r#"# What is known of the devices now. The sets belong to whoever responds to incidents; loading this
# text declares them and leaves their elements and timers alone.
#   isolated4, isolated6    nothing passes
#   contained4, contained6  state CONTAINED, with a timeout until it is confirmed
#   emergency4, emergency6  clinical emergency mode is on for the device until the timeout
#   capture4, capture6      packets are copied until the timeout
#   no_new4, no_new6        what is open stays open and nothing starts but the renewal of a lease
#   posture4, posture6      the posture of a device, if it is not the one assumed
table inet cordon_state {
    counter isolated {
    }
    counter no_new {
    }
    set isolated4 {
        type ipv4_addr
    }
    set isolated6 {
        type ipv6_addr
    }
    set contained4 {
        type ipv4_addr
        flags timeout
    }
    set contained6 {
        type ipv6_addr
        flags timeout
    }
    set emergency4 {
        type ipv4_addr
        flags timeout
        counter
    }
    set emergency6 {
        type ipv6_addr
        flags timeout
        counter
    }
    set capture4 {
        type ipv4_addr
        flags timeout
    }
    set capture6 {
        type ipv6_addr
        flags timeout
    }
    set no_new4 {
        type ipv4_addr
    }
    set no_new6 {
        type ipv6_addr
    }
    map posture4 {
        type ipv4_addr : mark
    }
    map posture6 {
        type ipv6_addr : mark
    }
    chain forward {
        type filter hook forward priority -10; policy accept;
    }
    chain input {
        type filter hook input priority -10; policy accept;
    }
    chain output {
        type filter hook output priority -10; policy accept;
    }
    chain from_device {
    }
    chain to_device {
    }
    chain isolated {
    }
    chain no_new {
    }
}

flush chain inet cordon_state forward
flush chain inet cordon_state input
flush chain inet cordon_state output
flush chain inet cordon_state from_device
flush chain inet cordon_state to_device
flush chain inet cordon_state isolated
flush chain inet cordon_state no_new

"#;

/// The hooks of the state table: who tells the sides by interfaces.
pub(super) const STATE_SIDES: &str = r#"table inet cordon_state {
    chain forward {
        iifname $uplink oifname $inside jump to_device
        iifname $inside oifname $uplink jump from_device
    }
    chain input {
        iifname $uplink goto to_device
        iifname $inside goto from_device
    }
    chain output {
        oifname $uplink goto from_device
        oifname $inside goto to_device
    }
"#;

/// The chains of the two sides.
pub(super) const STATE_CHAINS: &str = r#"    chain from_device {
        ip saddr @capture4 limit rate 5000/second log group 15 prefix "cordon capture "
        ip6 saddr @capture6 limit rate 5000/second log group 15 prefix "cordon capture "
        ip saddr @isolated4 goto isolated
        ip6 saddr @isolated6 goto isolated
        ct state new ip saddr @no_new4 jump no_new
        ct state new ip6 saddr @no_new6 jump no_new
        meta mark set $assumed
        meta mark set ip saddr map @posture4
        meta mark set ip6 saddr map @posture6
        meta mark and $state_bits == $isolated goto isolated
        ip saddr @contained4 meta mark set meta mark and $other_bits or $contained
        ip6 saddr @contained6 meta mark set meta mark and $other_bits or $contained
        ip saddr @emergency4 meta mark set meta mark or $emergency
        ip6 saddr @emergency6 meta mark set meta mark or $emergency
        meta mark and $emergency == $emergency ct state new limit rate 100/second log group 8 prefix "cordon emergency "
    }
    chain to_device {
        ip daddr @capture4 limit rate 5000/second log group 15 prefix "cordon capture "
        ip6 daddr @capture6 limit rate 5000/second log group 15 prefix "cordon capture "
        ip daddr @isolated4 goto isolated
        ip6 daddr @isolated6 goto isolated
        ct state new ip daddr @no_new4 jump no_new
        ct state new ip6 daddr @no_new6 jump no_new
        meta mark set $assumed
        meta mark set ip daddr map @posture4
        meta mark set ip6 daddr map @posture6
        meta mark and $state_bits == $isolated goto isolated
        ip daddr @contained4 meta mark set meta mark and $other_bits or $contained
        ip6 daddr @contained6 meta mark set meta mark and $other_bits or $contained
        ip daddr @emergency4 meta mark set meta mark or $emergency
        ip6 daddr @emergency6 meta mark set meta mark or $emergency
        meta mark and $emergency == $emergency ct state new limit rate 100/second log group 8 prefix "cordon emergency "
    }
    chain isolated {
        counter name isolated
        limit rate 20/second burst 40 packets log group 11 prefix "cordon isolated "
        drop
    }
    chain no_new {
        udp sport { 67, 68 } udp dport { 67, 68 } return
        udp sport { 546, 547 } udp dport { 546, 547 } return
        counter name no_new
        limit rate 20/second burst 40 packets log group 9 prefix "cordon denied no-new "
        drop
    }
}
"#;

/// The bridge table: the rules above are those of a router, and nothing passes beside them.
pub(super) const BRIDGE: &str = r#"# Ports that somebody joins to a bridge carry nothing past the router.
add table bridge cordon_bind
delete table bridge cordon_bind
table bridge cordon_bind {
    counter beside_router {
    }
    chain forward {
        type filter hook forward priority -300; policy accept;
        iifname $uplink counter name beside_router drop
        iifname $inside counter name beside_router drop
        oifname $uplink counter name beside_router drop
        oifname $inside counter name beside_router drop
    }
}
"#;

/// The chain of the ARP table.
pub(super) const ARP: &str = r#"    counter spoofed {
    }
    chain input {
        type filter hook input priority -300; policy accept;
        iifname $uplink accept
        iifname $inside goto from_device
    }
    chain from_device {
        iifname . ether saddr . arp saddr ip @bound4 iifname . arp saddr ether . arp saddr ip @bound4 accept
        arp saddr ip 0.0.0.0 iifname . ether saddr @bound_mac iifname . arp saddr ether @bound_mac accept
        counter name spoofed
        limit rate 20/second burst 40 packets log group 10 prefix "cordon arp "
        drop
    }
"#;

/// The binding where devices' own MAC addresses are seen.
pub(super) const BIND_MAC: &str = r#"    chain bind_device {
        udp sport { 67, 547 } counter name rogue_dhcp goto spoofed
        icmpv6 type { nd-router-advert, nd-redirect } counter name rogue_router goto spoofed
        iifname . ether saddr . ip saddr @bound4 accept
        iifname . ether saddr . ip6 saddr @bound6 accept
        iifname . ether saddr @bound_mac ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
        iifname . ether saddr @bound_mac ip6 saddr fe80::/10 udp sport 546 udp dport 547 accept
        iifname . ether saddr @bound_mac ip6 saddr { ::, fe80::/10 } icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report } accept
        goto spoofed
    }
"#;

/// The binding of a segment: other MAC addresses than the devices' own stand before some of them.
pub(super) const BIND_SEGMENT: &str = r#"    chain bind_device {
        udp sport { 67, 547 } counter name rogue_dhcp goto spoofed
        icmpv6 type { nd-router-advert, nd-redirect } counter name rogue_router goto spoofed
        iifname . ip saddr @placed4 accept
        iifname . ip6 saddr @placed6 accept
        ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
        ip6 saddr fe80::/10 udp sport 546 udp dport 547 accept
        ip6 saddr { ::, fe80::/10 } icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report } accept
        goto spoofed
    }
"#;

/// The binding of a service guard: on its side of the devices stand routers.
pub(super) const BIND_SERVICE: &str = r#"    chain bind_device {
        iifname . ip saddr @placed4 accept
        iifname . ip6 saddr @placed6 accept
        ip6 saddr { ::, fe80::/10 } icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert, mld-listener-report, mld2-listener-report } accept
        goto spoofed
    }
"#;

/// The chain that a gateway fills; reviewers see it empty.
pub(super) const INSPECT_NOTHING: &str = r#"    # Empty: a gateway that inspects fills it.
    chain inspect {
        type filter hook prerouting priority -150; policy accept;
    }
"#;

/// What the policy table counts, and the sets that the kernel fills itself.
pub(super) const POLICY: &str = r#"    counter denied {
    }
    counter off_path {
    }
    counter rogue_dhcp {
    }
    counter rogue_router {
    }
    counter spoofed {
    }
    set noisy4 {
        type ipv4_addr
        size 16384
        flags dynamic,timeout
        timeout 1m
    }
    set noisy6 {
        type ipv6_addr
        size 16384
        flags dynamic,timeout
        timeout 1m
    }
    set noisy_port {
        type ifname
        size 1024
        flags dynamic,timeout
        timeout 1m
    }
    # How much each device attempted in vain.
    set attempted4 {
        type ipv4_addr
        size 16384
        flags dynamic
        counter
    }
    set attempted6 {
        type ipv6_addr
        size 16384
        flags dynamic
        counter
    }
"#;

/// Who may come from which interface.
pub(super) const BIND: &str = r#"    chain bind {
        type filter hook prerouting priority -300; policy accept;
        iifname $uplink goto bind_uplink
        iifname $inside goto bind_device
    }
    chain bind_uplink {
        ip saddr @device4 goto spoofed
        ip6 saddr @device6 goto spoofed
    }
"#;

/// What becomes of a packet whose sender is not who it says.
pub(super) const SPOOFED: &str = r#"    chain spoofed {
        counter name spoofed
        update @noisy_port { iifname limit rate over 20/second burst 40 packets } drop
        limit rate over 1000/second drop
        log group 10 prefix "cordon spoofed "
        drop
    }
"#;

/// The hooks of the policy table: the sides are told by interfaces.
pub(super) const SIDES: &str = r#"    chain forward {
        type filter hook forward priority 0; policy drop;
        iifname $uplink oifname $inside goto to_device
        iifname $inside oifname $uplink goto from_device
        counter name off_path
        limit rate 20/second burst 40 packets log group 9 prefix "cordon off-path "
    }
    chain input {
        type filter hook input priority 0; policy accept;
        iifname $uplink goto taken_in
        iifname $inside goto local_in
    }
    # What a proxy says to the other side it says under a device's own address.
    chain taken_in {
        ip daddr @device4 goto to_device
        ip6 daddr @device6 goto to_device
    }
    chain output {
        type filter hook output priority 0; policy accept;
        oifname $inside ct direction original ct mark set ct mark or $second_leg
        oifname $uplink goto taken_out
        oifname $inside goto local_out
    }
    chain taken_out {
        ip saddr @device4 ct direction original ct mark set ct mark or $second_leg
        ip6 saddr @device6 ct direction original ct mark set ct mark or $second_leg
        ip saddr @device4 goto from_device
        ip6 saddr @device6 goto from_device
    }
"#;

/// What becomes of a packet that no list permits.
pub(super) const DENIED: &str = r#"    chain denied_from_device {
        counter name denied
        update @attempted4 { ip saddr counter }
        update @attempted6 { ip6 saddr counter }
        update @noisy4 { ip saddr limit rate over 20/second burst 40 packets } drop
        update @noisy6 { ip6 saddr limit rate over 20/second burst 40 packets } drop
        limit rate over 1000/second drop
        log group 9 prefix "cordon denied from-device "
        drop
    }
    chain denied_to_device {
        counter name denied
        update @noisy4 { ip daddr limit rate over 20/second burst 40 packets } drop
        update @noisy6 { ip6 daddr limit rate over 20/second burst 40 packets } drop
        limit rate over 1000/second drop
        log group 9 prefix "cordon denied to-device "
        drop
    }
"#;

/// What a device and its gateway say to each other to keep an address.
pub(super) const LOCAL_DEVICES: &str = r#"    chain local_in {
        udp sport 68 udp dport 67 accept
        udp sport 546 udp dport 547 accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report } accept
        goto from_device
    }
    chain local_out {
        udp sport 67 udp dport 68 accept
        udp sport 547 udp dport 546 accept
        icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
        icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query, mld-listener-report, mld2-listener-report } accept
        goto to_device
    }
"#;

/// What a guard and the routers before it say to each other.
pub(super) const LOCAL_ROUTERS: &str = r#"    chain local_in {
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
        goto from_device
    }
    chain local_out {
        icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
        icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report } accept
        goto to_device
    }
"#;

/// The way to a device's column, where leases are renewed.
pub(super) const DISPATCH_DEVICES: &str = r#"    chain from_device {
        ip daddr @dhcp4 udp sport 68 udp dport 67 accept
        ip6 daddr @dhcp6 udp sport 546 udp dport 547 accept
        meta mark vmap @column_from_device
        goto denied_from_device
    }
    chain to_device {
        ip saddr @dhcp4 udp sport 67 udp dport 68 accept
        ip6 saddr @dhcp6 udp sport 547 udp dport 546 accept
        ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
        ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
        meta mark vmap @column_to_device
        goto denied_to_device
    }
"#;

/// The way to a device's column at a service guard.
pub(super) const DISPATCH_SERVICE: &str = r#"    chain from_device {
        meta mark vmap @column_from_device
        goto denied_from_device
    }
    chain to_device {
        ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
        ct state related icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
        meta mark vmap @column_to_device
        goto denied_to_device
    }
"#;
