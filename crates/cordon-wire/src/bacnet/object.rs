//! Object identifiers.
//!
//! Source: ASHRAE 135-2020 §20.2.14.

use std::fmt;

use super::object_type_name;

/// The type and the instance of an object, as one number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// The largest instance; it stands for "whoever reads this" and "not configured".
const INSTANCE_MAX: u32 = 0x003F_FFFF;

impl ObjectId {
    /// The object type of devices.
    /// # Source
    /// ASHRAE 135-2020 §21.6 (BACnetObjectType).
    pub const DEVICE: u16 = 8;

    /// Makes one; what is too large is cut to ten and twenty-two bits.
    #[must_use]
    pub fn new(object_type: u16, instance: u32) -> Self {
        Self(u32::from(object_type & 0x03FF) << 22 | instance & INSTANCE_MAX)
    }

    /// Gives the number of the object type.
    #[must_use]
    pub fn object_type(self) -> u16 {
        // Ten bits always fit.
        u16::try_from(self.0 >> 22).unwrap_or(u16::MAX)
    }

    /// Gives the name of the object type.
    #[must_use]
    pub fn type_name(self) -> Option<&'static str> {
        object_type_name(self.object_type())
    }

    /// Gives the instance.
    #[must_use]
    pub fn instance(self) -> u32 {
        self.0 & INSTANCE_MAX
    }

    /// Gives the instance, if it is a device.
    #[must_use]
    pub fn device(self) -> Option<u32> {
        (self.object_type() == Self::DEVICE).then_some(self.instance())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.type_name() {
            Some(name) => write!(f, "{name},{}", self.instance()),
            None => write!(f, "{},{}", self.object_type(), self.instance()),
        }
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}
