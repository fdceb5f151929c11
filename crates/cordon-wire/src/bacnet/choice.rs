//! The services, by number and name.
//!
//! Source: ASHRAE 135-2020 §21.2, §21.3.

macro_rules! services {
    ($(#[$doc:meta])* $kind:ident $($variant:ident $number:literal $name:literal;)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl $kind {
            /// Every service, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Finds a service.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Gives the number.
            #[must_use]
            pub fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// Gives the name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

services! {
    /// A service with an answer.
    /// # Source
    /// ASHRAE 135-2020 §21.2 (BACnetConfirmedServiceChoice); ASHRAE 135-2004 §21 (13, 24, 25).
    ConfirmedService
    AcknowledgeAlarm 0 "acknowledge-alarm";
    ConfirmedCovNotification 1 "confirmed-cov-notification";
    ConfirmedEventNotification 2 "confirmed-event-notification";
    GetAlarmSummary 3 "get-alarm-summary";
    GetEnrollmentSummary 4 "get-enrollment-summary";
    SubscribeCov 5 "subscribe-cov";
    AtomicReadFile 6 "atomic-read-file";
    AtomicWriteFile 7 "atomic-write-file";
    AddListElement 8 "add-list-element";
    RemoveListElement 9 "remove-list-element";
    CreateObject 10 "create-object";
    DeleteObject 11 "delete-object";
    ReadProperty 12 "read-property";
    ReadPropertyConditional 13 "read-property-conditional";
    ReadPropertyMultiple 14 "read-property-multiple";
    WriteProperty 15 "write-property";
    WritePropertyMultiple 16 "write-property-multiple";
    DeviceCommunicationControl 17 "device-communication-control";
    ConfirmedPrivateTransfer 18 "confirmed-private-transfer";
    ConfirmedTextMessage 19 "confirmed-text-message";
    ReinitializeDevice 20 "reinitialize-device";
    VtOpen 21 "vt-open";
    VtClose 22 "vt-close";
    VtData 23 "vt-data";
    Authenticate 24 "authenticate";
    RequestKey 25 "request-key";
    ReadRange 26 "read-range";
    LifeSafetyOperation 27 "life-safety-operation";
    SubscribeCovProperty 28 "subscribe-cov-property";
    GetEventInformation 29 "get-event-information";
    SubscribeCovPropertyMultiple 30 "subscribe-cov-property-multiple";
    ConfirmedCovNotificationMultiple 31 "confirmed-cov-notification-multiple";
    ConfirmedAuditNotification 32 "confirmed-audit-notification";
    AuditLogQuery 33 "audit-log-query";
}

services! {
    /// A service without an answer.
    /// # Source
    /// ASHRAE 135-2020 §21.3 (BACnetUnconfirmedServiceChoice).
    UnconfirmedService
    IAm 0 "i-am";
    IHave 1 "i-have";
    UnconfirmedCovNotification 2 "unconfirmed-cov-notification";
    UnconfirmedEventNotification 3 "unconfirmed-event-notification";
    UnconfirmedPrivateTransfer 4 "unconfirmed-private-transfer";
    UnconfirmedTextMessage 5 "unconfirmed-text-message";
    TimeSynchronization 6 "time-synchronization";
    WhoHas 7 "who-has";
    WhoIs 8 "who-is";
    UtcTimeSynchronization 9 "utc-time-synchronization";
    WriteGroup 10 "write-group";
    UnconfirmedCovNotificationMultiple 11 "unconfirmed-cov-notification-multiple";
    UnconfirmedAuditNotification 12 "unconfirmed-audit-notification";
    WhoAmI 13 "who-am-i";
    YouAre 14 "you-are";
}
