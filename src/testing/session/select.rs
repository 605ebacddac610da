//! SELECT, EXAMINE, CLOSE, UNSELECT, EXPUNGE (RFC 9051 sections 6.3.2, 6.3.3 and 6.4), with
//! CONDSTORE and QRESYNC (RFC 7162 sections 3.1.8 and 3.2.5).

use crate::testing::annotations::MAX_VALUE;
use crate::testing::names::{Wanted, missing};
use crate::testing::quirks::Quirk;
use crate::testing::world::World;
use crate::types::{AnnotationSupport, Answer, Code, Flag, Seq, Status, Uid, UidSet, UidValidity};
use crate::wire::request::{Numbers, Select, Value};

use super::Session;
use super::find::limit_reached;
use super::reply::{Allows, Done, Reply};
use super::snapshot::{Snapshot, uid_set};
use super::urls::mechanisms;

/// The client's earlier knowledge of a mailbox (RFC 7162 section 3.2.5).
#[derive(Debug)]
struct Known {
    uid_validity: u32,
    mod_seq: u64,
    /// `None`: all messages that existed.
    uids: Option<UidSet>,
}

impl Known {
    /// `(uidvalidity mod-sequence [known-uids] [(seqs uids)])`. The last one only helps servers
    /// without a complete log of expunges; this one has it.
    fn read(values: &[Value]) -> Option<Self> {
        let word = |at: usize| match values.get(at) {
            Some(Value::Word(word)) => Some(word.as_str()),
            _ => None,
        };
        let uids = match values.get(2) {
            None | Some(Value::List(_)) => None,
            Some(_) => Some(word(2)?.parse().ok()?),
        };
        let matches = values.iter().skip(2).filter(|value| matches!(value, Value::List(_))).count();
        let length = 2 + usize::from(uids.is_some()) + matches;
        let fits = values.len() == length && matches <= 1;
        let known = Self { uid_validity: word(0)?.parse().ok()?, mod_seq: word(1)?.parse().ok()?, uids };
        (fits && known.uid_validity > 0 && known.mod_seq > 0).then_some(known)
    }
}

impl Session {
    /// The parameters of SELECT: whether it enables mod-sequences, and the client's earlier
    /// knowledge.
    fn parameters(&self, world: &World, params: &[Value]) -> Result<(bool, Option<Known>), Reply> {
        let mut params = params.iter();
        let (mut condstore, mut known) = (false, None);
        while let Some(param) = params.next() {
            match param {
                Value::Word(word) if word.eq_ignore_ascii_case("CONDSTORE") && world.has("CONDSTORE") => {
                    condstore = true;
                }
                // RFC 5257 section 4.2. Changes of annotations are not reported.
                Value::Word(word)
                    if word.eq_ignore_ascii_case("ANNOTATE") && world.has("ANNOTATE-EXPERIMENT-1") => {}
                // RFC 7162 section 3.2.5: only where it has been enabled.
                Value::Word(word) if word.eq_ignore_ascii_case("QRESYNC") && self.enabled.qresync => {
                    known = match params.next() {
                        Some(Value::List(values)) => Known::read(values),
                        _ => None,
                    };
                    if known.is_none() {
                        return Err(Reply::bad("What QRESYNC takes was expected"));
                    }
                }
                _ => return Err(Reply::bad("A parameter of SELECT that is not known")),
            }
        }
        Ok((condstore, known))
    }

    /// SELECT or EXAMINE. Even a failure deselects the previous mailbox (RFC 9051 section 6.3.2).
    pub(super) fn select(&mut self, world: &mut World, command: Select) -> Done {
        let Select { mailbox: name, read_only, params } = command;
        let (condstore, known) = self.parameters(world, &params)?;
        if self.selected.is_some() {
            self.unselect(world);
            // RFC 7162 section 3.2.11, RFC 9051 section 7.1.
            if world.has("QRESYNC") || self.enabled.rev2 {
                self.status(Status::Ok, Some(Code::Closed), "The mailbox selected before is closed");
            }
        }
        if condstore {
            // While nothing is selected, so that no HIGHESTMODSEQ is sent: the new mailbox sends
            // its own.
            self.enable_condstore(world);
        }
        let user = self.user();
        let id = world.find(&user, &name).ok_or_else(|| missing(&name))?;
        let held = world.mailboxes.get_mut(&id).ok_or_else(|| missing(&name))?;
        let snapshot = Snapshot::new(id, name, read_only, held, held.recent_from);
        if !read_only {
            held.recent_from = held.uid_next;
        }
        self.selected = Some(snapshot);
        if let Some(line) = world.line(self.id) {
            line.selected = Some(id);
            line.takes_recent = !read_only;
            // Queued notifications were for the previous selection, except those of NOTIFY about
            // other mailboxes.
            line.queue.retain(|notification| !notification.is_of_selected());
        }
        self.write_opened(world);
        if let Some(known) = known {
            self.write_changes_since(world, &known);
        }
        let code = if read_only { Code::ReadOnly } else { Code::ReadWrite };
        Ok(Reply::ok_with(code, if read_only { "Examined" } else { "Selected" }))
    }

    /// Writes SELECT's responses about the mailbox.
    fn write_opened(&mut self, world: &World) {
        let Some(snapshot) = &self.selected else { return };
        let Some(held) = world.mailboxes.get(&snapshot.mailbox) else { return };
        let (count, recent) = (snapshot.count(), snapshot.recent());
        let unseen = snapshot.rows.iter().position(|row| !row.message.flags.contains(&Flag::Seen));
        let (name, read_only) = (snapshot.name.clone(), snapshot.read_only);
        self.write_known_flags(world);
        self.answer("EXISTS", Answer::Exists(count));
        if !self.enabled.rev2 {
            // IMAP4rev2 has neither (RFC 9051 appendix E).
            self.answer("RECENT", Answer::Recent(recent));
            // With UIDONLY there are no numbers (RFC 9586 section 3).
            let unseen = unseen.filter(|_| !self.enabled.uid_only);
            if let Some(seq) = unseen.and_then(|at| Seq::new(Snapshot::seq(at))) {
                self.status(Status::Ok, Some(Code::Unseen(Some(seq))), "First unseen");
            }
        }
        let mut codes = vec![
            (Code::UidValidity(UidValidity::new(held.uid_validity)), "UIDs are valid"),
            (Code::UidNext(Uid::new(held.uid_next)), "Predicted next UID"),
        ];
        if world.has("CONDSTORE") {
            codes.push(match held.mod_seq() {
                Some(highest) => (Code::HighestModSeq(Some(highest)), "Highest"),
                None => (Code::NoModSeq, "No mod-sequences are kept"),
            });
        }
        if world.has("OBJECTID") {
            codes.push((Code::MailboxId(held.object_id.clone()), "Ok"));
        }
        if world.has("ANNOTATE-EXPERIMENT-1") {
            let largest = u64::try_from(MAX_VALUE).unwrap_or(u64::MAX);
            let support = AnnotationSupport::new(Some(largest).filter(|_| !read_only), true);
            codes.push((Code::Annotations(Some(support)), "Annotations of messages"));
        }
        if world.has("URLAUTH") {
            // RFC 4467 section 8.
            codes.push((mechanisms(), "Mechanisms for URLs"));
        }
        codes.retain(|(code, _)| match code {
            Code::UidNext(_) => !self.quirks.has(Quirk::NoUidNext),
            Code::UidValidity(_) => !self.quirks.has(Quirk::NoUidValidity),
            _ => true,
        });
        for (code, text) in codes {
            self.status(Status::Ok, Some(code), text);
        }
        if self.enabled.rev2 {
            // RFC 9051 section 6.3.2: LIST with the server's name of the mailbox.
            let entry = world.list_entry(&self.user(), &name, Wanted::default());
            self.answer("LIST", Answer::List(Box::new(entry)));
        }
    }

    /// Writes the changes since the client's earlier knowledge.
    fn write_changes_since(&mut self, world: &World, known: &Known) {
        let Some(snapshot) = &self.selected else { return };
        let Some(held) = world.mailboxes.get(&snapshot.mailbox) else { return };
        if held.uid_validity != known.uid_validity || held.no_mod_seq {
            return;
        }
        let is_known = |uid: u32| {
            known.uids.as_ref().is_none_or(|uids| Uid::new(uid).is_some_and(|uid| uids.contains(uid)))
        };
        let mut expunged: Vec<u32> =
            held.expunged_since(known.mod_seq).filter(|uid| is_known(*uid)).collect();
        expunged.sort_unstable();
        let mut rows = Vec::new();
        for (at, row) in snapshot.rows.iter().enumerate() {
            if row.message.mod_seq > known.mod_seq && is_known(row.message.uid) {
                let mut fetch = self.row(Snapshot::seq(at), row.message.uid);
                if !self.enabled.uid_only {
                    fetch.uid(row.message.uid);
                }
                fetch.flags(&self.flags_of(row));
                fetch.mod_seq(row.message.mod_seq);
                rows.push(fetch.finish());
            }
        }
        // VANISHED before FETCH (RFC 7162 section 3.2.5.1).
        self.write_vanished_earlier(expunged);
        rows.iter().for_each(|row| self.out.write(row));
    }

    /// `VANISHED (EARLIER)`, unless there are none.
    pub(super) fn write_vanished_earlier(&mut self, expunged: Vec<u32>) {
        let uids = uid_set(expunged);
        if !uids.is_empty() {
            self.answer("VANISHED", Answer::Vanished { earlier: true, uids });
        }
    }

    /// Deselects the mailbox.
    pub(super) fn unselect(&mut self, world: &mut World) {
        self.selected = None;
        if let Some(line) = world.line(self.id) {
            line.selected = None;
            line.queue.retain(|notification| !notification.is_of_selected());
        }
    }

    /// The UIDs of messages with `\Deleted`, among those at these positions.
    fn deleted(&self, places: Option<&[usize]>) -> Vec<u32> {
        let Some(snapshot) = &self.selected else { return Vec::new() };
        let all: Vec<usize>;
        let places = match places {
            Some(places) => places,
            None => {
                all = (0..snapshot.rows.len()).collect();
                &all
            }
        };
        let rows = places.iter().filter_map(|at| snapshot.row(*at));
        rows.filter(|row| row.message.flags.contains(&Flag::Deleted)).map(|row| row.message.uid).collect()
    }

    /// CLOSE, which expunges without responses to this client, or UNSELECT, which does not expunge.
    pub(super) fn close(&mut self, world: &mut World, removes: bool) -> Done {
        if let Some(snapshot) = self.selected.as_ref().filter(|snapshot| removes && !snapshot.read_only) {
            // RFC 7162 section 3.2.8: no HIGHESTMODSEQ in the answer, as the client does not
            // receive the expunges.
            world.remove(snapshot.mailbox, &self.deleted(None), Some(self.id));
        }
        self.unselect(world);
        Ok(Reply::ok("Closed"))
    }

    /// EXPUNGE, or UID EXPUNGE of these (RFC 4315 section 2.1).
    pub(super) fn expunge(&mut self, world: &mut World, which: Option<&Numbers>) -> Done {
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        let (mailbox, read_only) = (snapshot.mailbox, snapshot.read_only);
        let places = match which {
            Some(which) => Some(self.places(world, which, true)?),
            None => None,
        };
        // Does nothing, silently, as Dovecot.
        let mut marked = if read_only { Vec::new() } else { self.deleted(places.as_deref()) };
        let mut limited = None;
        if let (Some(_), Some(snapshot)) = (which, &self.selected) {
            // RFC 9738 section 3.1: for UID EXPUNGE alone.
            let places = marked.iter().filter_map(|uid| snapshot.find(*uid)).collect();
            let (places, code) = self.limited(world, places);
            (marked, limited) = (snapshot.uids(&places), code);
        }
        let removed = world.remove(mailbox, &marked, Some(self.id));
        let reply = limited.map_or_else(|| Reply::ok("Expunged"), limit_reached);
        if removed.is_empty() {
            return Ok(reply);
        }
        self.flush(world, Allows::All);
        Ok(reply.with_mod_seq())
    }

    /// The positions of the messages that a command names.
    pub(super) fn places(&self, world: &World, which: &Numbers, uid: bool) -> Result<Vec<usize>, Reply> {
        if *which == Numbers::Saved && !world.has("SEARCHRES") {
            return Err(Reply::bad("No result is saved here"));
        }
        let snapshot = self.selected.as_ref().ok_or_else(|| Reply::bad("Select a mailbox first"))?;
        snapshot.places(which, uid).map_err(|_| Reply::bad("There is no message with such a number"))
    }
}
