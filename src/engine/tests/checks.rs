//! What must be true: of each token's result, and at the end of each program.

use super::mailboxes::{bits, body_of, header_of, size_of};
use super::program::wanted_fields;
use super::server::{Idling, Outcome};
use super::tokens::{Got, joined};
use super::world::{Fate, Intent, World};
use crate::error::{Error, ErrorKind, Sent};
use crate::types::{Answer, CommandId, Flags, Message, SelectionId, Seq, Uid, UidSet, ViewSync};

impl World {
    /// A token's result is what the server answered to this very command.
    pub(super) fn check(&self, id: CommandId, got: &Got) {
        let (intent, outcome) = (&self.intents[&id], self.server.outcomes.get(&id));
        if let Got::Failed(error) = got {
            return self.check_failure(intent, outcome, error);
        }
        let Some(outcome) = outcome else {
            // Nothing was left to do.
            let select = self.selects.iter().find(|(_, selection)| Some(**selection) == intent.selection);
            let there = select.map_or(&[][..], |(select, _)| self.server.response.uids_of(*select));
            let gone =
                intent.meant.as_ref().is_some_and(|meant| !meant.iter().any(|uid| there.contains(uid)));
            // What changes messages ends at the last that is known; of those that came since the
            // opening, perhaps none was yet.
            let opened = intent.selection.and_then(|selection| self.opened_with.get(&selection));
            let known = opened.iter().flat_map(|(_, uids)| uids).filter(|uid| there.contains(uid));
            let beyond = intent.open.as_ref().is_some_and(|open| {
                !intent.reads_only && !known.filter_map(|uid| Uid::new(*uid)).any(|uid| open.contains(uid))
            });
            assert!(intent.empty || gone || beyond, "{intent:?} was never sent, and gave {got:?}");
            return;
        };
        // A SELECT with parameters that was BAD is retried without them.
        let selects = matches!(intent.name, "SELECT" | "EXAMINE");
        let again = selects && outcome.lines == 2 && outcome.ends.first() == Some(&"BAD");
        let mut ends = outcome.ends.iter().skip(usize::from(again));
        assert!(ends.all(|end| *end == "OK"), "{intent:?} gave {got:?}: {outcome:?}");
        // Of a LOGOUT, BYE is enough, if nothing follows it for long.
        let over = intent.name == "LOGOUT" && self.server.response.bye;
        let ended = over || outcome.ends.len() == outcome.lines;
        assert!(ended, "{intent:?} ended before its tagged response was read");
        let folder = intent.folder.filter(|_| intent.name != "CLOSE");
        assert!(
            folder.is_none_or(|folder| outcome.folder == Some(folder)),
            "the wrong mailbox: {intent:?} {outcome:?}"
        );
        let sorted = |list: &[u32]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list.dedup();
            list
        };
        let has_uids = self.server.kind.uidplus || self.server.kind.rev2;
        match got {
            Got::Rows(rows) => self.check_rows(intent, outcome, rows),
            Got::SearchResult(uids) => assert_eq!(sorted(uids), sorted(&outcome.found), "{intent:?}"),
            Got::Copied(pairs) if has_uids => {
                let mut pairs = pairs.clone();
                pairs.sort_unstable();
                let mut copied = outcome.copied.clone();
                copied.sort_unstable();
                let excused = self.may_be_anothers(outcome, &pairs, &copied);
                assert!(pairs == copied || excused, "{intent:?}: {pairs:?}, not {copied:?}");
            }
            Got::Copied(pairs) => assert!(pairs.is_empty(), "{intent:?}: {pairs:?}"),
            Got::Appended(uid) => assert_eq!(*uid, outcome.appended.filter(|_| has_uids), "{intent:?}"),
            Got::Listed(names) => assert_eq!(*names, outcome.listed, "{intent:?}"),
            Got::Status(counts) => assert_eq!(*counts, outcome.status, "{intent:?}"),
            Got::Expunged(count, uids) => {
                let removed = &self.server.response.removed[outcome.removed_before..];
                assert!(uids.iter().all(|uid| removed.contains(uid)), "{uids:?} of {removed:?}");
                assert!(usize::try_from(*count).unwrap() <= removed.len());
                // Messages whose UID the view lacked can't be distinguished from others' removals.
                let surely = outcome.expunged.iter().filter(|uid| !outcome.by_star.contains(uid));
                let missing = surely.filter(|uid| !uids.contains(uid)).count();
                let unknown = self.replay.removed_unknown;
                // A slow reader may not have read of all removals.
                let known = self.reads_slowly() || missing <= unknown;
                assert!(known, "{intent:?}: {uids:?}, and {:?} went", outcome.expunged);
            }
            Got::Mailbox(mailbox) => assert_eq!(Some(mailbox.selection()), self.selection_of(id)),
            Got::Nothing | Got::Failed(_) => {}
        }
    }

    fn check_failure(&self, intent: &Intent, outcome: Option<&Outcome>, error: &Error) {
        let ends = outcome.map_or(&[][..], |o| &o.ends);
        let lines = outcome.map_or(0, |o| o.lines);
        let cut_short = outcome.is_some_and(|o| o.cut_short);
        match error.kind() {
            ErrorKind::No => assert!(ends.contains(&"NO"), "{intent:?} {error}"),
            ErrorKind::Bad => assert!(ends.contains(&"BAD"), "{intent:?} {error}"),
            ErrorKind::Invalid => {
                // Of COPY and its kin some lines may have been sent before UIDVALIDITY changed.
                let unsent = (lines, error.sent()) == (0, Sent::No);
                assert!(unsent || lines > 0 && error.sent() == Sent::Partly, "{intent:?} {error}");
                // As `uid_validity_changed` counts. Numbers become UIDs when the first line is
                // made, which is then taken back if it has not gone out.
                let began = |folder: usize| self.server.folders[folder].uid_validity >= 100;
                let is_other = intent.folder.is_some_and(began);
                // Else its numbers can't be known, or where an open range ends.
                let unknown = unsent && (intent.seqs.is_some() || intent.open.is_some());
                assert!(is_other || unknown, "{intent:?} {error}");
            }
            ErrorKind::SelectionEnded | ErrorKind::Unsupported => {
                assert_eq!((lines, error.sent()), (0, Sent::No), "{intent:?} {error}");
            }
            // A row was routed to another command that asked for the same, and that was refused or
            // is still to be answered.
            ErrorKind::Incomplete | ErrorKind::Protocol => {
                assert_eq!((intent.name, error.sent()), ("FETCH", Sent::Fully), "{intent:?} {error}");
                assert!(ends.iter().all(|end| *end == "OK"), "{intent:?} {error}");
                let in_doubt = error.kind() == ErrorKind::Incomplete
                    && outcome.is_some_and(|outcome| self.may_seem_to_lack_a_row(intent, outcome));
                let legal = self.server.kind.mixes_rows || in_doubt;
                assert!(legal, "{intent:?} can't fail with {error:?}: {outcome:?}");
            }
            ErrorKind::ReadOnly => {
                assert_eq!((lines, error.sent()), (0, Sent::No), "{intent:?} {error}");
                let changes = matches!(error.command(), Some("STORE" | "EXPUNGE" | "MOVE"));
                let examines = |(id, selection): (&CommandId, &SelectionId)| {
                    Some(*selection) == intent.selection
                        && self.intents.get(id).is_some_and(|select| select.name == "EXAMINE")
                };
                assert!(changes && self.selects.iter().any(examines), "{intent:?} {error}");
            }
            ErrorKind::QueueFull => {
                assert_eq!((lines, error.sent()), (0, Sent::No), "{intent:?} {error}")
            }
            ErrorKind::Closed => match error.sent() {
                Sent::No => assert_eq!(lines, 0, "{intent:?} was said to be unsent"),
                Sent::Partly => {
                    // Of COPY and its kin there may be further lines; where these are short, of all
                    // that name messages.
                    let several =
                        intent.name == "COPY" || self.server.kind.short_lines && intent.selection.is_some();
                    let partly = lines == 0 || cut_short || several;
                    assert!(partly, "{intent:?} was sent whole");
                }
                Sent::Fully => assert!(lines > 0 && !cut_short, "{intent:?} was not sent"),
            },
            other => panic!("{intent:?} can't fail with {other:?}: {error}"),
        }
    }

    fn check_rows(&self, intent: &Intent, outcome: &Outcome, rows: &[Message]) {
        let folder = intent.folder.unwrap();
        if intent.name == "STORE" && intent.seqs.is_some() && rows.iter().any(|row| row.uid().is_none()) {
            // Answered by number alone, and before the view was filled.
            return assert!(rows.len() + outcome.by_star.len() >= outcome.rows.len(), "{intent:?}: {rows:?}");
        }
        // The last message is named by `n:*` even if it is below n. No program means that, and
        // beside another FETCH of the message the row may be routed there.
        for uid in outcome.rows.iter().filter(|uid| !outcome.by_star.contains(uid)) {
            let of: Vec<&Message> =
                rows.iter().filter(|row| row.uid().is_some_and(|u| u.get() == *uid)).collect();
            if of.is_empty() && self.was_taken_for_one_that_is_gone(outcome, *uid) {
                continue;
            }
            assert_eq!(of.len(), 1, "one row of {uid} for {intent:?}: {rows:?}");
            let reported = [
                (1, of[0].flags().is_some()),
                (2, of[0].size().is_some()),
                (4, of[0].envelope().is_some()),
                (24, of[0].body().is_some()),
            ];
            let section = wanted_fields(intent.items);
            let has_fields = section.is_none_or(|section| of[0].section(&section).is_some());
            assert!(has_fields, "{intent:?} lacks fields of the header: {:?}", of[0]);
            for (item, reported) in reported {
                assert!(reported || intent.items & item == 0, "{intent:?} lacks an item: {:?}", of[0]);
            }
        }
        for row in rows {
            let Some(uid) = row.uid().map(u32::from) else {
                // Flags of a message that the server named by number alone are right for either
                // command.
                let is_change = row.flags().is_some() && !row.has_data() && intent.seqs.is_some();
                assert!(is_change, "a row without UID for {intent:?}: {row:?}");
                continue;
            };
            let named = |open: &UidSet| Uid::new(uid).is_some_and(|uid| open.contains(uid));
            assert!(intent.open.as_ref().is_none_or(named), "{uid} is below {intent:?}");
            let its = outcome.rows.contains(&uid)
                || self.was_mixed_up(intent, uid)
                || self.was_last_of_another(intent, outcome, uid);
            assert!(!row.has_data() || its, "data of {uid} that is not {intent:?}'s");
            assert!(row.size().is_none_or(|size| size == u64::from(size_of(folder, uid))), "{row:?}");
            let subject = row.envelope().and_then(|e| e.subject().map(|s| s.into_owned()));
            assert!(subject.is_none_or(|subject| subject == format!("{folder}/{uid}")), "{row:?}");
            assert!(row.body().is_none_or(|body| *body == body_of(folder, uid)), "{row:?}");
            for section in row.sections() {
                let Some(fields) = section.section.fields() else { continue };
                let text = header_of(folder, uid, fields.names().count());
                assert_eq!(section.data.as_deref(), Some(text.as_bytes()), "{intent:?}");
            }
            if let Some(flags) = row.flags() {
                let reported = (folder, uid, bits_of(flags));
                let response = &self.server.response.flags[outcome.rows_before..];
                assert!(
                    response.contains(&reported),
                    "flags {flags} of {uid} were not reported since {intent:?} was sent"
                );
            }
        }
    }

    /// Whether the server has sent a row of this message to another FETCH as well, and sends rows
    /// in any order: the row of this one may have been routed to that one, which had asked for all
    /// that is in it, too.
    fn was_mixed_up(&self, intent: &Intent, uid: u32) -> bool {
        let others = self.intents.iter().filter(|(_, other)| {
            other.name == "FETCH" && other.selection == intent.selection && !std::ptr::eq(*other, intent)
        });
        let mut outcomes = others.filter_map(|(id, _)| self.server.outcomes.get(id));
        self.server.kind.mixes_rows && outcomes.any(|outcome| outcome.rows.contains(&uid))
    }

    /// The other FETCHes in the same mailbox, those of the engine among them.
    fn other_fetches<'a>(&'a self, outcome: &'a Outcome) -> impl Iterator<Item = &'a Outcome> {
        let all = self.server.outcomes.values().filter(|other| other.fetches.is_some());
        all.filter(|other| other.folder == outcome.folder && !std::ptr::eq(*other, outcome))
    }

    /// Whether the server sends rows in any order, and another FETCH that named this message was
    /// answered without it, for it was gone by then: the row of this one went there. The client
    /// sees one row and two answers, and so it does where a message goes between two answers in
    /// order: the EXPUNGE follows, and nothing of a message that exists is lacking.
    fn was_taken_for_one_that_is_gone(&self, outcome: &Outcome, uid: u32) -> bool {
        let named = |other: &Outcome| {
            [&other.fetches, &other.named].into_iter().flatten().any(|named| named.contains(&uid))
        };
        let without = |other: &Outcome| {
            named(other) && !other.rows.contains(&uid) && other.ends.iter().all(|end| *end == "OK")
        };
        self.server.kind.mixes_rows && self.other_fetches(outcome).any(without)
    }

    /// Whether this FETCH was sent no row of a message, and another one was, or unsolicited flags
    /// of it were received: it had been expunged, perhaps before this FETCH was carried out, and
    /// the EXPUNGE was not sent yet. Where those rows were routed to another FETCH that was refused
    /// then, or got two of them, the client can't know whether one was this one's.
    fn may_seem_to_lack_a_row(&self, intent: &Intent, outcome: &Outcome) -> bool {
        let select = self.selects.iter().find(|(_, selection)| Some(**selection) == intent.selection);
        let there = select.map_or(&[][..], |(select, _)| self.server.response.uids_of(*select));
        let removed = &self.server.response.removed[outcome.removed_before..];
        let flags = &self.server.response.flags[outcome.rows_before..];
        let flags_came =
            |uid: u32| flags.iter().any(|(folder, of, _)| (Some(*folder), *of) == (outcome.folder, uid));
        // With another UIDVALIDITY it can't know either which of them were gone before.
        let began = outcome.folder.is_some_and(|folder| self.server.folders[folder].uid_validity >= 100);
        let mut known = there.iter().chain(removed);
        began
            || known.any(|uid| {
                [&outcome.fetches, &outcome.named].into_iter().flatten().any(|named| named.contains(uid))
                    && !outcome.rows.contains(uid)
                    && (self.other_fetches(outcome).any(|other| other.rows.contains(uid)) || flags_came(*uid))
            })
    }

    /// Whether a COPYUID may have gone to another MOVE than the one that made it: one that names
    /// exactly its messages comes before one that names others, too, which are gone, and the
    /// EXPUNGE of these has not been sent.
    fn may_be_anothers(&self, outcome: &Outcome, got: &[(u32, u32)], copied: &[(u32, u32)]) -> bool {
        let names =
            |outcome: &Outcome, uid: u32| outcome.named.as_ref().is_some_and(|named| named.contains(&uid));
        let by_another = |uid: u32| {
            let mut others = self.server.outcomes.values().filter(|other| !std::ptr::eq(*other, outcome));
            others.any(|other| names(other, uid))
        };
        let mut lost = copied.iter().filter(|pair| !got.contains(pair));
        let mut extra = got.iter().filter(|pair| !copied.contains(pair));
        lost.all(|pair| by_another(pair.0)) && extra.all(|pair| names(outcome, pair.0))
    }

    /// Whether another FETCH named this message only as the last one, by `n:*`: its row is for who
    /// asked for it by its UID.
    fn was_last_of_another(&self, intent: &Intent, outcome: &Outcome, uid: u32) -> bool {
        let others = self.intents.iter().filter(|(_, other)| {
            other.name == "FETCH" && other.selection == intent.selection && !std::ptr::eq(*other, intent)
        });
        let mut outcomes = others.filter_map(|(id, _)| self.server.outcomes.get(id));
        // Of a command that came before the mailbox was open the server can't say what it named.
        let named = outcome.numbered_then.is_empty()
            || outcome.named.as_ref().is_some_and(|named| named.contains(&uid));
        named && outcomes.any(|other| other.rows.contains(&uid) && other.by_star.contains(&uid))
    }

    /// At the end of a program that came to rest: what the client knows is what is true.
    pub(super) fn check_view(&self) {
        assert_eq!(self.heap_size(), [], "each token is resolved");
        self.check_left();
        let engine = &self.bench.engine;
        assert!(engine.is_at_rest());
        // After BAD to SELECT the server may still have a mailbox selected that has no handle any
        // more.
        let (Some(ours), Some(theirs)) = (engine.selected.current(), &self.server.session) else {
            return assert!(engine.selected.current().is_none() && self.replay.open.is_none());
        };
        self.check_resumption();
        let folder = &self.server.folders[theirs.folder];
        assert_eq!(ours.handle().place().mailbox.as_str(), folder.name);
        let uids: Vec<u32> = folder.messages.iter().map(|m| m.uid).collect();
        assert_eq!(ours.view().len() as usize, uids.len());
        let (selection, replayed) = self.replay.open.as_ref().expect("an opening was reported");
        assert_eq!((*selection, replayed.len()), (ours.id(), uids.len()));
        let off = ours.is_view_off();
        let lost = self.server.kind.forgets && (off || self.server.idle_disturbed);
        if !off && !self.replay.lagged && !self.replay.contradicted {
            let came = self.server.response.grew.iter().filter(|uid| uids.contains(uid));
            let unreported: Vec<&u32> =
                came.filter(|uid| !self.replay.has_arrived(*selection, **uid)).collect();
            assert!(unreported.is_empty(), "these came without Arrived: {unreported:?}");
        }
        for (mail, (seq, seen)) in folder.messages.iter().zip((1..).zip(replayed)) {
            let entry = Seq::new(seq).and_then(|seq| ours.view().get(seq)).expect("an entry");
            let uid = entry.uid.map(u32::from);
            assert!(uid == Some(mail.uid) || off && uid.is_none(), "the UID of {seq} is {uid:?}");
            let flags = entry.flags.as_ref().map(bits_of);
            let wanted = self.server.kind.view_sync == ViewSync::Flags;
            assert!(flags.is_some() || !wanted, "the flags of {mail:?} are not known");
            assert!(
                lost || flags.is_none_or(|f| f == mail.flags),
                "{} has {:#b}, not {flags:?}",
                mail.uid,
                mail.flags
            );
            assert!(seen.uid.is_none_or(|uid| uid == mail.uid), "events say {seen:?} of {}", mail.uid);
            let reported = seen.flags.as_ref().map(bits_of);
            // With the view off the effect of a silent STORE is unknown.
            assert!(
                off || lost || reported.is_none_or(|f| f == mail.flags),
                "events say {reported:?} of {mail:?}"
            );
        }
    }

    /// Unreported changes of a mailbox that was left under NOTIFY are reported (contract, promise
    /// 4).
    fn check_left(&self) {
        for (folder, known) in self.server.response.left_behind.iter().filter(|_| !self.replay.lagged) {
            let folder = &self.server.folders[*folder];
            if folder.messages.iter().map(|m| m.uid).ne(known.iter().copied()) {
                let counts = self.replay.counts.iter().rev().find(|(name, ..)| *name == folder.name);
                let truth = (folder.name.clone(), u32::try_from(folder.messages.len()).unwrap(), folder.next);
                assert_eq!(counts, Some(&truth), "it was left with {known:?}");
            }
        }
    }

    /// Whether the connection idles, or the server does not let it.
    pub(super) fn idles_where_it_may(&self) -> bool {
        let selected = self.server.session.is_some();
        let expected = self.server.kind.idles()
            && !self.server.idle_disturbed
            && (selected || !self.server.kind.idles_selected)
            && selected == self.bench.engine.selected.current().is_some();
        !expected || self.server.idling == Idling::On
    }

    /// It came to rest: the connection idles, wherever the server lets it.
    pub(super) fn check_idle(&self) {
        assert!(self.idles_where_it_may(), "it does not idle");
    }

    /// At the end of each program, once the connection has ended.
    pub(super) fn check_end(&mut self) {
        self.check_snapshots();
        assert_eq!(self.heap_size(), [], "each token is resolved");
        assert!(self.replay.closed, "Closed is reported");
        assert_eq!(self.bench.shared.in_flight(), 0, "nothing is left in the tag table");
        assert!(self.replay.notices <= self.server.response.notices);
        if !self.replay.lagged {
            // Unreported changes of a mailbox that was left are an answer to the engine, and
            // reported once.
            let (reported, response) = (&self.replay.counts, &self.server.response);
            let said = |counts| response.counts.contains(counts) || response.answered.contains(counts);
            assert!(reported.iter().all(said), "{reported:?} {response:?}");
            let known = |counts| reported.contains(counts) || response.answered.contains(counts);
            assert!(response.counts.iter().all(known), "{reported:?} {response:?}");
        }
        for (id, intent) in &self.intents {
            let outcome = self.server.outcomes.get(id);
            let lines = outcome.map_or(0, |o| o.lines);
            let ends = self.replay.ends.iter().filter(|(of, _)| of == id).count();
            match intent.fate {
                Fate::Held => panic!("{intent:?} is still held"),
                // Its token reports it, and this may be left out.
                Fate::Resolved if self.replay.lagged => assert!(ends <= usize::from(!intent.refused)),
                Fate::Resolved | Fate::Detached => {
                    assert_eq!(ends, usize::from(!intent.refused), "{id} {intent:?} ends once: {outcome:?}");
                }
                Fate::Dropped => {
                    assert!(ends <= 1);
                    assert!(
                        intent.begun
                            || !intent.reads_only
                            || lines == 0
                            || matches!(intent.name, "SELECT" | "EXAMINE"),
                        "{intent:?} was withdrawn"
                    );
                }
                Fate::Cancelled => assert!(intent.begun || lines == 0, "{intent:?} was cancelled in time"),
            }
            if let Some(outcome) = outcome {
                self.check_numbers(intent, outcome);
                let whole =
                    outcome.ends.len() == outcome.lines && outcome.ends.iter().all(|end| *end == "OK");
                let completed = self.replay.ends.contains(&(*id, true));
                if intent.fate == Fate::Detached
                    && matches!(intent.name, "FETCH" | "STORE")
                    && whole
                    && completed
                {
                    let data = self.replay.data.iter().filter(|(of, _)| of == id);
                    let rows = data.filter_map(|(_, answer)| match &**answer {
                        Answer::Fetch(row) => Some((**row).clone()),
                        _ => None,
                    });
                    self.check_rows(intent, outcome, &joined(rows.collect()));
                }
            }
        }
        let detached = |id: &CommandId| self.intents.get(id).is_some_and(|i| i.fate == Fate::Detached);
        assert!(self.replay.data.iter().all(|(id, _)| detached(id)), "data only of detached commands");
    }

    /// Numbers reached the server as the messages that they stood for when they were submitted.
    fn check_numbers(&self, intent: &Intent, outcome: &Outcome) {
        let (Some((_, open)), Some(meant), Some(named)) = (&intent.seqs, &intent.meant, &outcome.named)
        else {
            return;
        };
        let right: Vec<u32> =
            meant.iter().filter(|uid| outcome.numbered_then.contains(uid)).copied().collect();
        let last = if *open { meant.last().copied().unwrap_or(0) } else { u32::MAX };
        assert!(named.iter().all(|uid| right.contains(uid) || *uid > last), "{intent:?}: {outcome:?}");
        // In several lines, or in the steps of a MOVE, each line names some of them; later lines
        // don't name what was expunged meanwhile, and the first that is refused is the last.
        let removed = &self.server.response.removed[outcome.removed_before..];
        let named = |uid: &u32| named.contains(uid) || outcome.lines > 1 && removed.contains(uid);
        let alone = outcome.lines == 1 && !self.server.kind.short_lines;
        let done = outcome.ends.len() == outcome.lines && outcome.ends.iter().all(|end| *end == "OK");
        if alone || done {
            assert!(right.iter().all(named) || *open && right.is_empty(), "{intent:?}: {outcome:?}");
        }
    }
}

pub(super) fn bits_of(flags: &Flags) -> u8 {
    bits(&flags.iter().map(|flag| flag.as_str().to_owned()).collect::<Vec<_>>())
}
