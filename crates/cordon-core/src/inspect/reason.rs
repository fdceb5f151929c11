//! Every reason that inspection knows, and what each does to each tier: the one table.

/// Where a message stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// A lifeline of a RED device: what the device sends, and the answers to it.
    RedLifeline,
    /// Another flow of a RED device, or a lifeline of a GREEN-LS or YELLOW device.
    Vital,
    /// A flow of an ORANGE device.
    Orange,
    /// A flow of a YELLOW or GREEN device.
    Other,
    /// Something that is asked of a device of any tier.
    Command,
}

impl Column {
    /// Every column.
    pub const ALL: [Self; 5] =
        [Self::RedLifeline, Self::Vital, Self::Orange, Self::Other, Self::Command];

    /// Gives the name that documents use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RedLifeline => "RED lifeline",
            Self::Vital => "RED, other lifelines",
            Self::Orange => "ORANGE",
            Self::Other => "YELLOW, GREEN",
            Self::Command => "towards a device",
        }
    }
}

/// What a reason does to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It passes and is remarked.
    Flag,
    /// It passes, is remarked, and somebody is called.
    FlagAndPage,
    /// It passes and is remarked; the third in a minute is stopped.
    BlockAfterThree,
    /// It is stopped.
    Block,
    /// It is stopped, and somebody is called.
    BlockAndPage,
}

impl Effect {
    /// Gives the name that documents use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::FlagAndPage => "flag, page",
            Self::BlockAfterThree => "block the third in 60 s",
            Self::Block => "block",
            Self::BlockAndPage => "block, page",
        }
    }
}

/// A row: the effects in the order of [`Column::ALL`].
struct Row {
    label: &'static str,
    effects: [Effect; 5],
    meaning: &'static str,
}

const F: Effect = Effect::Flag;
const FP: Effect = Effect::FlagAndPage;
const T: Effect = Effect::BlockAfterThree;
const B: Effect = Effect::Block;
const BP: Effect = Effect::BlockAndPage;

macro_rules! reasons {
    ($($name:ident $label:literal [$($effect:ident)*] $meaning:literal;)*) => {
        /// Why a message does not simply pass.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = concat!($meaning, ".")] $name,)*
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        label: $label, effects: [$($effect),*], meaning: $meaning,
                    },)*
                }
            }
        }
    };
}

reasons! {
    // What any protocol can get wrong.
    Malformed "malformed" [F F T B B] "It breaks the standard of its protocol";
    Truncated "truncated" [F F F F F] "The conversation ended within it";
    Unsupported "unsupported" [F F T B B] "It is legal and cannot be read here";
    OverLimit "over-limit" [F F T B B] "It has more of something than is taken";
    OutOfSequence "out-of-sequence" [F F T B B] "It cannot come at this point of the conversation";
    WrongProtocol "wrong-protocol" [FP B B B B] "The flow declares another protocol";
    Sealed "sealed" [F F F F B] "It is within TLS, or pretends to be, and cannot be read here";
    NoFlow "no-flow" [B B B B B] "The bundle lists no such flow";
    OperationNotListed "operation-not-listed" [F F B B B] "The flow does not list its operation";
    CommandFromDevice "command-from-device" [BP BP BP BP BP] "A device tells others what to do";
    CommandSource "command-source" [BP BP BP BP BP] "It tells a device what to do and does not come from who may";
    IdentityMismatch "identity-mismatch" [FP FP BP B B] "It names another device as its sender";
    UnexpectedReply "unexpected-reply" [F F B B B] "It answers nothing that was asked";
    TooManyPending "too-many-pending" [F F B B B] "More is asked at once than may be open";
    // HL7 v2.
    RequiredFieldEmpty "required-field-empty" [F F B B B] "A field that every message has is empty";
    ControlBytes "control-bytes" [F F B B B] "There are control bytes in the text";
    UnusualSize "unusual-size" [F F F B B] "It is more than ten times as large as usual";
    ReceiverMismatch "receiver-mismatch" [F F F F F] "It names another receiver than the flow's server";
    ClockSkew "clock-skew" [F F F F F] "Its time is more than five minutes off, or no time at all";
    Replay "replay" [F F F F F] "Its control id was used within ten minutes";
    ResendStorm "resend-storm" [FP FP FP FP FP] "It was sent more than six times";
    NotProduction "not-production" [F F F F F] "It is marked as training or debugging";
    VersionNotListed "version-not-listed" [F F F B B] "Its version is not one of those declared";
    PatientMismatch "patient-mismatch" [FP FP FP FP FP] "It names another patient than the one at the device";
    DeviceMismatch "device-mismatch" [FP FP FP FP FP] "It names another device than the one it goes to";
    // DICOM.
    CallingAe "calling-ae" [FP FP B B B] "The calling application entity is not the device's";
    CalledAe "called-ae" [F F B B B] "The called application entity is not the service's";
    SopClassNotListed "sop-class-not-listed" [F F B B B] "The device does not own the SOP class";
    ContextNotListed "context-not-listed" [F F F F F] "Some of the classes it proposes are of no use to it, others are";
    MoveDestination "move-destination" [B B B B B] "Images are to be sent to somebody who did not ask";
    PatientRootQuery "patient-root-query" [B B B B B] "A modality asks by patient, not by study";
    RoleReversal "role-reversal" [F F B B B] "Roles are reversed, and that is not declared";
    PduOverNegotiated "pdu-over-negotiated" [F F B B B] "A PDU is longer than the receiver said it takes";
    TooManyAssociations "too-many-associations" [F F B B B] "More associations are open than may be";
    Harvest "harvest" [F F F F F] "It asks for everybody";
    QueryRate "query-rate" [F F F F F] "It asks more than sixty times a minute";
    FailedAssociations "failed-associations" [F F F F F] "More than five associations failed in a minute";
    TransferSyntax "transfer-syntax" [F F F F F] "The transfer syntax is not one of those declared";
    StudySize "study-size" [F F F F F] "The study is more than twice as large as usual";
    // Modbus.
    FunctionUnknown "function-unknown" [F F B B B] "The function is none of the standard's";
    DangerousDiagnostics "dangerous-diagnostics" [BP BP BP BP BP] "It restarts or silences a controller";
    UnitNotListed "unit-not-listed" [F F B B B] "The unit is not one of those declared";
    AddressNotListed "address-not-listed" [F F B B B] "The address is not one of those declared";
    ValueOutOfRange "value-out-of-range" [F F B B B] "The value makes no sense there";
    WriteRate "write-rate" [F F B B B] "More is written in a minute than may be";
    ScanPattern "scan-pattern" [F F BP BP BP] "Addresses are tried out";
    // BACnet.
    DangerousService "dangerous-service" [BP BP BP BP BP] "It silences, restarts or reprograms a controller";
    WritePriority "write-priority" [BP BP BP BP BP] "Only the fire system writes with this priority";
    DiscoveryRate "discovery-rate" [B B B B B] "It looks for devices more than once a second";
    BroadcastManagement "broadcast-management" [B B B B B] "Only a peer that manages broadcasts may do so";
    NetworkMessage "network-message" [B B B B B] "It changes how networks are routed";
    InstanceMismatch "instance-mismatch" [FP FP B B B] "It claims another device instance than its own";
    // HTTP.
    ApiRate "api-rate" [F F B B B] "More calls are made in a minute than may be";
}

impl Reason {
    /// Gives the label that records use.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.row().label
    }

    /// Gives the meaning, for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// Gives what the reason does to a message in a column.
    #[must_use]
    pub fn effect(self, column: Column) -> Effect {
        let [red_lifeline, vital, orange, other, command] = self.row().effects;
        match column {
            Column::RedLifeline => red_lifeline,
            Column::Vital => vital,
            Column::Orange => orange,
            Column::Other => other,
            Column::Command => command,
        }
    }

    /// Gives the place in the table.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}
