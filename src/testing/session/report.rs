//! Reports changes by others when permitted: takes the session's notifications, applies each to the
//! snapshot, and writes its response.

use crate::testing::notification::{By, Notification, Urgent};
use crate::testing::quirks::Quirk;
use crate::testing::watch::SelectedWatch;
use crate::testing::world::World;
use crate::types::{Annotation, Answer, Code, Flag, Flags, ModSeq, Seq, Status, UidSet};

use super::reply::Allows;
use super::snapshot::{Row, Snapshot, uid_set};
use super::{Mode, Session};

/// Changes applied to the snapshot, but not written yet.
#[derive(Debug, Default)]
struct Pending {
    /// UIDs of new messages not yet covered by an EXISTS; and whether this session added them.
    arrived: Vec<(u32, bool)>,
    vanished: UidSet,
}

impl Session {
    /// Reports changes while no command runs, as far as permitted: all while the client idles,
    /// those that NOTIFY requests, and bytes of a test.
    pub(super) fn report_waiting(&mut self) {
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
            (Mode::Idle(_), _) if self.quirks.has(Quirk::LateSync) => {}
            (Mode::Idle(_), _) => self.flush(&mut world, Allows::All),
            // RFC 5465 section 6.1: at once, but removals only if SELECTED permits.
            (Mode::Commands, Some(watch)) => {
                let immediate = watch.selected.messages && !watch.selected.delayed;
                self.flush(&mut world, if immediate { Allows::All } else { Allows::Flags });
            }
            _ => {}
        }
    }

    /// Sends bytes of a test, and ends the session: neither waits.
    fn urgent(&mut self, world: &mut World) {
        let Some(line) = world.line(self.id) else { return };
        for urgent in std::mem::take(&mut line.urgent) {
            match urgent {
                Urgent::Raw(bytes) => self.out.write(&bytes),
                Urgent::Bye(text) => self.bye(&text),
            }
        }
    }

    /// Reports pending changes, as far as the command permits.
    pub(super) fn flush(&mut self, world: &mut World, allows: Allows) {
        self.urgent(world);
        let allows = if self.quirks.has(Quirk::EarlyExpunge) { Allows::All } else { allows };
        let Some(line) = world.line(self.id) else { return };
        let watch = line.watch.as_ref().map(|watch| watch.selected.clone());
        let mut now = std::mem::take(&mut line.queue);
        let mut pending = Pending::default();
        // RFC 5465 section 3.1: without SELECTED, changes by others in the selected mailbox are not
        // reported.
        if watch.as_ref().is_some_and(|watch| !watch.messages) {
            for notification in now {
                self.report_own(world, notification, allows, watch.as_ref(), &mut pending);
            }
            self.write_pending(world, watch.as_ref(), &mut pending);
            self.update_contexts(world);
            return;
        }
        if let Some(snapshot) = self.selected.as_mut().filter(|snapshot| !snapshot.deferred.is_empty()) {
            // These are older than everything in the queue.
            let later = std::mem::replace(&mut now, std::mem::take(&mut snapshot.deferred));
            now.extend(later);
        }
        if allows == Allows::All {
            let held = self.selected.as_mut().map(|snapshot| std::mem::take(&mut snapshot.held));
            held.unwrap_or_default().into_iter().for_each(|uid| self.remove(uid, &mut pending));
        }
        for notification in now {
            self.report(world, notification, allows, watch.as_ref(), &mut pending);
        }
        self.write_pending(world, watch.as_ref(), &mut pending);
        self.update_contexts(world);
    }

    /// Applies flag changes by others to the snapshot without reporting them.
    pub(super) fn forget_changes(&mut self, world: &mut World) {
        let (Some(line), Some(snapshot)) = (world.line(self.id), &mut self.selected) else { return };
        for notification in std::mem::take(&mut line.queue) {
            let at = match &notification {
                Notification::Changed { message, .. } => snapshot.find(message.uid),
                _ => None,
            };
            match at {
                Some(at) => snapshot.learn(at, notification),
                None => line.queue.push_back(notification),
            }
        }
    }

    /// The same, as if they had been reported.
    pub(super) fn hide_changes(&mut self, world: &mut World) {
        let before = self.selected.as_ref().is_some_and(|snapshot| snapshot.has_unreported);
        self.forget_changes(world);
        let Some(snapshot) = &mut self.selected else { return };
        let hides = std::mem::replace(&mut snapshot.has_unreported, before) && !before;
        let code = self.highest_mod_seq(world).filter(|_| hides && self.enabled.qresync);
        if code.is_some() {
            self.status(Status::Ok, code, "Highest");
        }
    }

    /// As `report`, for a client that wants no changes but its own. Its sequence numbers must hold:
    /// changes by others to messages in the snapshot are applied without a response, a removal as a
    /// pending one; new messages are left out of the snapshot until one of the session's own
    /// follows, whose EXISTS counts them all.
    fn report_own(
        &mut self,
        world: &World,
        notification: Notification,
        allows: Allows,
        watch: Option<&SelectedWatch>,
        pending: &mut Pending,
    ) {
        if matches!(notification, Notification::Annotated { .. }) {
            return;
        }
        if notification.is_own() {
            if matches!(notification, Notification::Arrived { .. }) {
                let deferred = self.selected.as_mut().map(|snapshot| std::mem::take(&mut snapshot.deferred));
                for earlier in deferred.unwrap_or_default() {
                    // Later changes of these messages are only of their flags, or pending removals.
                    self.report(world, earlier, Allows::Flags, watch, pending);
                }
            }
            self.report(world, notification, allows, watch, pending);
            return;
        }
        let Some(snapshot) = &mut self.selected else { return };
        let of = match &notification {
            Notification::Changed { message, .. } => Some(message.uid),
            Notification::Expunged { uid, .. } => Some(*uid),
            _ => None,
        };
        match of.and_then(|uid| snapshot.find(uid)) {
            Some(at) => snapshot.learn(at, notification),
            None => snapshot.deferred.push_back(notification),
        }
    }

    fn report(
        &mut self,
        world: &World,
        notification: Notification,
        allows: Allows,
        watch: Option<&SelectedWatch>,
        pending: &mut Pending,
    ) {
        let is_new = matches!(notification, Notification::Arrived { .. });
        let is_removal = matches!(notification, Notification::Expunged { .. });
        if !(is_new || is_removal && allows == Allows::Flags) {
            self.write_arrived(world, watch, pending);
        }
        if !is_removal {
            self.write_vanished(pending);
        }
        match notification {
            Notification::Arrived { message, recent, own } => {
                let Some(snapshot) = &mut self.selected else { return };
                pending.arrived.push((message.uid, own));
                snapshot.is_changed = true;
                snapshot.rows.push(Row { message, recent, expunged: false });
            }
            Notification::Changed { message, by } => {
                let uid = message.uid;
                let Some(snapshot) = &mut self.selected else { return };
                let Some(at) = snapshot.find(uid) else { return };
                snapshot.is_changed = true;
                if let Some(row) = snapshot.rows.get_mut(at) {
                    row.message = message;
                }
                let wanted = by != By::Other || watch.is_none_or(|watch| watch.messages && watch.flags);
                if !wanted {
                    snapshot.has_unreported = true;
                } else if by != By::Fetch {
                    self.write_flags(at, matches!(by, By::Silent | By::Conditional));
                }
            }
            Notification::Expunged { uid, .. } => {
                let Some(snapshot) = &mut self.selected else { return };
                if allows == Allows::All {
                    self.remove(uid, pending);
                } else if let Some(at) = snapshot.find(uid) {
                    snapshot.hold(at);
                }
            }
            Notification::NewFlags { .. } => self.write_known_flags(world),
            Notification::Status(status) => self.answer("STATUS", Answer::MailboxStatus(status)),
            Notification::List(entry) => self.answer("LIST", Answer::List(entry)),
            Notification::Metadata(changed) => self.answer("METADATA", Answer::Metadata(changed)),
            Notification::Annotated { uid, entries } => {
                if watch.is_some_and(|watch| watch.annotations) {
                    self.write_annotated(uid, &entries);
                }
            }
        }
    }

    fn write_pending(&mut self, world: &World, watch: Option<&SelectedWatch>, pending: &mut Pending) {
        self.write_arrived(world, watch, pending);
        self.write_vanished(pending);
    }

    /// EXISTS for all new messages, and the items that NOTIFY requests of them (RFC 5465 section
    /// 5.2).
    fn write_arrived(&mut self, world: &World, watch: Option<&SelectedWatch>, pending: &mut Pending) {
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
        let labels = self.labels_for(world, &watch.items);
        for (row, at) in places {
            if let Ok(bytes) = self.row_of(Snapshot::seq(at), &row, &watch.items, (false, &labels)) {
                self.out.write(&bytes);
            }
        }
    }

    /// Removes a message from the snapshot, and reports it or keeps it for VANISHED.
    fn remove(&mut self, uid: u32, pending: &mut Pending) {
        self.leave_contexts(uid);
        let Some(snapshot) = &mut self.selected else { return };
        let Some(at) = snapshot.find(uid) else { return };
        snapshot.rows.remove(at);
        if let Some(uid) = crate::types::Uid::new(uid) {
            snapshot.saved.remove(uid);
        }
        if self.enabled.qresync || self.enabled.uid_only {
            pending.vanished.union_with(&uid_set([uid]));
        } else if let Some(seq) = Seq::new(Snapshot::seq(at)) {
            self.answer("EXPUNGE", Answer::Expunge { seq, uid: None });
        }
    }

    /// RFC 7162 section 3.2.10, RFC 9586 section 3.4: replaces EXPUNGE, once QRESYNC or UIDONLY is
    /// enabled.
    fn write_vanished(&mut self, pending: &mut Pending) {
        let uids = std::mem::take(&mut pending.vanished);
        if !uids.is_empty() {
            self.answer("VANISHED", Answer::Vanished { earlier: false, uids });
        }
    }

    /// `* 3 FETCH (UID 7 FLAGS (\Seen))`, or after .SILENT only the mod-sequence (RFC 7162 section
    /// 3.1.3).
    fn write_flags(&mut self, at: usize, silent: bool) {
        let condstore = self.enabled.condstore;
        let Some(row) = self.selected.as_ref().and_then(|snapshot| snapshot.row(at)) else { return };
        if silent && !condstore {
            return;
        }
        let mut fetch = self.row(Snapshot::seq(at), row.message.uid);
        // RFC 9051 section 7.5.2, RFC 7162 section 3.2.4: with the UID.
        if !self.enabled.uid_only {
            fetch.uid(row.message.uid);
        }
        if !silent {
            fetch.flags(&self.flags_of(row));
        }
        if condstore {
            fetch.mod_seq(row.message.mod_seq);
        }
        let bytes = fetch.finish();
        self.out.write(&bytes);
    }

    /// `* 3 FETCH (UID 7 ANNOTATION (/comment))`: which have changed, without their values (RFC 5257
    /// section 4.4).
    fn write_annotated(&mut self, uid: u32, entries: &[String]) {
        let Some(at) = self.selected.as_ref().and_then(|snapshot| snapshot.find(uid)) else { return };
        let mut fetch = self.row(Snapshot::seq(at), uid);
        if !self.enabled.uid_only {
            fetch.uid(uid);
        }
        let all: Vec<_> = entries.iter().map(|name| Annotation::new(name.clone(), Vec::new())).collect();
        fetch.annotations(&all);
        let bytes = fetch.finish();
        self.out.write(&bytes);
    }

    /// A message's flags for this session.
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

    /// The mailbox's highest mod-sequence; `None` while changes up to it are unreported.
    pub(super) fn highest_mod_seq(&self, world: &World) -> Option<Code> {
        let snapshot = self.selected.as_ref()?;
        let waits = !snapshot.held.is_empty() || !snapshot.deferred.is_empty();
        let all_reported = world.lines.get(&self.id)?.queue.is_empty() && !waits && !snapshot.has_unreported;
        let value = world.mailboxes.get(&snapshot.mailbox)?.mod_seq()?.get();
        all_reported.then_some(Code::HighestModSeq(ModSeq::new(value)))
    }
}
