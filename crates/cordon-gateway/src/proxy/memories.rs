//! What inspection remembers of each device, by a place that connections keep.

use std::collections::BTreeMap;

use cordon_core::inspect::Memory;
use cordon_model::DeviceId;

/// The memories of devices; when there is no room, the one that was made first serves anew.
#[derive(Debug)]
pub(super) struct Memories {
    places: BTreeMap<DeviceId, usize>,
    list: Vec<(Option<DeviceId>, Box<Memory>)>,
    max: usize,
    oldest: usize,
    /// For a place that there is not, which never happens.
    spare: Box<Memory>,
}

impl Memories {
    pub(super) fn new(max: usize) -> Self {
        Self {
            places: BTreeMap::new(),
            list: Vec::new(),
            max: max.max(1),
            oldest: 0,
            spare: Box::default(),
        }
    }

    /// Gives the place of a device's memory.
    pub(super) fn place(&mut self, device: &DeviceId) -> usize {
        if let Some(place) = self.places.get(device) {
            return *place;
        }
        let place = if self.list.len() < self.max {
            self.list.push((None, Box::default()));
            self.list.len().saturating_sub(1)
        } else {
            let place = self.oldest;
            self.oldest = place.saturating_add(1) % self.max;
            place
        };
        if let Some((owner, memory)) = self.list.get_mut(place) {
            if let Some(owner) = owner.replace(device.clone()) {
                self.places.remove(&owner);
                **memory = Memory::default();
            }
            self.places.insert(device.clone(), place);
        }
        place
    }

    /// Gives the memory at a place.
    pub(super) fn at(&mut self, place: usize) -> &mut Memory {
        match self.list.get_mut(place) {
            Some((_, memory)) => memory,
            None => &mut self.spare,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::*;

    #[test]
    fn a_device_keeps_its_place_until_there_is_no_room() {
        let id = |n: usize| DeviceId::new(&format!("D{n}")).unwrap();
        let mut memories = Memories::new(2);
        let (one, two) = (memories.place(&id(1)), memories.place(&id(2)));
        assert_ne!(one, two);
        assert_eq!((memories.place(&id(1)), memories.place(&id(2))), (one, two));
        assert_eq!(memories.place(&id(3)), one);
        assert_eq!(memories.place(&id(1)), two);
        assert_eq!(memories.place(&id(3)), one);
    }
}
