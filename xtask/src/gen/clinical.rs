//! Profiles of what stands at the bedside and in radiology: tiers RED, ORANGE and YELLOW.

/// Name and text of each profile.
pub(super) const PROFILES: [(&str, &str); 9] = [
    ("ventilator", VENTILATOR),
    ("dialysis", DIALYSIS),
    ("cardiac-monitor", CARDIAC_MONITOR),
    ("infusion-pump", INFUSION_PUMP),
    ("patient-monitor", PATIENT_MONITOR),
    ("imaging", IMAGING),
    ("nurse-call", NURSE_CALL),
    ("bed-scale", BED_SCALE),
    ("thermometer", THERMOMETER),
];

const VENTILATOR: &str = r#"
# Breathes for a patient. It reaches its own data endpoint and the alarm manager, nothing else: its
# address is fixed and its time comes from the data endpoint, so no name, time or address server
# stands between a patient and an alarm.
# Written by `cargo xtask gen`.

name = "Ventilator"
umbrella = "patient-monitors"
tier = "red"
impact = "life-support"
aliases = ["ventilator", "vent", "respirator"]

[[flows]]
service = "vent-data"
operations = ["hl7.oru-r01"]
lifeline = true
cadence-s = 60
source = "IHE DEV TF-2 PCD-01"
# About 8 kB of settings and measurements a minute; the bound is 16 times that.
envelope.bytes-per-minute-max = 128_000
envelope.connections-per-minute-max = 20

# No envelope: an alarm is never limited.
[[flows]]
service = "alarm-manager"
operations = ["hl7.oru-r40"]
lifeline = true
source = "IHE DEV TF-2 PCD-04"
"#;

const DIALYSIS: &str = r#"
# Cleans a patient's blood. Its address is fixed and its time comes from the data endpoint.
# Written by `cargo xtask gen`.

name = "Dialysis machine"
umbrella = "patient-monitors"
tier = "red"
impact = "life-support"
aliases = ["dialysis", "dialysis machine", "hemodialysis"]

[[flows]]
service = "dialysis-data"
operations = ["hl7.oru-r01"]
lifeline = true
cadence-s = 60
source = "IHE DEV TF-2 PCD-01"
# About 4 kB of pressures and flows a minute; the bound is 16 times that.
envelope.bytes-per-minute-max = 64_000
envelope.connections-per-minute-max = 20

# No envelope: an alarm is never limited.
[[flows]]
service = "alarm-manager"
operations = ["hl7.oru-r40"]
lifeline = true
source = "IHE DEV TF-2 PCD-04"
"#;

const CARDIAC_MONITOR: &str = r#"
# Watches a heart beat by beat. A bedside monitor or a transmitter on a belt; its display for the
# nurses is the central station of its building. Its address is fixed, its time comes from there.
# Written by `cargo xtask gen`.

name = "Cardiac monitor"
umbrella = "patient-monitors"
tier = "red"
impact = "life-support"
aliases = ["cardiac monitor", "ecg monitor", "telemetry"]

[[flows]]
service = "cardiac-central"
operations = ["hl7.oru-r01"]
lifeline = true
cadence-s = 1
source = "IHE DEV TF-2 PCD-01"
# Waveforms of 12 leads, 500 samples a second, come to about 4 MB of text a minute; 4 times that.
envelope.bytes-per-minute-max = 16_000_000
envelope.connections-per-minute-max = 20

# No envelope: an alarm is never limited.
[[flows]]
service = "alarm-manager"
operations = ["hl7.oru-r40"]
lifeline = true
source = "IHE DEV TF-2 PCD-04"
"#;

const INFUSION_PUMP: &str = r#"
# Gives drugs at a set rate, and goes on doing so without a network. 1,800 of them run firmware
# v4.2.1; they travel between units, so no building is in their names.
# Written by `cargo xtask gen`.

name = "Infusion pump"
umbrella = "infusion-pumps"
tier = "orange"
impact = "therapy"
aliases = ["infusion pump", "pump", "iv pump", "syringe pump"]

# Every five minutes, 2 to 8 kB of orders and vitals; the bound is 16 times the larger.
[[flows]]
service = "ehr-api"
operations = ["http.get", "http.post"]
cadence-s = 300
api-rate-per-minute = 100
source = "hospital plan"
envelope.bytes-per-connection-max = 128_000
envelope.bytes-per-minute-max = 256_000
envelope.connections-per-minute-max = 20

# What the pump is doing. A nurse who cannot see it must walk to the bed.
[[flows]]
service = "hl7-interface"
operations = ["hl7.oru-r01"]
lifeline = true
cadence-s = 300
source = "IHE DEV TF-2 PCD-01"
envelope.bytes-per-minute-max = 64_000
envelope.connections-per-minute-max = 20

# No envelope: an alarm is never limited.
[[flows]]
service = "alarm-manager"
operations = ["hl7.oru-r40"]
lifeline = true
source = "IHE DEV TF-2 PCD-04"

# Started, stopped, finished: events for the order server.
[[flows]]
service = "pump-orders"
operations = ["hl7.oru-r42"]
source = "IHE DEV TF-2 PCD-10"
envelope.bytes-per-minute-max = 64_000
envelope.connections-per-minute-max = 20

# The order itself, opened by the order server and by nobody else. It is a command, so it is no
# lifeline: when in doubt it is not delivered and a nurse sets the pump by hand.
[[flows]]
service = "pump-orders"
direction = "in"
device-port = 2575
operations = ["hl7.rgv-o15"]
source = "IHE DEV TF-2 PCD-03"
envelope.bytes-per-connection-max = 64_000
envelope.connections-per-minute-max = 10

[[flows]]
service = "ntp"
operations = ["ntp.query"]
cadence-s = 1024
source = "RFC 5905"

[[flows]]
service = "dhcp"
operations = ["dhcp.lease"]
lifeline = true
source = "RFC 2131"
"#;

const PATIENT_MONITOR: &str = r#"
# Measures pulse, pressure and oxygen of a patient whose life does not hang on it every second.
# Written by `cargo xtask gen`.

name = "Patient monitor"
umbrella = "patient-monitors"
tier = "orange"
impact = "therapy"
aliases = ["patient monitor", "vital signs monitor", "monitor"]

[[flows]]
service = "hl7-interface"
operations = ["hl7.oru-r01"]
lifeline = true
cadence-s = 60
source = "IHE DEV TF-2 PCD-01"
# About 8 kB of vitals a minute; the bound is 16 times that.
envelope.bytes-per-minute-max = 128_000
envelope.connections-per-minute-max = 20

# No envelope: an alarm is never limited.
[[flows]]
service = "alarm-manager"
operations = ["hl7.oru-r40"]
lifeline = true
source = "IHE DEV TF-2 PCD-04"

# Vitals that a nurse has confirmed.
[[flows]]
service = "ehr-api"
operations = ["http.get", "http.post"]
cadence-s = 900
api-rate-per-minute = 100
source = "hospital plan"
envelope.bytes-per-connection-max = 128_000
envelope.connections-per-minute-max = 20

[[flows]]
service = "ntp"
operations = ["ntp.query"]
cadence-s = 1024
source = "RFC 5905"

[[flows]]
service = "dhcp"
operations = ["dhcp.lease"]
lifeline = true
source = "RFC 2131"
"#;

const IMAGING: &str = r#"
# A modality: CT, MR, X-ray or ultrasound. It sends images to the archive and asks the worklist who
# comes next; it never fetches what other modalities made.
# Written by `cargo xtask gen`.

name = "Imaging modality"
umbrella = "imaging"
tier = "orange"
impact = "therapy"
aliases = ["imaging", "modality", "ct", "mr", "x-ray", "ultrasound"]

# Images are not counted but weighed: one CT study is hundreds of stores and up to 4 GB.
[[flows]]
service = "pacs"
operations = ["dicom.c-echo", "dicom.c-store", "dicom.n-action-commitment"]
source = "DICOM PS3.4 Annexes A, B and J"
envelope.bytes-per-connection-max = 8_000_000_000
envelope.connections-per-minute-max = 60

# The storage classes of the house's modalities: CT, MR, ultrasound, X-ray, angiography, secondary
# capture and dose reports; and the three transfer syntaxes that they use.
[flows.inspect.dicom]
storage-classes = [
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.12.1",
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.88.67",
]
transfer-syntaxes = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70"]
study-bytes-usual = 4_000_000_000

# The archive calls back, often hours later, to say that it has stored what it was given.
[[flows]]
service = "pacs"
direction = "in"
device-port = 11112
operations = ["dicom.c-echo", "dicom.n-event-report"]
source = "DICOM PS3.4 Annex J"
envelope.bytes-per-connection-max = 1_000_000
envelope.connections-per-minute-max = 20

[[flows]]
service = "ris-worklist"
operations = ["dicom.c-echo", "dicom.c-find-worklist", "dicom.n-create-mpps", "dicom.n-set-mpps"]
cadence-s = 300
source = "DICOM PS3.4 Annexes F and K"
envelope.bytes-per-connection-max = 4_000_000
envelope.connections-per-minute-max = 20

# Who looked at which patient's images.
[[flows]]
service = "audit-log"
operations = ["syslog.send"]
source = "DICOM PS3.15 Annex A.5"
envelope.bytes-per-minute-max = 1_000_000

[[flows]]
service = "ntp"
operations = ["ntp.query"]
cadence-s = 1024
source = "RFC 5905"

[[flows]]
service = "dhcp"
operations = ["dhcp.lease"]
lifeline = true
source = "RFC 2131"
"#;

const NURSE_CALL: &str = r#"
# The call button at the bed. A call that does not arrive is a patient alone, so the call is a
# lifeline although the rest of the type can wait five minutes.
# Written by `cargo xtask gen`.

name = "Nurse call station"
umbrella = "patient-monitors"
tier = "yellow"
impact = "workflow"
aliases = ["nurse call", "call station", "bedside call"]

# No envelope: a call is never limited.
[[flows]]
service = "nurse-call-server"
operations = ["hl7.oru-r40"]
lifeline = true
cadence-s = 60
source = "IHE DEV TF-2 PCD-04"

# Room and bed assignments for the display.
[[flows]]
service = "nurse-station"
operations = ["http.get", "http.post"]
cadence-s = 300
source = "hospital plan"
envelope.bytes-per-connection-max = 64_000
envelope.connections-per-minute-max = 20

# Lamp and battery faults.
[[flows]]
service = "building-management"
operations = ["http.post"]
cadence-s = 3600
source = "hospital plan"
envelope.bytes-per-connection-max = 64_000
envelope.connections-per-minute-max = 10

[[flows]]
service = "ntp"
operations = ["ntp.query"]
cadence-s = 1024
source = "RFC 5905"

[[flows]]
service = "dhcp"
operations = ["dhcp.lease"]
lifeline = true
source = "RFC 2131"
"#;

const BED_SCALE: &str = r#"
# Weighs a patient in bed and tells the nurse station.
# Written by `cargo xtask gen`.

name = "Bed scale"
umbrella = "patient-monitors"
tier = "yellow"
impact = "workflow"
aliases = ["bed scale", "scale"]

# A weight is a few hundred bytes.
[[flows]]
service = "nurse-station"
operations = ["http.post"]
cadence-s = 60
source = "hospital plan"
envelope.bytes-per-connection-max = 16_000
envelope.connections-per-minute-max = 20

[[flows]]
service = "ntp"
operations = ["ntp.query"]
cadence-s = 1024
source = "RFC 5905"

[[flows]]
service = "dns"
operations = ["dns.query"]
source = "RFC 1035"

[[flows]]
service = "dhcp"
operations = ["dhcp.lease"]
lifeline = true
source = "RFC 2131"
"#;

const THERMOMETER: &str = r#"
# A thermometer that tells the nurse station what it read.
# Written by `cargo xtask gen`.

name = "Thermometer"
umbrella = "patient-monitors"
tier = "yellow"
impact = "workflow"
aliases = ["thermometer", "temperature probe"]

# A reading is a few hundred bytes.
[[flows]]
service = "nurse-station"
operations = ["http.post"]
cadence-s = 60
source = "hospital plan"
envelope.bytes-per-connection-max = 16_000
envelope.connections-per-minute-max = 20

[[flows]]
service = "ntp"
operations = ["ntp.query"]
cadence-s = 1024
source = "RFC 5905"

[[flows]]
service = "dns"
operations = ["dns.query"]
source = "RFC 1035"

[[flows]]
service = "dhcp"
operations = ["dhcp.lease"]
lifeline = true
source = "RFC 2131"
"#;
