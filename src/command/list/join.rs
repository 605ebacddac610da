//! The entries of a LIST, each with what arrived beside it.

use std::collections::HashMap;

use crate::types::{ListEntry, MailboxName};

/// Whether it has nothing but what arrived beside the list.
fn is_data(entry: &ListEntry) -> bool {
    entry.status.is_some() || entry.my_rights.is_some() || entry.metadata.is_some()
}

/// Each mailbox once, with what arrived beside it.
pub(super) fn joined(items: Vec<ListEntry>) -> Vec<ListEntry> {
    let (data, mut listed): (Vec<_>, Vec<_>) = items.into_iter().partition(is_data);
    // A renaming that was reported meanwhile is no row of the list where that has the mailbox under
    // its new name.
    listed.sort_by_key(|entry| entry.renamed_from().is_some());
    let mut places: HashMap<MailboxName, usize> = HashMap::new();
    let mut all: Vec<ListEntry> = Vec::with_capacity(listed.len());
    for entry in listed.into_iter().chain(data) {
        match places.get(&entry.name).and_then(|place| all.get_mut(*place)) {
            None => {
                places.insert(entry.name.clone(), all.len());
                all.push(entry);
            }
            Some(known) => {
                known.status = entry.status.or(known.status.take());
                known.my_rights = entry.my_rights.or(known.my_rights.take());
                known.metadata = match (known.metadata.take(), entry.metadata) {
                    (Some(mut earlier), Some(later)) => {
                        earlier.entries.extend(later.entries);
                        Some(earlier)
                    }
                    (earlier, later) => later.or(earlier),
                };
            }
        }
    }
    all
}
