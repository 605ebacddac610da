//! STORE of annotations, and those that FETCH, SEARCH, SORT and APPEND name (RFC 5257).

use crate::testing::annotations::{Attribute, Change, Notes, Refused, is_entry};
use crate::testing::world::World;
use crate::types::{AnnotateCode, AnnotationScope, Code};
use crate::wire::request::{AnnotationEntry, StoreAnnotations, Value};

use super::Session;
use super::acl::text_of;
use super::find::limit_reached;
use super::reply::{Allows, Done, Reply};
use super::store::left_alone;

/// What `(entries attributes)` of FETCH asks for; `None`: it is not so.
pub(super) fn asked(values: &[Value]) -> Option<(Vec<String>, Vec<Attribute>)> {
    let texts = |value: &Value| match value {
        Value::List(values) => values.iter().map(text_of).collect::<Option<Vec<String>>>(),
        one => Some(vec![text_of(one)?]),
    };
    let [entries, attributes] = values else { return None };
    let (entries, names) = (texts(entries)?, texts(attributes)?);
    let attributes: Vec<_> = names.iter().map(|name| Attribute::named(name)).collect();
    let fits = entries.iter().all(|entry| is_entry(entry, true));
    let is_known = !attributes.iter().any(Vec::is_empty);
    (fits && is_known).then(|| (entries, attributes.concat()))
}

/// The changes that STORE or APPEND names.
pub(super) fn changes(entries: &[AnnotationEntry]) -> Result<Vec<Change>, Reply> {
    let mut changes = Vec::new();
    for (entry, values) in entries {
        if !is_entry(entry, false) {
            return Err(Reply::bad("An annotation can't be called so"));
        }
        for (attribute, value) in values {
            // RFC 5257 section 3.3: the scope has to be named.
            let scope = match &**attribute {
                "value.priv" => AnnotationScope::Private,
                "value.shared" => AnnotationScope::Shared,
                _ => return Err(Reply::bad("value.priv or value.shared was expected")),
            };
            changes.push((entry.clone(), scope, value.clone()));
        }
    }
    Ok(changes)
}

pub(super) fn refusal(refused: Refused) -> Reply {
    match refused {
        Refused::TooBig => Reply::no(Some(Code::Annotate(AnnotateCode::TooBig)), "The value is too large"),
        Refused::TooMany => Reply::no(Some(Code::Annotate(AnnotateCode::TooMany)), "There are too many"),
    }
}

impl Session {
    pub(super) fn store_annotations(&mut self, world: &mut World, command: &StoreAnnotations) -> Done {
        self.begin_condition(world, command.unchanged_since)?;
        let changes = changes(&command.entries)?;
        let places = self.places(world, &command.which, command.uid)?;
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        if snapshot.read_only {
            return Err(Reply::no(Some(Code::NoPerm), "The mailbox is open read-only"));
        }
        let (places, limited) = self.limited(world, places);
        let (places, modified) = snapshot.unchanged_since(places, command.unchanged_since);
        let mailbox = snapshot.mailbox;
        let rows = places.iter().filter_map(|at| snapshot.row(*at)).filter(|row| !row.expunged);
        let (uids, notes): (Vec<u32>, Vec<Notes>) =
            rows.map(|row| (row.message.uid, row.message.notes.clone())).unzip();
        // All or nothing.
        notes.iter().try_for_each(|notes| notes.check(&changes)).map_err(refusal)?;
        let before: u64 = notes.iter().map(Notes::size).sum();
        let after: u64 = notes.iter().map(|notes| notes.size_after(&changes)).sum();
        if !world.has_room_for_notes(&self.user(), after.saturating_sub(before)) {
            return Err(Reply::no(Some(Code::OverQuota), "There is no room for it"));
        }
        notes.iter().for_each(|notes| notes.change(&changes));
        let mut entries: Vec<String> = changes.iter().map(|(entry, ..)| entry.clone()).collect();
        entries.dedup();
        world.notify_annotated(mailbox, &uids, &entries, self.id);
        self.flush(world, Allows::by(command.uid));
        let left = left_alone(&modified, command.uid);
        Ok(left.unwrap_or_else(|| limited.map_or_else(|| Reply::ok("Stored"), limit_reached)))
    }
}
