//! A map of bounded size that forgets what was not asked for the longest.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A map that forgets.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    entries: HashMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
    now: u64,
    max: usize,
    /// How many entries were forgotten for want of room.
    pub(super) evicted: u64,
}

impl<K: Copy + Eq + Hash, V> Lru<K, V> {
    pub(super) fn new(max: usize) -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), now: 0, max, evicted: 0 }
    }

    /// Gives an entry and makes it the newest.
    pub(super) fn get(&mut self, key: &K) -> Option<&mut V> {
        let (when, value) = self.entries.get_mut(key)?;
        self.order.remove(when);
        self.now += 1;
        *when = self.now;
        self.order.insert(self.now, *key);
        Some(value)
    }

    /// Adds an entry; gives the one that had to make room, or that it replaces.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.now += 1;
        let replaced = self.entries.insert(key, (self.now, value));
        self.order.insert(self.now, key);
        if let Some((when, value)) = replaced {
            self.order.remove(&when);
            return Some(value);
        }
        if self.entries.len() <= self.max {
            return None;
        }
        let (_, oldest) = self.order.pop_first()?;
        self.evicted += 1;
        self.entries.remove(&oldest).map(|(_, value)| value)
    }

    /// Gives an entry and makes it the newest; one that is not there is made.
    pub(super) fn get_or(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.now += 1;
        match self.entries.get(&key) {
            Some((when, _)) => {
                self.order.remove(when);
            }
            None if self.entries.len() >= self.max => {
                if let Some((_, oldest)) = self.order.pop_first() {
                    self.evicted += 1;
                    self.entries.remove(&oldest);
                }
            }
            None => {}
        }
        self.order.insert(self.now, key);
        let (when, value) = self.entries.entry(key).or_insert_with(|| (0, make()));
        *when = self.now;
        value
    }

    /// Takes the oldest entry.
    pub(super) fn pop(&mut self) -> Option<V> {
        let (_, oldest) = self.order.pop_first()?;
        self.entries.remove(&oldest).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_what_was_not_asked_for_the_longest() {
        let mut lru = Lru::new(2);
        assert_eq!(lru.insert(1, "one"), None);
        assert_eq!(lru.insert(2, "two"), None);
        assert_eq!(lru.get(&1), Some(&mut "one"));
        assert_eq!(lru.insert(3, "three"), Some("two"));
        assert_eq!(lru.insert(3, "drei"), Some("three"));
        assert_eq!(lru.get_or(1, || "uno"), &"one");
        assert_eq!(lru.get_or(4, || "four"), &"four");
        assert_eq!((lru.evicted, lru.pop()), (2, Some("one")));
        assert_eq!((lru.pop(), lru.pop()), (Some("four"), None));
    }
}
