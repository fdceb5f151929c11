//! The table of metrics: every name that may ever be shown, its type and its meaning.
//!
//! Source: Prometheus naming (base units, `_total`); Prometheus text format 0.0.4.

/// The type of a metric.
/// # Source
/// Prometheus text format 0.0.4, TYPE lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Only ever grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations, counted by size.
    Histogram,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Upper bounds of a histogram: nanoseconds, and the same in seconds as text.
pub(super) type Buckets = &'static [(u64, &'static str)];

/// For answers, which take less than a millisecond.
pub(super) const ANSWER: Buckets = &[
    (200_000, "0.0002"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_000_000, "0.002"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
];

/// For what should take less than a second, or two.
pub(super) const REACTION: Buckets = &[
    (10_000_000, "0.01"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1"),
    (2_000_000_000, "2"),
    (5_000_000_000, "5"),
    (10_000_000_000, "10"),
    (60_000_000_000, "60"),
];

macro_rules! families {
    ($($(#[$doc:meta])* $variant:ident $name:literal $kind:ident $help:literal;)*) => {
        /// A metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Family {
            $(#[doc = $help] $variant,)*
        }

        impl Family {
            /// Every metric, in the order in which they are shown.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Gives the name.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Gives the type.
            pub(super) fn kind(self) -> Type {
                match self { $(Self::$variant => Type::$kind,)* }
            }

            /// Gives the meaning.
            pub(super) fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

families! {
    Decisions "cordon_decisions_total" Counter
        "Decisions by tier, effect and reason.";
    DecisionSeconds "cordon_decision_seconds" Histogram
        "Time from a question to its answer.";
    PdpUp "cordon_pdp_up" Gauge
        "Whether an enforcement point reaches the decision node.";
    PolicyGeneration "cordon_policy_generation" Gauge
        "The newest generation of policy that was published.";
    PolicyAge "cordon_policy_age_seconds" Gauge
        "Time since the policy of an enforcement point was confirmed.";
    CacheTtl "cordon_cache_ttl_remaining_seconds" Gauge
        "Time until the first enforcement point counts its policy as stale.";
    DetectionSeconds "cordon_detection_seconds" Histogram
        "Time from the first packet to the finding, by class of evidence.";
    QuarantineSeconds "cordon_quarantine_seconds" Histogram
        "Time from the first violating packet until the device was cut off, by tier.";
    DeviceState "cordon_device_state" Gauge
        "Devices by state and tier, as enforcement points report them.";
    LifelineGap "cordon_lifeline_gap_seconds" Gauge
        "The longest silence of a lifeline flow in the last reports.";
    EmergencyActive "cordon_emergency_active" Gauge
        "Whether clinical emergency mode is on in a zone.";
    EmergencyActivations "cordon_emergency_activations_total" Counter
        "Activations of clinical emergency mode, without drills.";
    ReviewDue "cordon_review_due_seconds" Gauge
        "Time until the next review is due; negative: overdue.";
    CertExpiry "cordon_cert_expiry_seconds_min" Gauge
        "Time until the first certificate of a tier runs out; negative: it has.";
    AttestationFailures "cordon_attestation_failures_total" Counter
        "Firmware attestations that failed.";
    AuditBacklog "cordon_audit_backlog" Gauge
        "Records that are not yet in the journal.";
    AuditChainOk "cordon_audit_chain_ok" Gauge
        "Whether the journal verified the last time it was asked.";
    SiemSpool "cordon_siem_spool_bytes" Gauge
        "Bytes of the journal that an exporter has still to send.";
    SiemLag "cordon_siem_lag_seconds" Gauge
        "Age of the oldest record that an exporter has still to send.";
    FalseAlarms "cordon_false_alarm_devices_90d" Gauge
        "Devices with a false alarm in the last 90 days.";
    LeftOut "cordon_metrics_left_out_total" Counter
        "Observations that are not shown because a metric has too many series.";
}
