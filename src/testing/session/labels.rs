//! STORE of Gmail's labels, and the labels for FETCH and SEARCH (X-GM-EXT-1).

use crate::testing::labels::Labels;
use crate::testing::world::World;
use crate::wire::request::{FetchItem, SearchKey, StoreLabels};

use super::Session;
use super::find::limit_reached;
use super::reply::{Allows, Done, Reply};
use super::snapshot::Snapshot;
use super::store::left_alone;

/// Whether a key is about labels.
fn by_label(key: &SearchKey) -> bool {
    matches!(key, SearchKey::Text("X-GM-LABELS", _)) || key.parts().any(by_label)
}

impl Session {
    pub(super) fn store_labels(&mut self, world: &mut World, command: &StoreLabels) -> Done {
        self.begin_condition(world, command.unchanged_since)?;
        let places = self.places(world, &command.which, command.uid)?;
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        if snapshot.read_only {
            return Ok(Reply::ok("Store ignored with read-only mailbox"));
        }
        let mailbox = snapshot.mailbox;
        let (places, limited) = self.limited(world, places);
        let (places, modified) = snapshot.unchanged_since(places, command.unchanged_since);
        let there = |at: &usize| snapshot.row(*at).is_some_and(|row| !row.expunged);
        let places: Vec<usize> = places.into_iter().filter(there).collect();
        let uids = snapshot.uids(&places);
        let change = (command.change, &*command.labels);
        world.change_labels(&self.user(), (mailbox, &uids), change, self.id)?;
        // What leaves the mailbox is reported when the command ends: the numbers hold until then.
        self.flush(world, Allows::Flags);
        if !command.silent {
            self.write_labels(world, &places, command.uid);
        }
        let left = left_alone(&modified, command.uid);
        Ok(left.unwrap_or_else(|| limited.map_or_else(|| Reply::ok("Stored"), limit_reached)))
    }

    fn write_labels(&mut self, world: &World, places: &[usize], uid: bool) {
        let name = |name: &str| FetchItem::Name(name.to_owned());
        let mut items = vec![name("X-GM-LABELS")];
        items.extend(uid.then(|| name("UID")));
        let labels = self.labels_for(world, &items);
        for at in places {
            let Some(row) = self.selected.as_ref().and_then(|snapshot| snapshot.row(*at)).cloned() else {
                continue;
            };
            if let Ok(bytes) = self.row_of(Snapshot::seq(*at), &row, &items, (false, &labels)) {
                self.out.write(&bytes);
            }
        }
    }

    /// The labels to show beside these items: not that of the selected mailbox.
    pub(super) fn labels_for(&self, world: &World, items: &[FetchItem]) -> Labels {
        let is_asked = |item: &FetchItem| matches!(item, FetchItem::Name(name) if name == "X-GM-LABELS");
        let mailbox = self.selected.as_ref().map(|snapshot| snapshot.mailbox);
        if items.iter().any(is_asked) { world.labels(&self.user(), mailbox) } else { Labels::default() }
    }

    /// The labels to search by.
    pub(super) fn labels_of_keys(&self, world: &World, keys: &[SearchKey]) -> Labels {
        if keys.iter().any(by_label) { world.labels(&self.user(), None) } else { Labels::default() }
    }
}
