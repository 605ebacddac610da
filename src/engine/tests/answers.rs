//! What the model server answers, and when: its table of what a server may do, with the section of
//! RFC 9051 at each rule.
//!
//! Commands in progress advance one step at a time, in any legal order; between the steps other
//! sessions change the mailboxes, which the server reports whenever it may.

use super::client_knowledge::Note;
use super::commands::{Cmd, Named};
use super::kinds::Kind;
use super::mailboxes::{DELETED, FLAGS, Folder, Mail, Numbered, SEEN, Selected, bits, encoded};
use super::order::{answers_look_alike, copies_in_order, in_order};
use super::server::{Idling, Outcome, Server, Task};
use crate::types::{Seq, SeqSet};

impl Server {
    /// The commands that may be worked on now.
    pub(super) fn runnable(&self) -> Vec<usize> {
        let Kind { mixes_rows, mixes_copies, .. } = self.kind;
        let waits = |at: usize| {
            let younger = &self.tasks[at].cmd;
            let holds = |older: &Cmd| {
                in_order(older, younger)
                    || answers_look_alike(older, younger, mixes_rows)
                    || copies_in_order(older, younger, mixes_copies)
            };
            self.tasks[..at].iter().any(|older| holds(&older.cmd))
        };
        (0..self.tasks.len()).filter(|at| !waits(*at)).collect()
    }

    /// Works a little on one of the commands in progress. Whether there was anything to do.
    pub(super) fn advance(&mut self, which: u16, dice: u16) -> bool {
        if self.wants_plus {
            let user = self
                .waiting_tag()
                .and_then(|tag| self.shared.owner(&tag))
                .is_some_and(|id| self.users.contains(&id));
            // RFC 9051 section 7.6: a tagged NO or BAD in place of `+`; what else is in progress
            // may go on first.
            if self.tasks.is_empty() || which.is_multiple_of(2) {
                self.answer_literal(
                    [Some("NO"), Some("BAD")].get(usize::from(dice % 16)).copied().flatten().filter(|_| user),
                );
                return true;
            }
        }
        match self.idling {
            Idling::Asked | Idling::AskedInVain => {
                self.answer_idle(dice);
                return true;
            }
            // The server may end IDLE whenever it likes (RFC 9051 section 6.3.13 names timeouts;
            // some say OK).
            Idling::On if dice.is_multiple_of(64) => {
                self.end_idle("OK", false);
                (self.idling, self.idle_disturbed) = (Idling::Ended, true);
                return true;
            }
            _ => {}
        }
        let runnable = self.runnable();
        let Some(at) = runnable.get(usize::from(which) % runnable.len().max(1)) else { return false };
        self.step(*at, dice);
        true
    }

    fn outcome(&mut self, at: usize) -> &mut Outcome {
        self.outcomes.entry(self.tasks[at].id).or_default()
    }

    fn finish(&mut self, at: usize, how: &'static str, code: &str) {
        self.report_mod_seq();
        let task = self.tasks.remove(at);
        self.say(
            format!("{} {how} {code}done", task.tag),
            Note::Tagged(task.id, task.tag.clone(), how, false),
        );
    }

    fn step(&mut self, at: usize, dice: u16) {
        let task = self.tasks[at].clone();
        let Some(todo) = task.todo else { return self.begin(at, dice) };
        // Flags of what is gone can't be changed (RFC 2180 section 4.2).
        let stores = matches!(task.cmd, Cmd::Store { .. });
        let next = todo.iter().position(|uid| self.is_numbered(*uid) && !(stores && self.is_gone(*uid)));
        match (&task.cmd, next) {
            (Cmd::Fetch { items, since, .. }, Some(next)) => {
                if dice % 64 == 3 && self.users.contains(&task.id) {
                    // RFC 9051 section 6.4.5: NO, and some of its rows have come.
                    return self.finish(at, "NO", "");
                }
                self.tasks[at].todo = Some(todo[next + 1..].to_vec());
                self.fetch_row(at, todo[next], items, dice, since.is_some());
            }
            (Cmd::Store { which, sign, silent, flags }, Some(next)) => {
                if dice % 64 == 3 && self.users.contains(&task.id) {
                    // RFC 9051 section 6.4.6: NO, and those before it have been changed.
                    return self.finish(at, "NO", "");
                }
                self.tasks[at].todo = Some(todo[next + 1..].to_vec());
                let (uid, bits) = (todo[next], bits(flags));
                self.change(uid, |f| match sign {
                    '+' => f | bits,
                    '-' => f & !bits,
                    _ => bits,
                });
                // RFC 9051 section 6.4.9: what a UID command causes names the UID.
                let mut items = if dice.is_multiple_of(2) || which.by_uid { vec!["UID"] } else { Vec::new() };
                if !silent {
                    self.outcome(at).rows.push(uid);
                    items.push("FLAGS");
                }
                if self.has_mods() {
                    // Of a silent one, too (RFC 7162 section 3.1.3).
                    items.push("MODSEQ");
                    self.highest_row = self.highest_row.max(self.mods_of(uid).unwrap_or(0));
                }
                if !silent || self.has_mods() {
                    self.say_row(uid, &items);
                }
            }
            (Cmd::Expunge(_) | Cmd::Copy { moves: true, .. }, Some(next)) => {
                assert!(self.may_expunge(), "the model may not say EXPUNGE here");
                if self.says_vanished() {
                    let some = todo[next..].iter().copied().filter(|uid| self.is_numbered(*uid));
                    let some: Vec<u32> = some.take(1 + usize::from(dice % 4)).collect();
                    return self.say_vanished(&some);
                }
                self.tasks[at].todo = Some(todo[next + 1..].to_vec());
                self.say_expunge(todo[next]);
            }
            (Cmd::Select { name, read_only, .. }, _) => self.opened(at, name, *read_only),
            (Cmd::Copy { moves: false, .. }, _) if self.kind.uidplus || self.kind.rev2 => {
                let code = self.copy_code(at);
                self.finish(at, "OK", &code);
            }
            _ => self.finish(at, "OK", ""),
        }
    }

    fn fetch_row(&mut self, at: usize, uid: u32, items: &[String], dice: u16, mods: bool) {
        let mut names: Vec<&str> =
            items.iter().map(|i| if i == "BODY.PEEK[]" { "BODY[]" } else { i }).collect();
        if !names.contains(&"UID") {
            // A UID FETCH is answered with the UID (RFC 9051 section 6.4.9).
            names.insert(0, "UID");
        }
        let marks = items.iter().any(|i| i.starts_with("BODY["))
            && self.session.as_ref().is_some_and(|s| !s.read_only);
        if marks {
            self.change(uid, |flags| flags | SEEN);
        }
        if (marks || dice % 8 == 1) && !names.contains(&"FLAGS") && names.len() > 1 {
            // RFC 9051 section 6.4.5: a change of \Seen is reported; others add FLAGS unasked
            // (7.5.2).
            names.push("FLAGS");
        }
        if mods || self.has_mods() && names.contains(&"FLAGS") && dice % 4 < 2 {
            names.push("MODSEQ");
        }
        self.outcome(at).rows.push(uid);
        if dice % 8 == 2 && names.len() > 2 && !self.kind.mixes_rows {
            // One message in two rows; if the rows of two commands were mixed too, no client could
            // assign the halves.
            let (first, mut second) = (names[..2].to_vec(), names[2..].to_vec());
            self.say_row(uid, &first);
            second.insert(0, "UID");
            return self.say_row(uid, &second);
        }
        if dice % 2 == 1 {
            names.reverse();
        }
        self.say_row(uid, &names);
    }

    fn begin(&mut self, at: usize, dice: u16) {
        let cmd = self.tasks[at].cmd.clone();
        self.tasks[at].todo = Some(Vec::new());
        let folder = self.session.as_ref().map(|s| s.folder);
        self.outcome(at).folder = folder;
        let refused =
            ["NO", "BAD"].get(usize::from(dice % 24)).filter(|_| self.users.contains(&self.tasks[at].id));
        let unfit = cmd.is_about_messages() && self.session.is_none();
        if let Some(how) = refused.copied().or(unfit.then_some("BAD")).filter(|_| cmd != Cmd::Logout) {
            let selects = matches!(cmd, Cmd::Select { .. });
            self.tasks[at].todo = None;
            self.finish(at, how, "");
            // RFC 9051 section 6.3.2: after NO nothing is selected; after BAD some servers keep
            // what was.
            if selects && (how == "NO" || self.kind.leaves_on_bad) {
                self.leave();
            }
            return;
        }
        self.carry_out(at, cmd, dice);
    }

    /// Does what a command asks for, and says what can be said at once.
    fn carry_out(&mut self, at: usize, cmd: Cmd, dice: u16) {
        match cmd {
            Cmd::Noop => {
                if dice.is_multiple_of(2) {
                    // RFC 9051 section 6.1.2: a good time to report changes.
                    self.report_all();
                }
                self.finish(at, "OK", "");
            }
            Cmd::Capability => self.say(format!("* CAPABILITY {}", self.capabilities()), Note::Nothing),
            Cmd::Logout => {
                self.say("* BYE bye", Note::Bye);
                self.finish(at, "OK", "");
                self.ended = true;
            }
            Cmd::Idle => unreachable!("IDLE is no task"),
            Cmd::List => {
                let names: Vec<String> = self.folders.iter().map(|f| f.name.clone()).collect();
                self.outcome(at).listed.extend(names.clone());
                names.iter().for_each(|name| self.say_listed(name));
            }
            Cmd::Notify { immediately, others } => {
                self.watch(immediately, others);
                self.finish(at, "OK", "");
            }
            Cmd::Create(name) => {
                if self.folders.iter().any(|f| f.name == name) {
                    return self.finish(at, "NO", "[ALREADYEXISTS] ");
                }
                let uid_validity = u32::try_from(self.folders.len()).unwrap() + 20;
                self.folders.push(Folder { next: 1, ..Folder::new(&name, uid_validity, 0) });
                self.finish(at, "OK", "");
            }
            Cmd::Status(name) => self.count(at, name),
            Cmd::Select { name, resume, condstore, .. } => {
                self.mods_on |= condstore;
                self.open(at, &name, resume);
            }
            Cmd::Deselect { expunge } => self.deselect(at, expunge),
            Cmd::Append { size: 0, .. } => self.finish(at, "NO", ""),
            Cmd::Append { to, flags, .. } => {
                let Some(to) = self.folders.iter().position(|f| f.name == to) else {
                    return self.finish(at, "NO", "[TRYCREATE] ");
                };
                let uid = self.put(to, bits(&flags));
                self.outcome(at).appended = Some(uid);
                let code = format!("[APPENDUID {} {uid}] ", self.folders[to].uid_validity);
                self.finish(at, "OK", if self.kind.uidplus || self.kind.rev2 { &code } else { "" });
            }
            Cmd::Fetch { which, since, .. } => {
                let fetches = self.resolve(&which);
                self.outcome(at).fetches.get_or_insert_default().extend(fetches);
                self.begin_with(at, &which);
                if let Some(since) = since {
                    self.only_changed(at, since);
                }
            }
            Cmd::Store { which, .. } => {
                self.may_change("STORE");
                self.begin_with(at, &which);
            }
            Cmd::Search { key, extended } => self.search(at, &key, extended),
            Cmd::Copy { which, to, moves } => self.copy(at, &which, &to, moves),
            Cmd::Expunge(which) => self.expunge(at, which.as_ref()),
        }
    }

    fn count(&mut self, at: usize, name: String) {
        let Some(folder) = self.folders.iter().find(|f| f.name == name) else {
            return self.finish(at, "NO", "");
        };
        let unseen = folder.messages.iter().filter(|m| m.flags & SEEN == 0).count();
        let counts = (folder.messages.len(), folder.next, folder.uid_validity, unseen);
        let counts = (u32::try_from(counts.0).unwrap(), counts.1, counts.2, u32::try_from(counts.3).unwrap());
        self.outcome(at).status = Some(counts);
        let (messages, next, uid_validity, unseen) = counts;
        let text = format!("MESSAGES {messages} UIDNEXT {next} UIDVALIDITY {uid_validity} UNSEEN {unseen}");
        self.say(format!("* STATUS {} ({text})", encoded(&name)), Note::Answered((name, messages, next)));
    }

    fn deselect(&mut self, at: usize, expunge: bool) {
        let closed = self.session.clone().filter(|s| expunge && !s.read_only);
        self.finish(at, "OK", "");
        self.leave();
        if let Some(folder) = closed.map(|s| s.folder) {
            // RFC 9051 section 6.4.1: they are expunged, and this session gets no report.
            let all = self.folders[folder].messages.clone();
            let going = all.iter().filter(|m| m.flags & DELETED != 0);
            going.for_each(|m| self.remove(folder, m.uid));
        }
    }

    /// What changes messages is not to be sent to a mailbox that was opened for reading alone.
    fn may_change(&self, name: &str) {
        assert!(self.session.as_ref().is_some_and(|s| !s.read_only), "{name} in a mailbox for reading");
    }

    fn begin_with(&mut self, at: usize, which: &Named) {
        let todo = self.resolve(which);
        self.note_stars(at, which, &todo);
        self.tasks[at].todo = Some(todo);
        if !self.kind.keeps_ghosts {
            self.drop_gone(at);
        }
    }

    /// CHANGEDSINCE (RFC 7162 section 3.1.4.1), which also asks for mod-sequences from now on.
    fn only_changed(&mut self, at: usize, since: u64) {
        self.mods_on = true;
        assert!(self.kind.knows_mods() && self.has_mods(), "mod-sequences of a mailbox that has none");
        let todo = self.tasks[at].todo.take().unwrap_or_default();
        let changed = |uid: &u32| self.mods_of(*uid).is_some_and(|mods| mods > since);
        self.tasks[at].todo = Some(todo.into_iter().filter(changed).collect());
    }

    /// Of these messages, those that `n:*` names only because the last message is below n.
    fn note_stars(&mut self, at: usize, which: &Named, uids: &[u32]) {
        let numbered = self.session.iter().flat_map(|s| &s.numbered).zip(1..);
        let number = |uid: u32, seq: u32| if which.by_uid { uid } else { seq };
        let by_star =
            numbered.filter(|(m, seq)| uids.contains(&m.uid) && !which.has(number(m.uid, *seq), u32::MAX));
        let by_star: Vec<u32> = by_star.map(|(m, _)| m.uid).collect();
        self.outcome(at).by_star.extend(by_star);
    }

    fn drop_gone(&mut self, at: usize) {
        let Some(session) = &self.session else { return };
        let gone: Vec<u32> = session.numbered.iter().filter(|m| m.gone).map(|m| m.uid).collect();
        if let Some(todo) = &mut self.tasks[at].todo {
            todo.retain(|uid| !gone.contains(uid));
        }
    }

    fn search(&mut self, at: usize, key: &str, extended: bool) {
        let Some(session) = &self.session else { return };
        let numbers: Option<SeqSet> = key.parse().ok();
        let uids = key.strip_prefix("UID ").map(|set| self.resolve(&Named::parse(set, true)));
        let fits = |flags: u8| match key {
            _ if numbers.is_some() || uids.is_some() => true,
            "ALL" => true,
            "SEEN" => flags & SEEN != 0,
            "UNSEEN" => flags & SEEN == 0,
            "DELETED" => flags & DELETED != 0,
            other => panic!("the programs don't search {other}"),
        };
        let ghosts = self.kind.keeps_ghosts;
        let found: Vec<u32> = session
            .numbered
            .iter()
            .zip(1..)
            .filter(|(m, seq)| {
                fits(m.flags)
                    && (ghosts || !m.gone)
                    && uids.as_ref().is_none_or(|uids| uids.contains(&m.uid))
                    && numbers.as_ref().is_none_or(|n| Seq::new(*seq).is_some_and(|seq| n.contains(seq)))
            })
            .map(|(m, _)| m.uid)
            .collect();
        let text: Vec<String> = found.iter().map(u32::to_string).collect();
        let tag = self.tasks[at].tag.clone();
        // RFC 9051 section 7.3.4: ALL is left out where nothing was found.
        let text = match (extended, text.is_empty()) {
            (true, true) => format!("* ESEARCH (TAG \"{tag}\") UID"),
            (true, false) => format!("* ESEARCH (TAG \"{tag}\") UID ALL {}", text.join(",")),
            (false, _) => format!("* SEARCH {}", text.join(" ")).trim_end().to_owned(),
        };
        self.outcome(at).found = found;
        self.say(text, Note::Nothing);
    }

    fn copy(&mut self, at: usize, which: &Named, to: &str, moves: bool) {
        let Some(to) = self.folders.iter().position(|f| f.name == to) else {
            return self.finish(at, "NO", "[TRYCREATE] ");
        };
        if moves {
            self.may_change("MOVE");
        }
        self.begin_with(at, which);
        self.drop_gone(at);
        let uids = self.tasks[at].todo.clone().unwrap_or_default();
        let mut pairs = Vec::new();
        for uid in &uids {
            let flags =
                self.session.iter().flat_map(|s| &s.numbered).find(|m| m.uid == *uid).map_or(0, |m| m.flags);
            pairs.push((*uid, self.put(to, flags)));
        }
        self.outcome(at).copied.extend(pairs);
        self.tasks[at].whole = uids.clone();
        if moves {
            let code = self.copy_code(at);
            if !code.is_empty() {
                // RFC 9051 section 6.4.8: COPYUID is sent untagged, before the EXPUNGEs.
                self.say(format!("* OK {code}moved"), Note::Nothing);
            }
            self.outcome(at).expunged.extend(&uids);
            uids.iter().for_each(|uid| self.remove_from_selected(*uid));
        }
    }

    fn copy_code(&mut self, at: usize) -> String {
        let whole = self.tasks[at].whole.clone();
        if whole.is_empty() || !(self.kind.uidplus || self.kind.rev2) {
            return String::new();
        }
        let (Cmd::Copy { to, .. }, pairs) = (self.tasks[at].cmd.clone(), self.outcome(at).copied.clone())
        else {
            return String::new();
        };
        let uid_validity = self.folders.iter().find(|f| f.name == to).map_or(0, |f| f.uid_validity);
        let pairs: Vec<(u32, u32)> = pairs.into_iter().filter(|(from, _)| whole.contains(from)).collect();
        let from: Vec<String> = pairs.iter().map(|(from, _)| from.to_string()).collect();
        let to: Vec<String> = pairs.iter().map(|(_, to)| to.to_string()).collect();
        format!("[COPYUID {uid_validity} {} {}] ", from.join(","), to.join(","))
    }

    fn expunge(&mut self, at: usize, which: Option<&Named>) {
        let Some(session) = self.session.clone() else { return };
        self.may_change("EXPUNGE");
        let named = which.map(|which| self.resolve(which));
        if let (Some(which), Some(named)) = (which, &named) {
            self.note_stars(at, which, named);
        }
        let goes = |uid: u32| named.as_ref().is_none_or(|named| named.contains(&uid));
        let all = self.folders[session.folder].messages.clone();
        let going: Vec<u32> =
            all.iter().filter(|m| m.flags & DELETED != 0 && goes(m.uid)).map(|m| m.uid).collect();
        going.iter().for_each(|uid| self.remove_from_selected(*uid));
        let numbered: Vec<u32> = going.into_iter().filter(|uid| self.is_numbered(*uid)).collect();
        self.outcome(at).expunged.extend(&numbered);
        self.tasks[at].todo = Some(numbered);
    }

    fn open(&mut self, at: usize, name: &str, resume: Option<(u32, u64)>) {
        let Some(folder) = self.folders.iter().position(|f| f.name == name) else {
            self.finish(at, "NO", "");
            return self.leave();
        };
        if self.session.take().is_some() && (self.kind.rev2 || self.kind.qresync) {
            // RFC 9051 section 7.1, CLOSED: later responses are of the new mailbox.
            self.say("* OK [CLOSED] left", Note::DeselectedMailbox);
        }
        let Folder { uid_validity, next, last, messages, .. } = self.folders[folder].clone();
        (self.tasks[at].since, self.client_knows) = (last, 0);
        let count = messages.len();
        self.tasks[at].whole = messages.iter().map(|m| m.uid).collect();
        // RFC 9051 section 6.3.2.
        self.say(format!("* FLAGS ({})", FLAGS.join(" ")), Note::Nothing);
        self.say(format!("* {count} EXISTS"), Note::Nothing);
        self.say(format!("* OK [UIDVALIDITY {uid_validity}] ok"), Note::Nothing);
        self.say(format!("* OK [UIDNEXT {next}] next"), Note::Nothing);
        if self.kind.rev2 {
            self.say_listed(name);
        }
        self.report_since(folder, resume);
    }

    fn opened(&mut self, at: usize, name: &str, read_only: bool) {
        let folder = self.folders.iter().position(|f| f.name == name).unwrap();
        let Task { id, whole: uids, since, .. } = self.tasks[at].clone();
        let since = if self.kind.knows_mods() { since } else { u64::MAX };
        let now = |uid: u32| self.folders[folder].messages.iter().find(|m| m.uid == uid).copied();
        let numbered = uids.iter().map(|&uid| match now(uid) {
            // Changes since the answer began have not been reported.
            Some(Mail { uid, flags, mods }) => Numbered { uid, flags, dirty: mods > since, gone: false },
            None => Numbered { uid, flags: 0, dirty: false, gone: true },
        });
        let (numbered, up_to) = (numbered.collect(), uids.last().copied().unwrap_or(0));
        self.session = Some(Selected { folder, read_only, numbered, up_to });
        self.outcome(at).folder = Some(folder);
        self.finish(at, "OK", if read_only { "[READ-ONLY] " } else { "[READ-WRITE] " });
        self.out.push_back((Vec::new(), Note::Opened(id, folder, uids)));
    }

    /// Nothing is selected any more.
    fn leave(&mut self) {
        self.session = None;
        self.out.push_back((Vec::new(), Note::DeselectedMailbox));
    }
}
