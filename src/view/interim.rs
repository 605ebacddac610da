//! What the engine asks of the view beyond the basics.

use super::*;

impl View {
    pub(crate) fn off(exists: u32) -> Self {
        Self { off: true, ..Self::opened(exists) }
    }

    pub(crate) fn fill_window(&mut self, first: Seq, last: Seq, uids: &UidSet) -> Result<(), Contradiction> {
        let (a, b) = (index(first), index(last));
        if b >= self.entries.len() || uids.len() != (b + 1 - a) as u64 {
            return Err(Contradiction);
        }
        let before = a.checked_sub(1).and_then(|_| self.uid_before(first));
        let after = self.entries[b + 1..].iter().find_map(|e| e.uid);
        if before.is_some_and(|u| Some(u) >= uids.first()) || after.is_some_and(|u| Some(u) <= uids.last()) {
            return Err(Contradiction);
        }
        if self.entries[a..=b].iter().zip(uids.iter()).any(|(e, uid)| e.uid.is_some_and(|known| known != uid))
        {
            return Err(Contradiction);
        }
        for (entry, uid) in self.entries[a..=b].iter_mut().zip(uids.iter()) {
            if entry.uid.replace(uid).is_none() {
                self.unknown -= 1;
            }
        }
        Ok(())
    }

    pub(crate) fn unknown_before(&self, before: Option<Seq>) -> Option<(Seq, Seq)> {
        let Some(before) = before else { return self.unknown() };
        let (first, _) = self.unknown()?;
        let last =
            self.entries[..index(before).min(self.entries.len())].iter().rposition(|e| e.uid.is_none())?;
        Some((first, seq_at(last)?))
    }

    pub(crate) fn uids(&self) -> UidSet {
        self.entries.iter().filter_map(|e| e.uid).collect()
    }

    pub(crate) fn uids_without_flags(&self) -> UidSet {
        self.entries.iter().filter(|e| e.flags.is_none()).filter_map(|e| e.uid).collect()
    }

    pub(crate) fn flags(&self, seq: Seq) -> Option<Flags> {
        self.get(seq)?.flags.clone()
    }

    /// Flags that were known before, of messages of which no newer ones have been told.
    pub(crate) fn recall_flags(&mut self, uids: &UidSet, flags: &Flags) {
        for uid in uids.iter() {
            if let Ok(index) = self.find(uid) {
                self.entries[index].flags.get_or_insert_with(|| flags.clone());
            }
        }
    }

    pub(crate) fn flag_groups(&self) -> Vec<(Flags, UidSet)> {
        let mut groups: Vec<(Flags, UidSet)> = Vec::new();
        for entry in &self.entries {
            let (Some(uid), Some(flags)) = (entry.uid, &entry.flags) else { continue };
            match groups.iter_mut().find(|(known, _)| known == flags) {
                Some((_, uids)) => uids.insert(uid),
                None => groups.push((flags.clone(), uid.into())),
            }
        }
        groups
    }
}
