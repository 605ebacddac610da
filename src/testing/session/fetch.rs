//! FETCH (RFC 9051 section 6.4.5), with CHANGEDSINCE and VANISHED (RFC 7162 sections 3.1.4 and
//! 3.2.6) and PARTIAL (RFC 9394 section 3.3). Rows are made as the client reads them: a mailbox may
//! be larger than what should wait in memory.

use std::collections::{BTreeSet, VecDeque};

use crate::testing::labels::Labels;
use crate::testing::notification::By;
use crate::testing::world::World;
use crate::types::{Code, Flag, Flags};
use crate::wire::request::{Change, Fetch, FetchItem, Value};

use super::find::limit_reached;
use super::reply::{Allows, Done, Reply};
use super::search::{Piece, piece};
use super::snapshot::Snapshot;
use super::{ENOUGH, Mode, Session};

/// A FETCH in progress. The snapshot does not change until its end.
#[derive(Debug)]
pub(super) struct Job {
    tag: String,
    /// The positions of the messages whose rows are left to make.
    places: VecDeque<usize>,
    items: Vec<FetchItem>,
    /// UIDs of messages that it has marked as `\Seen`: their rows include the flags.
    seen: BTreeSet<u32>,
    uid: bool,
    /// Gmail's labels, if they were asked for.
    labels: Labels,
    /// How it will end, if not with a plain OK.
    end: Option<Reply>,
}

/// The modifiers after the items.
#[derive(Debug, Default)]
struct Modifiers {
    changed_since: Option<u64>,
    vanished: bool,
    partial: Option<Piece>,
}

impl Session {
    fn modifiers(&self, world: &World, fetch: &Fetch) -> Result<Modifiers, Reply> {
        let mut read = Modifiers::default();
        let mut values = fetch.modifiers.iter();
        let bad = || Reply::bad("A modifier of FETCH that is not known");
        while let Some(value) = values.next() {
            let Value::Word(word) = value else { return Err(bad()) };
            let mut argument = || match values.next() {
                Some(Value::Word(word)) => Ok(word.as_str()),
                _ => Err(bad()),
            };
            match &*word.to_ascii_uppercase() {
                "CHANGEDSINCE" if world.has("CONDSTORE") => {
                    read.changed_since = Some(argument()?.parse().map_err(|_| bad())?);
                }
                // RFC 7162 section 3.2.6: for UID FETCH, once QRESYNC is enabled.
                "VANISHED" if fetch.uid && self.enabled.qresync => read.vanished = true,
                "PARTIAL" if fetch.uid && world.has("PARTIAL") => {
                    read.partial = Some(piece(argument()?).ok_or_else(bad)?);
                }
                _ => return Err(bad()),
            }
        }
        let fits = !read.vanished || read.changed_since.is_some();
        if fits { Ok(read) } else { Err(Reply::bad("VANISHED goes with CHANGEDSINCE")) }
    }

    pub(super) fn fetch(&mut self, world: &mut World, tag: &str, fetch: Fetch) -> Option<Done> {
        match self.begin_fetch(world, tag, fetch) {
            Ok(job) => {
                self.mode = Mode::Rows(job);
                None
            }
            Err(reply) => Some(Err(reply)),
        }
    }

    fn begin_fetch(&mut self, world: &mut World, tag: &str, mut fetch: Fetch) -> Result<Job, Reply> {
        if let Some(unknown) = fetch.items.iter().find(|item| !self.has_item(world, item)) {
            return Err(Reply::bad(format!("An item of FETCH that is not known: {unknown:?}")));
        }
        let modifiers = self.modifiers(world, &fetch)?;
        let is_mod_seq = |item: &FetchItem| matches!(item, FetchItem::Name(name) if name == "MODSEQ");
        if modifiers.changed_since.is_some() && !fetch.items.iter().any(is_mod_seq) {
            // As RFC 7162 section 3.1.4.1 demands.
            fetch.items.push(FetchItem::Name("MODSEQ".to_owned()));
        }
        if fetch.items.iter().any(is_mod_seq) {
            self.enable_condstore(world);
        }
        if let (Some(since), true) = (modifiers.changed_since, modifiers.vanished) {
            self.report_vanished(world, &fetch, since);
        }
        let mut places = self.places(world, &fetch.which, fetch.uid)?;
        if let Some(partial) = modifiers.partial {
            places = partial.of(&places).to_vec();
        }
        let (limited, code) = self.limited(world, places);
        places = limited;
        if let (Some(Code::MessageLimit { limit, .. }), Some(_)) = (&code, modifiers.partial) {
            // RFC 9738 section 3.1: then none at all.
            let code = Code::MessageLimit { limit: *limit, uid: None };
            return Err(Reply::no(Some(code), "That part has too many messages"));
        }
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        if let Some(since) = modifiers.changed_since {
            places.retain(|at| snapshot.row(*at).is_some_and(|row| row.message.mod_seq > since));
        }
        let seen =
            if fetch.items.iter().any(sets_seen) { self.mark_seen(world, &places) } else { BTreeSet::new() };
        let Fetch { uid, items, .. } = fetch;
        let (places, labels) = (places.into(), self.labels_for(world, &items));
        Ok(Job { tag: tag.to_owned(), places, items, seen, uid, labels, end: code.map(limit_reached) })
    }

    /// Sends which of the requested messages were expunged since then.
    fn report_vanished(&mut self, world: &World, fetch: &Fetch, since: u64) {
        let Some(snapshot) = &self.selected else { return };
        let Some(held) = world.mailboxes.get(&snapshot.mailbox) else { return };
        let Some(wanted) = fetch.which.to_set::<crate::types::Uid>() else { return };
        let is_wanted = |uid: &u32| crate::types::Uid::new(*uid).is_some_and(|uid| wanted.contains(uid));
        // Expunges that the session has not been notified of are reported later, in order.
        let unreported = |uid: &u32| snapshot.find(*uid).is_none();
        let expunged = held.expunged_since(since).filter(is_wanted).filter(unreported).collect();
        self.write_vanished_earlier(expunged);
    }

    /// Sets `\Seen`, as BODY[…] does; returns the messages that lacked it.
    fn mark_seen(&mut self, world: &mut World, places: &[usize]) -> BTreeSet<u32> {
        let Some(snapshot) = self.selected.as_ref().filter(|snapshot| !snapshot.read_only) else {
            return BTreeSet::new();
        };
        let rows = places.iter().filter_map(|at| snapshot.row(*at));
        let unseen = rows.filter(|row| !row.expunged && !row.message.flags.contains(&Flag::Seen));
        let uids: Vec<u32> = unseen.map(|row| row.message.uid).collect();
        let change = (Change::Add, &Flags::from(Flag::Seen));
        world.change(snapshot.mailbox, &uids, change, Some((self.id, By::Fetch)));
        self.flush(world, Allows::Flags);
        uids.into_iter().collect()
    }

    /// Makes as many rows as there is room for; after the last one the command ends.
    pub(super) fn go_on_fetching(&mut self) {
        let Mode::Rows(mut job) = std::mem::replace(&mut self.mode, Mode::Commands) else { return };
        while self.out.waiting() < ENOUGH {
            let Some(at) = job.places.pop_front() else {
                let shared = self.shared.clone();
                let mut world = shared.lock();
                let reply = job.end.unwrap_or_else(|| Reply::ok("Fetched"));
                self.end(&mut world, &job.tag, Allows::by(job.uid), reply);
                return;
            };
            let Some(row) = self.selected.as_ref().and_then(|snapshot| snapshot.row(at)) else { continue };
            if row.message.content.is_unreadable() && job.items.iter().any(reads_text) {
                // As Dovecot: the rows before are sent, those behind are not.
                job.places.clear();
                job.end = Some(Reply::no(Some(Code::ServerBug), "A message can't be read"));
                continue;
            }
            let mut items = Vec::new();
            let has =
                |name: &str| job.items.iter().any(|item| matches!(item, FetchItem::Name(n) if n == name));
            // RFC 9051 section 6.4.9: UID FETCH returns the UID in any case.
            let newly_seen = job.seen.contains(&row.message.uid);
            let with_mod_seq = newly_seen && self.enabled.condstore;
            for (name, wanted) in [
                ("UID", (job.uid || with_mod_seq) && !self.enabled.uid_only),
                ("FLAGS", newly_seen),
                ("MODSEQ", with_mod_seq),
            ] {
                if wanted && !has(name) {
                    items.push(FetchItem::Name(name.to_owned()));
                }
            }
            let row = row.clone();
            let bytes = if items.is_empty() {
                self.row_of(Snapshot::seq(at), &row, &job.items, (true, &job.labels))
            } else {
                items.extend(job.items.iter().cloned());
                self.row_of(Snapshot::seq(at), &row, &items, (true, &job.labels))
            };
            match bytes {
                Ok(bytes) => self.out.write(&bytes),
                Err(reply) => job.end = Some(reply),
            }
        }
        self.mode = Mode::Rows(job);
    }
}

/// Whether this item needs the text of the message.
fn reads_text(item: &FetchItem) -> bool {
    match item {
        FetchItem::Name(name) => {
            name.starts_with("RFC822.H")
                || name.starts_with("RFC822.T")
                || matches!(&**name, "RFC822" | "ENVELOPE" | "BODY" | "BODYSTRUCTURE" | "PREVIEW")
        }
        FetchItem::Section { .. } => true,
        FetchItem::List(name, _) => name == "PREVIEW",
    }
}

/// Whether this item marks the message as read (RFC 9051 section 6.4.5).
fn sets_seen(item: &FetchItem) -> bool {
    match item {
        FetchItem::Name(name) => matches!(&**name, "RFC822" | "RFC822.TEXT"),
        FetchItem::Section { name, .. } => matches!(&**name, "BODY" | "BINARY"),
        FetchItem::List(..) => false,
    }
}

/// The NO for a part that can't be decoded (RFC 3516 section 4.3).
pub(super) fn unknown_encoding() -> Reply {
    Reply::no(Some(Code::UnknownCte), "A part's encoding is not known here")
}
