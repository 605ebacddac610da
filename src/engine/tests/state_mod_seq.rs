//! Which mod-sequence a state claims: none that covers a change which the state does not have.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::resume::opened;
use super::script::Script;
use super::settings;
use super::shown::shown;
use crate::command::{Items, Messages, Store};
use crate::types::{Flag, Flags, MailboxState, ModSeq, Uid, UidSet, ViewSync};
use crate::{Mailbox, Select, Token};

const ALL: &str = "UID SEARCH RETURN (ALL) ALL";

fn set(text: &str) -> UidSet {
    text.parse().unwrap()
}

/// INBOX with so many messages without flags, at mod-sequence 10; all is known of it.
fn open(mut script: Script, exists: u32) -> (Script, Mailbox) {
    let next = exists + 1;
    let opened = format!(
        "* {exists} EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [UIDNEXT {next}] next\n* OK [HIGHESTMODSEQ 10] modseq\nTAG OK done"
    );
    let inbox = script.select(Select::new("INBOX").view_sync(ViewSync::Flags), "SELECT INBOX", &opened);
    script.line(ALL, &format!("* ESEARCH (TAG \"TAG\") UID ALL 1:{exists}\nTAG OK done"));
    let rows: Vec<_> = (1..=exists).map(|n| format!("* {n} FETCH (UID {n} FLAGS ())\n")).collect();
    script.line(&format!("UID FETCH 1:{exists} (FLAGS)"), &(rows.concat() + "TAG OK done")).quiet();
    script.events();
    (script, inbox)
}

/// A server without IDLE: the connection asks each minute.
fn server() -> Script {
    Script::with("QRESYNC ESEARCH", &["QRESYNC"], settings())
}

/// What is reported is claimed once it is confirmed.
fn is_confirmed(script: &mut Script, inbox: &Mailbox, now: u64) {
    assert_eq!(claim(inbox), 10, "it is only reported");
    script.looks_back(10, "");
    assert_eq!(claim(inbox), now);
}

fn claim(inbox: &Mailbox) -> u64 {
    inbox.state().and_then(|state| state.highest_mod_seq).map_or(0, ModSeq::get)
}

fn flagged(inbox: &Mailbox, uid: u32) -> bool {
    let state = inbox.state().expect("a state");
    state.flags_of(Uid::new(uid).unwrap()).is_some_and(|flags| flags.contains(&Flag::Flagged))
}

/// The client asks for what it lacks.
fn tag_of_next(script: &mut Script) -> String {
    let line = String::from_utf8(script.bench.write_all()).expect("text");
    line.split_once(' ').expect("a tag").0.to_owned()
}

fn silently() -> Store {
    Store::add([Flag::Flagged]).silent()
}

#[test]
fn a_store_in_several_lines_is_claimed_at_its_end() {
    let (mut script, inbox) = open(server(), 5);
    script.bench.engine.session.command_line = 2;
    let _store = inbox.store(set("1,3"), silently());
    let first = script.expect("UID STORE 1 +FLAGS.SILENT (\\Flagged)");
    let second = script.expect("UID STORE 3 +FLAGS.SILENT (\\Flagged)");
    script.say(&format!("* 1 FETCH (UID 1 MODSEQ (12))\n{first} OK [HIGHESTMODSEQ 12] done"));
    assert_eq!((claim(&inbox), flagged(&inbox, 1)), (10, false));
    script.say(&format!("* 3 FETCH (UID 3 MODSEQ (13))\n{second} OK done"));
    assert_eq!((flagged(&inbox, 1), flagged(&inbox, 3)), (true, true));
    is_confirmed(script.quiet(), &inbox, 13);
}

#[test]
fn a_message_without_a_uid_is_not_claimed() {
    let (mut script, inbox) = open(server(), 5);
    let _noop = script.sender.noop();
    script.line("NOOP", "* 6 EXISTS\n* 6 FETCH (FLAGS () MODSEQ (12))\nTAG OK [HIGHESTMODSEQ 12] done");
    assert_eq!((claim(&inbox), inbox.state().unwrap().uids), (10, set("1:5")));
    let tag = tag_of_next(&mut script);
    script.say(&format!("* 6 FETCH (UID 6 FLAGS () MODSEQ (12))\n{tag} OK done")).quiet();
    assert_eq!(inbox.state().unwrap().uids, set("1:6"));
    is_confirmed(&mut script, &inbox, 12);
}

#[test]
fn a_new_mailbox_is_claimed_as_soon_as_its_uids_are_known() {
    let mut script = server();
    let opened = "* 0 EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [HIGHESTMODSEQ 10] modseq\nTAG OK done";
    let inbox = script.select(Select::new("INBOX").view_sync(ViewSync::Uids), "SELECT INBOX", opened);
    let _noop = script.sender.noop();
    script.line("NOOP", "* 1 EXISTS\n* 1 FETCH (FLAGS () MODSEQ (12))\nTAG OK done");
    assert_eq!(claim(&inbox), 10);
    let tag = tag_of_next(&mut script);
    script.say(&format!("* 1 FETCH (UID 4 FLAGS () MODSEQ (12))\n{tag} OK done")).quiet();
    is_confirmed(&mut script, &inbox, 12);
}

#[test]
fn another_commands_end_claims_nothing_of_a_store_that_is_under_way() {
    for code in ["", "[HIGHESTMODSEQ 12] "] {
        let (mut script, inbox) = open(server(), 5);
        let _store = inbox.store(set("1"), silently());
        let _noop = script.sender.noop();
        let store = script.expect("UID STORE 1 +FLAGS.SILENT (\\Flagged)");
        let noop = script.expect("NOOP");
        script.say(&format!("* 1 FETCH (UID 1 MODSEQ (12))\n{noop} OK {code}done"));
        assert_eq!((claim(&inbox), flagged(&inbox, 1)), (10, false), "{code}");
        script.say(&format!("{store} OK done"));
        assert!(flagged(&inbox, 1), "{code}");
        is_confirmed(script.quiet(), &inbox, 12);
    }
}

#[test]
fn no_moment_has_the_claim_without_the_flags() {
    let (mut script, inbox) = open(server(), 5);
    let _store = inbox.store(set("1:2"), silently());
    // The second one's flags are reported meanwhile, so that the STORE's effect on it is in doubt
    // and queried.
    let store = script.expect("UID STORE 1:2 +FLAGS.SILENT (\\Flagged)");
    script.say("* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (11))\n* 1 FETCH (UID 1 MODSEQ (12))\n* 2 FETCH (UID 2 MODSEQ (13))");
    let reported = script.bench.event().map(|event| shown(&event));
    assert_eq!((reported.as_deref(), claim(&inbox)), (Some("uid 2 has flags (\\Seen)"), 10));
    script.say(&format!("{store} OK [HIGHESTMODSEQ 13] done"));
    assert_eq!(inbox.state(), None, "in doubt");
    script
        .line("UID FETCH 2 (FLAGS)", "* 2 FETCH (UID 2 FLAGS (\\Seen \\Flagged) MODSEQ (13))\nTAG OK done")
        .quiet();
    assert_eq!((flagged(&inbox, 1), flagged(&inbox, 2)), (true, true));
    is_confirmed(&mut script, &inbox, 13);
}

/// What a mod-sequence without flags is about, line by line: what is claimed while these are in
/// doubt, and what is asked.
#[test]
fn a_mod_sequence_without_flags_is_claimed_when_they_are_known() {
    for noop in ["OK done", "OK [HIGHESTMODSEQ 12] done"] {
        let (mut script, inbox) = open(server(), 5);
        let _noop = script.sender.noop();
        let tag = script.expect("NOOP");
        script.say(&format!("* 2 FETCH (UID 2 MODSEQ (12))\n{tag} {noop}"));
        assert_eq!(claim(&inbox), 10, "{noop}");
        script
            .line("UID FETCH 2 (FLAGS)", "* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (12))\nTAG OK done")
            .quiet();
        assert!(flagged(&inbox, 2), "{noop}");
        is_confirmed(&mut script, &inbox, 12);
        assert_eq!(script.events(), ["uid 2 has flags (\\Flagged)"]);
    }
    // The flags follow by themselves, or the message is expunged: there is nothing to query.
    for line in ["* 2 FETCH (UID 2 FLAGS (\\Flagged))", "* VANISHED 2"] {
        let (mut script, inbox) = open(server(), 5);
        let _fetch = inbox.fetch(set("2"), Items::new().mod_seq());
        let tag = script.expect("UID FETCH 2 (MODSEQ)");
        script.say("* 2 FETCH (UID 2 MODSEQ (12))");
        let asked = script.expect("UID FETCH 2 (FLAGS)");
        script.say(&format!("{line}\n{tag} OK [HIGHESTMODSEQ 12] done\n{asked} OK done"));
        is_confirmed(&mut script, &inbox, 12);
    }
}

#[test]
fn flags_that_a_conditional_store_left_alone_are_asked() {
    let (mut script, inbox) = open(server(), 5);
    let _store = inbox.store(set("1:2"), silently());
    let rows = "* 1 FETCH (UID 1 MODSEQ (13))\n* 2 FETCH (UID 2 MODSEQ (12))\nTAG OK [MODIFIED 2] done";
    script.line("UID STORE 1:2 +FLAGS.SILENT (\\Flagged)", rows);
    assert_eq!(claim(&inbox), 10);
    script.line("UID FETCH 2 (FLAGS)", "* 2 FETCH (UID 2 FLAGS (\\Seen))\nTAG OK done").quiet();
    assert_eq!((flagged(&inbox, 1), flagged(&inbox, 2)), (true, false));
    is_confirmed(&mut script, &inbox, 13);
}

/// Dovecot: the row of a body has flags that were not requested, and the mod-sequence follows
/// alone.
#[test]
fn a_body_that_was_marked_as_seen_is_not_asked_about() {
    let (mut script, inbox) = open(server(), 5);
    let _fetch = inbox.fetch(set("2"), Items::body().marking_seen());
    script.line(
        "UID FETCH 2 (BODY[])",
        "* 2 FETCH (UID 2 FLAGS (\\Seen) BODY[] \"x\")\n* 2 FETCH (MODSEQ (12))\nTAG OK done",
    );
    is_confirmed(script.quiet(), &inbox, 12);
}

/// Dovecot: while a FETCH ends, it hides from its session what another one changes.
#[test]
fn a_change_that_was_never_reported_is_not_claimed() {
    for noop in ["TAG OK [HIGHESTMODSEQ 12] done", "* 3 FETCH (UID 3 FLAGS () MODSEQ (12))\nTAG OK done"] {
        let (mut script, inbox) = open(server(), 5);
        script.sender.noop().detach();
        script.line("NOOP", noop).quiet();
        assert_eq!((claim(&inbox), flagged(&inbox, 2)), (10, false), "{noop}");
        script.looks_back(10, "* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (11))\n");
        assert_eq!((claim(&inbox), flagged(&inbox, 2)), (12, true), "{noop}");
        assert!(script.events().contains(&"uid 2 has flags (\\Flagged)".to_owned()), "{noop}");
        // Nothing is reported that is not confirmed.
        script.bench.wait(settings().poll_every);
        script.line("NOOP", "TAG OK done").quiet();
    }
}

#[test]
fn the_mod_sequence_is_settled_at_tagged_responses() {
    // RFC 7162 section 6, with its numbers: a row may overtake a removal that is still delayed.
    let mut script = server();
    let answer = opened(3, 96).replace("UIDNEXT 20", "UIDNEXT 9") + "TAG OK done";
    let inbox = script.select("INBOX".into(), "SELECT INBOX", &answer);
    script.line("UID SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"TAG\") UID ALL 6:8\nTAG OK done");
    assert_eq!(claim(&inbox), 96);
    let store = || Store::add([Flag::Seen]);
    let first = inbox.store(set("6:7"), store());
    script.line(
        "UID STORE 6:7 +FLAGS (\\Seen)",
        "* 1 FETCH (UID 6 MODSEQ (103))\n* 2 FETCH (UID 7 MODSEQ (101))\n* OK [HIGHESTMODSEQ 99] delayed\nTAG OK done",
    );
    script.looks_back(96, "");
    assert_eq!(claim(&inbox), 99, "even though higher ones were reported");
    let second = inbox.store(set("8"), store());
    script.line(
        "UID STORE 8 +FLAGS (\\Seen)",
        "* 3 FETCH (UID 8 MODSEQ (104))\nTAG OK [HIGHESTMODSEQ 99] still delaying",
    );
    assert_eq!(claim(&inbox), 99);
    let noop = script.sender.noop();
    script.line("NOOP", "* VANISHED 8\nTAG OK [HIGHESTMODSEQ 104] done");
    assert_eq!(claim(&inbox), 99);
    script.looks_back(99, "");
    assert_eq!(claim(&inbox), 104);
    // Without a code the highest of the rows counts, but not before the tagged response.
    let noop_again = script.sender.noop();
    let tag = script.expect("NOOP");
    script.say("* 1 FETCH (UID 6 FLAGS () MODSEQ (110))");
    assert_eq!(claim(&inbox), 104);
    script.say(&format!("{tag} OK done"));
    script.looks_back(104, "");
    assert_eq!(claim(&inbox), 110);
    drop((first, second, noop, noop_again));
}

/// A message as the server has it.
#[derive(Clone, Debug)]
struct Mail {
    flags: Flags,
    mods: u64,
}

/// A command that the server has executed, and not ended yet.
struct Executed {
    tag: String,
    /// Rows of its own that were not sent yet.
    rows: Vec<u32>,
    silent: bool,
}

/// A server that keeps mod-sequences; changes of other clients are reported at any time, commands
/// end in any order.
struct Ledger {
    script: Script,
    inbox: Mailbox,
    mails: BTreeMap<u32, Mail>,
    highest: u64,
    /// Unreported changes of others.
    unreported: Vec<u32>,
    executed: Vec<Executed>,
    stores: Vec<Token<Store>>,
}

const MAILS: u32 = 6;

impl Ledger {
    fn new() -> Self {
        let (mut script, inbox) = open(server(), MAILS);
        script.bench.engine.session.command_line = 4;
        let mails = (1..=MAILS).map(|uid| (uid, Mail { flags: Flags::new(), mods: 5 })).collect();
        Self {
            script,
            inbox,
            mails,
            highest: 10,
            unreported: Vec::new(),
            executed: Vec::new(),
            stores: Vec::new(),
        }
    }

    fn change(&mut self, uid: u32, change: impl FnOnce(&mut Flags)) {
        self.highest += 1;
        let mail = self.mails.get_mut(&uid).unwrap();
        change(&mut mail.flags);
        mail.mods = self.highest;
    }

    fn row(&self, uid: u32, with_flags: bool) -> String {
        let Mail { flags, mods } = &self.mails[&uid];
        let flags = if with_flags { format!("FLAGS {flags} ") } else { String::new() };
        format!("* {uid} FETCH (UID {uid} {flags}MODSEQ ({mods}))")
    }

    fn step(&mut self, what: u8, which: u32) {
        let uid = which % MAILS + 1;
        let flag = [Flag::Seen, Flag::Flagged, Flag::Answered][which as usize % 3].clone();
        match what {
            0..2 => {
                self.change(uid, |flags| {
                    if !flags.remove(&flag) {
                        flags.insert(flag);
                    }
                });
                self.unreported.push(uid);
            }
            2 if which.is_multiple_of(4) => self.script.bench.wait(settings().poll_every),
            2 => self.report_others(),
            3..5 => {
                let uids: UidSet = (1..=MAILS).filter(|n| which >> n & 1 == 1).filter_map(Uid::new).collect();
                let store = if which % 5 < 3 { Store::add([flag]) } else { Store::remove([flag]) };
                let store = if what == 3 { store.silent() } else { store };
                self.stores.push(self.inbox.store(Messages::Uids(uids), store));
            }
            5 => {
                self.script.sender.noop().detach();
            }
            6..8 => self.execute(),
            8 => self.report_own(which),
            _ => self.end(which),
        }
        self.check();
    }

    /// Some it never reports by itself, as Dovecot does.
    fn report_others(&mut self) {
        let mut unreported = std::mem::take(&mut self.unreported);
        unreported.sort_unstable();
        unreported.dedup();
        for uid in unreported.into_iter().filter(|uid| self.mails[uid].mods % 5 != 3) {
            self.script.say(&self.row(uid, true));
            self.check();
        }
    }

    /// Executes what the client has written, in order.
    fn execute(&mut self) {
        let written = String::from_utf8(self.script.bench.write_all()).unwrap();
        for line in written.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (tag, mut rows, mut silent) = (words[0].to_owned(), Vec::new(), false);
            match words[1..] {
                ["NOOP"] => {}
                ["UID", "STORE", uids, how, flag] => {
                    silent = how.ends_with(".SILENT");
                    let flag = Flag::new(flag.trim_matches(['(', ')']));
                    for uid in set(uids).iter().map(Uid::get) {
                        let add = how.starts_with('+');
                        self.change(uid, |flags| {
                            let _ = if add { flags.insert(flag.clone()) } else { flags.remove(&flag) };
                        });
                        rows.push(uid);
                    }
                }
                ["UID", "FETCH", uids, "(FLAGS)"] => rows.extend(set(uids).iter().map(Uid::get)),
                ["UID", "FETCH", "1:*", "(FLAGS)", "(CHANGEDSINCE", since] => {
                    let since: u64 = since.trim_end_matches(')').parse().unwrap();
                    rows.extend(self.mails.iter().filter(|(_, mail)| mail.mods > since).map(|(uid, _)| *uid));
                }
                _ => panic!("{line}"),
            }
            self.executed.push(Executed { tag, rows, silent });
        }
    }

    /// One of the commands sends a row of its own.
    fn report_own(&mut self, which: u32) {
        let Some(count) = u32::try_from(self.executed.len()).ok().filter(|count| *count > 0) else { return };
        let executed = &mut self.executed[(which % count) as usize];
        if let Some(uid) = executed.rows.pop() {
            let silent = executed.silent;
            self.script.say(&self.row(uid, !silent));
        }
    }

    /// One of the commands ends. Rows must not be ahead of the reported changes: else the server
    /// sends its mod-sequence.
    fn end(&mut self, which: u32) {
        let Some(count) = u32::try_from(self.executed.len()).ok().filter(|count| *count > 0) else { return };
        let Executed { tag, rows, silent } = self.executed.remove((which % count) as usize);
        for uid in rows {
            self.script.say(&self.row(uid, !silent));
            self.check();
        }
        if which % 7 < 4 {
            self.report_others();
        }
        let waits = self.executed.iter().flat_map(|executed| &executed.rows).chain(&self.unreported);
        let lowest = waits.map(|uid| self.mails[uid].mods).min();
        let code = match lowest {
            Some(lowest) => format!("[HIGHESTMODSEQ {}] ", (lowest - 1).max(10)),
            None if which.is_multiple_of(3) => format!("[HIGHESTMODSEQ {}] ", self.highest),
            None => String::new(),
        };
        self.script.say(&format!("{tag} OK {code}done"));
    }

    /// A program that resumes from the present state would get everything after its mod-sequence:
    /// all else is in it.
    fn check(&self) {
        let Some(state) = self.inbox.state() else { return };
        self.check_state(&state);
    }

    fn check_state(&self, state: &MailboxState) {
        let claimed = state.highest_mod_seq.map_or(0, ModSeq::get);
        for (uid, mail) in self.mails.iter().filter(|(_, mail)| mail.mods <= claimed) {
            let known = state.flags_of(Uid::new(*uid).unwrap());
            assert_eq!(
                known,
                Some(&mail.flags),
                "uid {uid}, changed at {}, and {claimed} is claimed",
                mail.mods
            );
        }
    }

    /// All is reported, executed and ended: then the state is the server's.
    fn settle(&mut self) {
        for _ in 0..50 {
            self.execute();
            self.report_others();
            self.end(3);
            self.check();
        }
        for _ in 0..2 {
            self.script.sender.noop().detach();
            self.execute();
            self.end(3);
            self.script.bench.wait(settings().poll_every);
            self.execute();
            while !self.executed.is_empty() {
                self.end(3);
            }
        }
        let state = self.inbox.state().expect("nothing is in doubt");
        assert_eq!(state.highest_mod_seq.map(ModSeq::get), Some(self.highest));
        self.check_state(&state);
    }
}

proptest! {
    #[test]
    fn a_state_has_all_that_its_mod_sequence_covers(
        steps in prop::collection::vec((0..12_u8, any::<u32>()), 0..60),
    ) {
        let mut ledger = Ledger::new();
        for (what, which) in steps {
            ledger.step(what, which);
        }
        ledger.settle();
    }
}
