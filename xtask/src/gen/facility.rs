//! Profiles of what is screwed to the building: tier GREEN.

/// Name and text of each profile.
pub(super) const PROFILES: [(&str, &str); 4] = [
    ("hvac-controller", HVAC_CONTROLLER),
    ("lighting", LIGHTING),
    ("door-lock", DOOR_LOCK),
    ("elevator", ELEVATOR),
];

const HVAC_CONTROLLER: &str = r#"
# Heats, cools and ventilates one zone. It is a client of the building automation server, speaks
# Modbus and nothing else: its address is fixed and it asks for no name and no time. The flow is a
# lifeline because the air of operating and isolation rooms (GREEN-LS) hangs on it.
# Written by `cargo xtask gen`.

name = "HVAC controller"
umbrella = "facility"
tier = "green"
impact = "facility"
aliases = ["hvac", "hvac controller", "air handler", "vav"]

# It reads setpoints and writes its own status block: 200 bytes every 30 seconds. The bound is 16
# times that.
[[flows]]
service = "building-automation"
operations = ["modbus.read", "modbus.write"]
lifeline = true
cadence-s = 30
source = "Modbus APv1.1b3"
envelope.bytes-per-minute-max = 6_400
envelope.connections-per-minute-max = 10

# Setpoints and schedules are read; of its own status block it writes the state (0 to 7), the air
# temperature and the supply temperature, in tenths of a degree from 5 to 40 °C. Twice a minute.
[flows.inspect.modbus]
reads = [
    { table = "holding-registers", from = 0, to = 199 },
    { table = "input-registers", from = 0, to = 99 },
]
writes = [
    { table = "holding-registers", from = 1000, to = 1000, min = 0, max = 7 },
    { table = "holding-registers", from = 1001, to = 1002, min = 50, max = 400 },
]
writes-per-minute-max = 10
"#;

const LIGHTING: &str = r#"
# Switches the light of a room. Its address is fixed.
# Written by `cargo xtask gen`.

name = "Lighting controller"
umbrella = "facility"
tier = "green"
impact = "facility"
aliases = ["lighting", "light controller"]

[[flows]]
service = "lighting-control"
operations = ["bacnet.i-am", "bacnet.cov-notification", "bacnet.event-notification"]
cadence-s = 60
source = "ASHRAE 135-2020 §13.6, §13.8, §16.10"
envelope.bytes-per-minute-max = 64_000
envelope.connections-per-minute-max = 120

[[flows]]
service = "lighting-control"
direction = "in"
device-port = 47808
operations = [
    "bacnet.who-is",
    "bacnet.read-property",
    "bacnet.subscribe-cov",
    "bacnet.write-property",
    "bacnet.time-synchronization",
]
source = "ASHRAE 135-2020 §13.14, §15.5, §15.9, §16.7, §16.10"
envelope.bytes-per-minute-max = 64_000
envelope.connections-per-minute-max = 120
"#;

const DOOR_LOCK: &str = r#"
# Locks a door. It opens when the fire panel says so, whoever else is silent; doors on the way out
# are GREEN-LS: devices.csv marks them.
# Written by `cargo xtask gen`.

name = "Door lock"
umbrella = "facility"
tier = "green"
impact = "facility"
aliases = ["door lock", "access reader", "lock"]

[[flows]]
service = "access-control"
operations = ["opaque.connect"]
lifeline = true
cadence-s = 60
source = "hospital plan"
envelope.bytes-per-minute-max = 64_000
envelope.connections-per-minute-max = 20

# No envelope: the fire panel is never limited.
[[flows]]
service = "fire-panel"
direction = "in"
device-port = 47808
operations = ["bacnet.life-safety-operation"]
lifeline = true
source = "ASHRAE 135-2020 §13.13"
"#;

const ELEVATOR: &str = r#"
# Runs one lift. All of them are GREEN-LS: people are inside.
# Written by `cargo xtask gen`.

name = "Lift controller"
umbrella = "facility"
tier = "green"
impact = "life-safety"
aliases = ["elevator", "lift"]

[[flows]]
service = "elevator-controller"
operations = ["bacnet.i-am", "bacnet.cov-notification", "bacnet.event-notification"]
lifeline = true
cadence-s = 10
source = "ASHRAE 135-2020 §13.6, §13.8, §16.10"
envelope.bytes-per-minute-max = 128_000
envelope.connections-per-minute-max = 240

# The group controller asks and assigns; nobody else writes to a lift. No lifeline: without it a
# lift still answers its own buttons.
[[flows]]
service = "elevator-controller"
direction = "in"
device-port = 47808
operations = [
    "bacnet.who-is",
    "bacnet.read-property",
    "bacnet.subscribe-cov",
    "bacnet.write-property",
]
source = "ASHRAE 135-2020 §13.14, §15.5, §15.9, §16.10"
envelope.bytes-per-minute-max = 128_000
envelope.connections-per-minute-max = 240

# No envelope: the fire panel is never limited.
[[flows]]
service = "fire-panel"
direction = "in"
device-port = 47808
operations = ["bacnet.life-safety-operation"]
lifeline = true
source = "ASHRAE 135-2020 §13.13"

[[flows]]
service = "ntp"
operations = ["ntp.query"]
cadence-s = 1024
source = "RFC 5905"
"#;
