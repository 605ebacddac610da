//! Telling what others did, when it may be told: takes the session's responders, changes the
//! snapshot by each, and writes what it says.

use crate::testing::quirks::Quirk;
use crate::testing::responder::{By, Responder, Urgent};
use crate::testing::watch::SelectedWatch;
use crate::testing::world::World;
use crate::types::{Answer, Code, Flag, Flags, ModSeq, Seq, Status, UidSet};
use crate::wire::respond::FetchRow;

use super::reply::Allows;
use super::snapshot::{Row, Snapshot, uid_set};
use super::{Mode, Session};

/// What is known and not written yet.
#[derive(Debug, Default)]
struct Pending {
    /// UIDs of messages that came, which EXISTS has not told yet; and whether this session put them
    /// there.
    arrived: Vec<(u32, bool)>,
    vanished: UidSet,
}

impl Session {
    /// What has come while no command runs, as far as it may be told: all while the client idles,
    /// what NOTIFY has asked for, and what a test says.
    pub(super) fn news(&mut self) {
        let shared = self.shared.clone();
        let mut world = shared.lock();
        let over = world.over;
        let Some(line) = world.line(self.id) else { return };
        line.fresh = false;
        if matches!(self.mode, Mode::Over) {
            return;
        }
        if over {
            self.bye("The server is gone");
            return;
        }
        if line.cut {
            self.out.close();
            self.mode = Mode::Over;
            return;
        }
        let watch = line.watch.clone();
        self.urgent(&mut world);
        match (&self.mode, watch) {
            (Mode::Idle(_), _) => self.flush(&mut world, Allows::All),
            // RFC 5465 section 6.1: at once, but removals only where SELECTED says so.
            (Mode::Commands, Some(watch)) => {
                let immediate = watch.selected.messages && !watch.selected.delayed;
                self.flush(&mut world, if immediate { Allows::All } else { Allows::Flags });
            }
            _ => {}
        }
    }

    /// Octets of a test, and ends: they do not wait.
    fn urgent(&mut self, world: &mut World) {
        let Some(line) = world.line(self.id) else { return };
        for urgent in std::mem::take(&mut line.urgent) {
            match urgent {
                Urgent::Raw(bytes) => self.out.write(&bytes),
                Urgent::Bye(text) => self.bye(&text),
            }
        }
    }

    /// Tells what waits, as far as the command allows it.
    pub(super) fn flush(&mut self, world: &mut World, allows: Allows) {
        self.urgent(world);
        let allows = if self.quirks.has(Quirk::EarlyExpunge) { Allows::All } else { allows };
        let Some(line) = world.line(self.id) else { return };
        let watch = line.watch.as_ref().map(|watch| watch.selected.clone());
        let mut now = std::mem::take(&mut line.queue);
        let mut pending = Pending::default();
        // RFC 5465 section 3.1: without SELECTED, what others do to the messages of the selected
        // mailbox is not told.
        if watch.as_ref().is_some_and(|watch| !watch.messages) {
            for responder in now {
                self.tell_deaf(world, responder, allows, watch.as_ref(), &mut pending);
            }
            self.write_pending(watch.as_ref(), &mut pending);
            return;
        }
        if let Some(snapshot) = self.selected.as_mut().filter(|snapshot| !snapshot.unheard.is_empty()) {
            // It came before all that waits now.
            let later = std::mem::replace(&mut now, std::mem::take(&mut snapshot.unheard));
            now.extend(later);
        }
        if allows == Allows::All {
            let held = self.selected.as_mut().map(|snapshot| std::mem::take(&mut snapshot.held));
            held.unwrap_or_default().into_iter().for_each(|uid| self.remove(uid, &mut pending));
        }
        for responder in now {
            self.tell(world, responder, allows, watch.as_ref(), &mut pending);
        }
        self.write_pending(watch.as_ref(), &mut pending);
    }

    /// The flags that others have changed are the session's own from now on, without a word.
    pub(super) fn forget_changes(&mut self, world: &mut World) {
        let (Some(line), Some(snapshot)) = (world.line(self.id), &mut self.selected) else { return };
        for responder in std::mem::take(&mut line.queue) {
            let at = match &responder {
                Responder::Changed { message, .. } => snapshot.find(message.uid),
                _ => None,
            };
            match at {
                Some(at) => snapshot.learn(at, responder),
                None => line.queue.push_back(responder),
            }
        }
    }

    /// As `tell`, for a client that wants to hear of nothing but its own doing. Its numbers hold
    /// until then: what others did to messages that it knows is done to the snapshot without a
    /// word, a removal as one that is known and not told; new ones are no part of the snapshot
    /// until one of its own comes behind them, which counts them all.
    fn tell_deaf(
        &mut self,
        world: &World,
        responder: Responder,
        allows: Allows,
        watch: Option<&SelectedWatch>,
        pending: &mut Pending,
    ) {
        if responder.is_own() {
            if matches!(responder, Responder::Arrived { .. }) {
                let unheard = self.selected.as_mut().map(|snapshot| std::mem::take(&mut snapshot.unheard));
                for earlier in unheard.unwrap_or_default() {
                    // What becomes of those that came is no more than their flags, or a removal to
                    // be held.
                    self.tell(world, earlier, Allows::Flags, watch, pending);
                }
            }
            self.tell(world, responder, allows, watch, pending);
            return;
        }
        let Some(snapshot) = &mut self.selected else { return };
        let of = match &responder {
            Responder::Changed { message, .. } => Some(message.uid),
            Responder::Gone { uid, .. } => Some(*uid),
            _ => None,
        };
        match of.and_then(|uid| snapshot.find(uid)) {
            Some(at) => snapshot.learn(at, responder),
            None => snapshot.unheard.push_back(responder),
        }
    }

    fn tell(
        &mut self,
        world: &World,
        responder: Responder,
        allows: Allows,
        watch: Option<&SelectedWatch>,
        pending: &mut Pending,
    ) {
        let is_new = matches!(responder, Responder::Arrived { .. });
        let is_removal = matches!(responder, Responder::Gone { .. });
        if !(is_new || is_removal && allows == Allows::Flags) {
            self.write_arrived(watch, pending);
        }
        if !is_removal {
            self.write_vanished(pending);
        }
        match responder {
            Responder::Arrived { message, recent, own } => {
                let Some(snapshot) = &mut self.selected else { return };
                pending.arrived.push((message.uid, own));
                snapshot.rows.push(Row { message, recent, gone: false });
            }
            Responder::Changed { message, by } => {
                let uid = message.uid;
                let Some(snapshot) = &mut self.selected else { return };
                let Some(at) = snapshot.find(uid) else { return };
                if let Some(row) = snapshot.rows.get_mut(at) {
                    row.message = message;
                }
                let wanted = by != By::Other || watch.is_none_or(|watch| watch.messages && watch.flags);
                if !wanted {
                    snapshot.missed = true;
                } else if by != By::Fetch {
                    self.write_flags(at, matches!(by, By::Silent | By::Conditional));
                }
            }
            Responder::Gone { uid, .. } => {
                let Some(snapshot) = &mut self.selected else { return };
                if allows == Allows::All {
                    self.remove(uid, pending);
                } else if let Some(at) = snapshot.find(uid) {
                    snapshot.hold(at);
                }
            }
            Responder::NewFlags { .. } => self.write_known_flags(world),
            Responder::Status(status) => self.answer("STATUS", Answer::MailboxStatus(*status)),
            Responder::List(entry) => self.answer("LIST", Answer::List(*entry)),
        }
    }

    fn write_pending(&mut self, watch: Option<&SelectedWatch>, pending: &mut Pending) {
        self.write_arrived(watch, pending);
        self.write_vanished(pending);
    }

    /// EXISTS for all that came, and what NOTIFY wants to know of them (RFC 5465 section 5.2).
    fn write_arrived(&mut self, watch: Option<&SelectedWatch>, pending: &mut Pending) {
        let arrived = std::mem::take(&mut pending.arrived);
        let Some(snapshot) = self.selected.as_ref().filter(|_| !arrived.is_empty()) else { return };
        let (count, recent) = (snapshot.count(), snapshot.recent());
        let places: Vec<_> = arrived
            .iter()
            .filter(|(_, own)| !own)
            .filter_map(|(uid, _)| {
                Some(snapshot.rows.get(snapshot.find(*uid)?)?.clone()).zip(snapshot.find(*uid))
            })
            .collect();
        self.answer("EXISTS", Answer::Exists(count));
        if !self.enabled.rev2 {
            self.answer("RECENT", Answer::Recent(recent));
        }
        let Some(watch) = watch.filter(|watch| !watch.items.is_empty()) else { return };
        for (row, at) in places {
            if let Ok(bytes) = self.row_of(Snapshot::seq(at), &row, &watch.items, false) {
                self.out.write(&bytes);
            }
        }
    }

    /// Takes a message out of the snapshot, and says so or keeps it for VANISHED.
    fn remove(&mut self, uid: u32, pending: &mut Pending) {
        let Some(snapshot) = &mut self.selected else { return };
        let Some(at) = snapshot.find(uid) else { return };
        snapshot.rows.remove(at);
        if let Some(uid) = crate::types::Uid::new(uid) {
            snapshot.saved.remove(uid);
        }
        if self.enabled.qresync {
            pending.vanished.union_with(&uid_set([uid]));
        } else if let Some(seq) = Seq::new(Snapshot::seq(at)) {
            self.answer("EXPUNGE", Answer::Expunge { seq, uid: None });
        }
    }

    /// RFC 7162 section 3.2.10: in place of EXPUNGE, once QRESYNC is enabled.
    fn write_vanished(&mut self, pending: &mut Pending) {
        let uids = std::mem::take(&mut pending.vanished);
        if !uids.is_empty() {
            self.answer("VANISHED", Answer::Vanished { earlier: false, uids });
        }
    }

    /// `* 3 FETCH (UID 7 FLAGS (\Seen))`, or what is left of it after .SILENT: the mod-sequence
    /// (RFC 7162 section 3.1.3).
    fn write_flags(&mut self, at: usize, silent: bool) {
        let condstore = self.enabled.condstore;
        let Some(row) = self.selected.as_ref().and_then(|snapshot| snapshot.row(at)) else { return };
        if silent && !condstore {
            return;
        }
        let mut told = FetchRow::new(Snapshot::seq(at), self.strings());
        // RFC 9051 section 7.5.2, RFC 7162 section 3.2.4: with the UID.
        told.uid(row.message.uid);
        if !silent {
            told.flags(&self.flags_of(row));
        }
        if condstore {
            told.mod_seq(row.message.mod_seq);
        }
        let bytes = told.finish();
        self.out.write(&bytes);
    }

    /// A message's flags as this session is told them.
    pub(super) fn flags_of(&self, row: &Row) -> Flags {
        let mut flags = row.message.flags.clone();
        // IMAP4rev2 has no \Recent (RFC 9051 appendix E).
        if row.recent && !self.enabled.rev2 {
            flags.insert(Flag::Recent);
        }
        flags
    }

    /// FLAGS and PERMANENTFLAGS (RFC 9051 section 6.3.2).
    pub(super) fn write_known_flags(&mut self, world: &World) {
        let Some(snapshot) = &self.selected else { return };
        let Some(held) = world.mailboxes.get(&snapshot.mailbox) else { return };
        let known = held.known_flags();
        let mut permanent = Flags::new();
        if !snapshot.read_only {
            permanent = known.clone();
            permanent.insert(Flag::Wildcard);
        }
        self.answer("FLAGS", Answer::Flags(known));
        if self.quirks.has(Quirk::ControlInKeyword) {
            self.out.write(b"* FLAGS (\\Seen \\Deleted a\x02b)\r\n");
        }
        self.status(Status::Ok, Some(Code::PermanentFlags(permanent)), "Flags permitted");
    }

    /// The mailbox's newest mod-sequence, all changes up to which have been told; `None` while some
    /// have not.
    pub(super) fn highest_mod_seq(&self, world: &World) -> Option<Code> {
        let snapshot = self.selected.as_ref()?;
        let waits = !snapshot.held.is_empty() || !snapshot.unheard.is_empty();
        let told = world.lines.get(&self.id)?.queue.is_empty() && !waits && !snapshot.missed;
        let value = world.mailboxes.get(&snapshot.mailbox)?.highest_mod_seq;
        told.then_some(Code::HighestModSeq(ModSeq::new(value)))
    }
}
