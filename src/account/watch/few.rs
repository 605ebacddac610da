//! A map that is small as long as it has few entries: most accounts have some mailboxes, and a
//! process may have ten thousand accounts. A node of a `BTreeMap` has room for eleven from the
//! start.
//!
//! In: keys with an order, values. Out: the same in the order of the keys.

use std::collections::BTreeMap;

/// How many entries are kept in a list.
const FEW: usize = 8;

/// A map in the order of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FewMap<K, V> {
    /// In order.
    Few(Vec<(K, V)>),
    Many(BTreeMap<K, V>),
}

impl<K, V> Default for FewMap<K, V> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<K: Ord, V> FewMap<K, V> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        match self {
            Self::Few(few) => few.iter().find(|(other, _)| other == key).map(|(_, value)| value),
            Self::Many(many) => many.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self {
            Self::Few(few) => few.iter_mut().find(|(other, _)| other == key).map(|(_, value)| value),
            Self::Many(many) => many.get_mut(key),
        }
    }

    pub(super) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// A list that is full becomes a map.
    fn make_room(&mut self) {
        if let Self::Few(few) = self
            && few.len() >= FEW
        {
            *self = Self::Many(std::mem::take(few).into_iter().collect());
        }
    }

    /// Replaces the value of this key.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.make_room();
        match self {
            Self::Few(few) => match few.binary_search_by(|(other, _)| other.cmp(&key)) {
                Ok(at) => Some(std::mem::replace(&mut few[at].1, value)),
                Err(at) => {
                    few.reserve_exact(1);
                    few.insert(at, (key, value));
                    None
                }
            },
            Self::Many(many) => many.insert(key, value),
        }
    }

    /// The value of this key, which is made if there is none.
    pub(super) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.make_room();
        match self {
            Self::Few(few) => match few.binary_search_by(|(other, _)| other.cmp(&key)) {
                Ok(at) => &mut few[at].1,
                Err(at) => {
                    few.reserve_exact(1);
                    few.insert(at, (key, V::default()));
                    &mut few[at].1
                }
            },
            Self::Many(many) => many.entry(key).or_default(),
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            Self::Few(few) => {
                let at = few.iter().position(|(other, _)| other == key)?;
                Some(few.remove(at).1)
            }
            Self::Many(many) => many.remove(key),
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        let few = few.into_iter().flatten().map(|(key, value)| (key, value));
        few.chain(many.into_iter().flatten())
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        let few = few.into_iter().flatten().map(|(key, value)| (&*key, value));
        few.chain(many.into_iter().flatten())
    }

    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for FewMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_in_order_however_many_there_are() {
        let (mut map, mut expected) = (FewMap::default(), BTreeMap::new());
        // Each number below 23 comes and goes, in no order, while more and more of them stay.
        for step in 0..2000_u32 {
            let key = step * 7919 % 23;
            if step % 3 == 0 && step < 1500 {
                assert_eq!(map.remove(&key), expected.remove(&key));
            } else if step % 5 == 0 {
                *map.get_or_default(key) += step;
                *expected.entry(key).or_default() += step;
            } else {
                assert_eq!(map.insert(key, step), expected.insert(key, step));
            }
            map.iter_mut().for_each(|(key, value)| *value += key);
            expected.iter_mut().for_each(|(key, value)| *value += key);
            assert!(map.iter().eq(expected.iter()) && map.len() == expected.len(), "{step}");
            assert!(map.iter().rev().eq(expected.iter().rev()) && map.get(&key) == expected.get(&key));
        }
        assert!(matches!(map, FewMap::Many(_)), "both kinds have been tried");
    }
}
