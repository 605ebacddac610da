//! ESEARCH: a search of several mailboxes (MULTISEARCH, RFC 7377); and UIDBATCHES.

use std::collections::BTreeSet;

use crate::testing::names::{DELIMITER, parent};
use crate::testing::world::World;
use crate::types::{Answer, Code, MailboxName, NumberList, UidBatches, UidValidity};
use crate::wire::request::{Numbers, SearchIn, SearchKey, Value};

use super::Session;
use super::acl::text_of;
use super::find::{Found, by_mod_seq, checked, found_in, refused};
use super::reply::{Done, Reply};
use super::search::{options, piece, result};
use super::snapshot::Snapshot;

/// RFC 10022 sections 3.1.3.2 and 3.1.5.
const MIN_IN_BATCH: usize = 500;
const MAX_IN_BATCHES: usize = 100_000;

/// Whether a key is about the saved result, which is of the selected mailbox.
fn has_saved(key: &SearchKey) -> bool {
    match key {
        SearchKey::Uids(numbers) | SearchKey::Seqs(numbers) => *numbers == Numbers::Saved,
        key => key.parts().any(has_saved),
    }
}

impl Session {
    pub(super) fn search_in(&mut self, world: &mut World, tag: &str, command: &SearchIn) -> Done {
        let SearchIn { scope, search } = command;
        let returned = search.returned.as_deref().unwrap_or_default();
        let options = options(world, returned, "CONTEXT=SEARCH")?;
        let is_selected_alone = scope.iter().all(|(filter, _)| *filter == "SELECTED");
        if !is_selected_alone && (options.save || options.update || search.keys.iter().any(has_saved)) {
            return Err(Reply::bad("That is for the selected mailbox alone"));
        }
        self.may_update(tag, &options)?;
        let keys = checked(world, &self.user(), search.charset.as_deref(), &search.keys)?;
        let by_mod_seq = keys.iter().any(by_mod_seq);
        if by_mod_seq {
            self.enable_condstore(world);
        }
        let terms = self.terms(world, &keys);
        for name in self.scope(world, scope)? {
            let Some(id) = world.find(&self.user(), &name) else { continue };
            let Some(held) = world.mailboxes.get(&id) else { continue };
            let uid_validity = UidValidity::new(held.uid_validity);
            let selected = self.selected.as_ref().filter(|snapshot| snapshot.mailbox == id);
            let rows = match selected {
                Some(snapshot) => found_in(snapshot, &keys, None, &terms),
                None => {
                    let unopened = Snapshot::new(id, name.clone(), true, held, u32::MAX);
                    found_in(&unopened, &keys, None, &terms)
                }
            };
            let rows = rows.map_err(refused)?;
            let found = Found { rows, keys: keys.clone(), by_mod_seq, limited: None };
            let mut response = result(tag, true, &options, &found);
            if is_selected_alone && options.save {
                self.save(&options, &found);
            }
            // RFC 7377 section 2.1: nothing of mailboxes where nothing was found.
            if !found.rows.is_empty() && !options.only_saves() {
                (response.mailbox, response.uid_validity) = (Some(name), uid_validity);
                self.answer("ESEARCH", Answer::ESearch(Box::new(response)));
            }
            if options.update {
                self.keep_updated(tag, true, None, &found);
            }
        }
        Ok(Reply::ok("Searched"))
    }

    /// The mailboxes to search, each once (RFC 7377 section 2.2).
    fn scope(
        &self,
        world: &World,
        scope: &[(&'static str, Vec<MailboxName>)],
    ) -> Result<BTreeSet<MailboxName>, Reply> {
        let Some(user) = world.users.get(&self.user()) else { return Ok(BTreeSet::new()) };
        let mut all = BTreeSet::new();
        for (filter, names) in scope {
            let is_named = |name: &MailboxName| names.contains(name);
            let below = |name: &MailboxName, of: &MailboxName| {
                name.as_str().strip_prefix(of.as_str()).is_some_and(|rest| rest.starts_with(DELIMITER))
            };
            let child = |name: &MailboxName| {
                parent(name.as_str()).is_some_and(|above| is_named(&MailboxName::exact(above)))
            };
            if *filter == "SELECTED" {
                let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
                all.extend(world.place(snapshot.mailbox).map(|(_, name)| name.clone()));
                continue;
            }
            let fits = |name: &&MailboxName| match *filter {
                "PERSONAL" => true,
                "INBOXES" => name.is_inbox(),
                "SUBSCRIBED" => user.subscribed.contains(*name),
                "SUBTREE" => is_named(name) || names.iter().any(|of| below(name, of)),
                "SUBTREE-ONE" => is_named(name) || child(name),
                _ => is_named(name),
            };
            all.extend(user.names.keys().filter(fits).cloned());
        }
        Ok(all)
    }

    /// UIDBATCHES: ranges of UIDs, from the newest on, each with so many messages; the last one
    /// goes down to 1. Real servers may refuse ranges of fewer than 500 messages.
    pub(super) fn uid_batches(&mut self, tag: &str, arguments: &[Value]) -> Done {
        let bad = || Reply::bad("A count of messages was expected");
        let words: Vec<String> = arguments.iter().map(text_of).collect::<Option<_>>().ok_or_else(bad)?;
        let (size, wanted) = match &words[..] {
            [size] => (size, None),
            [size, range] => (size, Some(piece(range).ok_or_else(bad)?)),
            _ => return Err(bad()),
        };
        let size: usize = size.parse().ok().filter(|size| *size > 0).ok_or_else(bad)?;
        if size < MIN_IN_BATCH {
            return Err(Reply::no(Some(Code::TooFew), "Minimum batch size is 500"));
        }
        if let Some((first, last)) = wanted.map(|wanted| wanted.ends()) {
            if first < 0 || first > last {
                return Err(Reply::bad_with(Code::ClientBug, "Invalid batch range"));
            }
            let count = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
            if count.saturating_mul(size) > MAX_IN_BATCHES {
                return Err(Reply::no(Some(Code::TooMany), "Too many messages"));
            }
        }
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        let there = snapshot.rows.iter().rev().filter(|row| !row.expunged);
        let uids: Vec<u32> = there.map(|row| row.message.uid).collect();
        let mut newest = uids.first().copied().unwrap_or_default();
        let mut ranges = Vec::new();
        let mut pieces = uids.chunks(size).peekable();
        while let Some(piece) = pieces.next() {
            let oldest = if pieces.peek().is_none() { 1 } else { piece.last().copied().unwrap_or(1) };
            ranges.push((newest, oldest));
            newest = oldest.saturating_sub(1);
        }
        let mut batches = NumberList::new();
        let wanted = wanted.map_or(&ranges[..], |wanted| wanted.of(&ranges));
        wanted.iter().for_each(|(newest, oldest)| batches.push(*newest, *oldest));
        self.answer("UIDBATCHES", Answer::UidBatches(UidBatches { tag: Some(tag.to_owned()), batches }));
        Ok(Reply::ok("Batches listed"))
    }
}
