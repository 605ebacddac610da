//! Which messages are reported as new: each that arrived after SELECT's OK once, and none that was
//! there before; whatever arrives and is expunged before the UIDs are known.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::script::Script;
use crate::Select;
use crate::types::{EventKind, Uid, UidSet, ViewSync};

const ALL: &str = "UID SEARCH RETURN (ALL) ALL";

fn opened(exists: u32, uid_next: Option<u32>) -> String {
    let next = uid_next.map_or_else(String::new, |uid| format!("* OK [UIDNEXT {uid}] next\n"));
    format!("* {exists} EXISTS\n* OK [UIDVALIDITY 7] ok\n{next}* OK [HIGHESTMODSEQ 10] modseq\nTAG OK done")
}

fn arrived(script: &mut Script) -> Vec<u32> {
    let events = std::iter::from_fn(|| script.bench.event());
    let uids = events.filter_map(|event| match event.kind {
        EventKind::Arrived { uid, .. } => Some(uid.get()),
        _ => None,
    });
    uids.collect()
}

/// After SELECT's OK, with three messages and UIDNEXT 4, these lines come, then the answer to the
/// engine's own search.
fn reported_as_new(lines: &str, all: &str) -> Vec<u32> {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    script.select("INBOX".into(), "SELECT INBOX", &opened(3, Some(4)));
    let mut truth = Truth::of(script, Vec::new(), 4);
    truth.read();
    truth.script.say(lines);
    truth.uids = all.parse::<UidSet>().unwrap().iter().map(Uid::get).collect();
    for _ in 0..5 {
        truth.answer();
    }
    truth.script.quiet();
    assert!(
        truth.script.bench.engine.selected.current().is_some_and(|s| s.view().unknown().is_none()),
        "{lines}"
    );
    arrived(&mut truth.script)
}

#[test]
fn removals_without_numbers_move_the_line_between_old_and_new() {
    for (lines, all, new) in [
        ("* 5 EXISTS\n* VANISHED 1", "2:5", &[4, 5][..]),
        ("* 5 EXISTS\n* VANISHED 3", "1:2,4:5", &[4, 5]),
        ("* 5 EXISTS\n* VANISHED 4", "1:3,5", &[5]),
        ("* 5 EXISTS\n* VANISHED 1:2,4", "3,5", &[5]),
        ("* 4 EXISTS\n* VANISHED 2\n* 4 EXISTS\n* VANISHED 1,4", "3,5", &[5]),
        ("* VANISHED 2\n* 4 EXISTS", "1,3:5", &[4, 5]),
        ("* 5 EXISTS\n* VANISHED 1:5\n* 1 EXISTS", "9", &[9]),
        ("* 5 EXISTS\n* VANISHED 1\n* 4 FETCH (UID 5 FLAGS ())", "2:5", &[4, 5]),
        ("* 5 EXISTS\n* 2 FETCH (UID 2)\n* VANISHED 1", "2:5", &[4, 5]),
        // With numbers there is no doubt.
        ("* 5 EXISTS\n* 1 EXPUNGE\n* 3 EXPUNGE", "2:3,5", &[5]),
        ("* 5 EXISTS\n* VANISHED 1\n* 1 EXPUNGE", "3:5", &[4, 5]),
    ] {
        let mut reported = reported_as_new(lines, all);
        reported.sort_unstable();
        assert_eq!(reported, new, "{lines}");
    }
}

#[test]
fn what_comes_before_selects_ok_was_there_when_the_mailbox_was_opened() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let answer = opened(3, Some(4)).replace("TAG OK", "* 4 EXISTS\nTAG OK");
    script.select("INBOX".into(), "SELECT INBOX", &answer);
    let tag = script.expect(ALL);
    script.say("* 5 EXISTS\n* VANISHED 4");
    script.say(&format!("{tag} OK done"));
    script.line(
        "FETCH 1:4 (UID)",
        "* 1 FETCH (UID 1)\n* 2 FETCH (UID 2)\n* 3 FETCH (UID 3)\n* 4 FETCH (UID 5)\nTAG OK done",
    );
    assert_eq!(arrived(&mut script), [5]);
}

/// The same in an empty mailbox: its first message has taken UIDNEXT, too.
#[test]
fn the_first_message_of_a_mailbox_that_was_empty_has_taken_uidnext() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    let answer = opened(0, Some(4)).replace("TAG OK", "* 1 EXISTS\nTAG OK");
    script.select("INBOX".into(), "SELECT INBOX", &answer);
    let tag = script.expect(ALL);
    script.say("* 2 EXISTS\n* VANISHED 4");
    script.say(&format!("{tag} OK done"));
    script.line("FETCH 1 (UID)", "* 1 FETCH (UID 5)\nTAG OK done");
    assert_eq!(arrived(&mut script), [5]);
}

#[test]
fn a_contradiction_before_the_uids_are_known_hides_nothing_new() {
    let mut script = Script::new("QRESYNC ESEARCH", &["QRESYNC"]);
    script.select("INBOX".into(), "SELECT INBOX", &opened(3, Some(4)));
    let mut truth = Truth::of(script, vec![1, 2, 3, 4, 5], 4);
    truth.read();
    // One of the new messages is reported at once; its arrival is not reported again.
    truth.script.say("* 5 EXISTS\n* 5 FETCH (UID 5)\n* VANISHED 9,x");
    assert_eq!(arrived(&mut truth.script), [5]);
    for _ in 0..5 {
        truth.answer();
    }
    assert_eq!(arrived(&mut truth.script), [4]);
    truth.script.quiet();
}

/// A mailbox of a server that reports it correctly, and otherwise only answers the engine's
/// queries.
struct Truth {
    script: Script,
    uids: Vec<u32>,
    next: u32,
    first_new: u32,
    vanished: bool,
    asked: Option<(String, String)>,
    /// Each message that came after the opening.
    came: Vec<u32>,
    reported: BTreeMap<u32, u32>,
    contradictions: u32,
}

impl Truth {
    fn new(size: u32, vanished: bool, uidonly: bool, flags: bool) -> Self {
        let capabilities = "QRESYNC ESEARCH UIDONLY";
        let mut enabled = Vec::new();
        enabled.extend((vanished || uidonly).then_some("QRESYNC"));
        enabled.extend(uidonly.then_some("UIDONLY"));
        let mut script = Script::windowed(capabilities, 4, 3);
        script.bench.engine.session.enabled.extend(enabled.iter().map(|name| (*name).to_owned()));
        let select = Select::new("INBOX").view_sync(if flags { ViewSync::Flags } else { ViewSync::Uids });
        let first_new = 2 * size + 1;
        script.select(select, "SELECT INBOX", &opened(size, Some(first_new)));
        let uids = (1..=size).map(|n| 2 * n).collect();
        Self { vanished: vanished || uidonly, ..Self::of(script, uids, first_new) }
    }

    /// INBOX is selected, and these are its messages now.
    fn of(script: Script, uids: Vec<u32>, first_new: u32) -> Self {
        let (asked, came, reported) = (None, Vec::new(), BTreeMap::new());
        Self {
            script,
            uids,
            next: first_new,
            first_new,
            vanished: true,
            asked,
            came,
            reported,
            contradictions: 0,
        }
    }

    fn seq(&self, uid: u32) -> usize {
        self.uids.iter().position(|u| *u == uid).unwrap() + 1
    }

    fn step(&mut self, what: u8, which: usize) {
        match what {
            0..3 => self.arrive(1 + which % 3),
            3..6 => self.remove(which),
            6 => self.row(which),
            7 => self.contradict(which),
            _ => self.answer(),
        }
        self.read_events();
    }

    fn arrive(&mut self, count: usize) {
        for _ in 0..count {
            self.next += 2;
            self.came.push(self.next);
            self.uids.push(self.next);
        }
        self.script.say(&format!("* {} EXISTS", self.uids.len()));
    }

    fn remove(&mut self, which: usize) {
        let by_number = self.asked.as_ref().is_some_and(|(_, line)| line.starts_with("FETCH"));
        if self.uids.is_empty() || by_number && !self.vanished {
            return;
        }
        let uid = self.uids[which % self.uids.len()];
        let line =
            if self.vanished { format!("* VANISHED {uid}") } else { format!("* {} EXPUNGE", self.seq(uid)) };
        self.uids.retain(|u| *u != uid);
        self.script.say(&line);
    }

    fn row(&mut self, which: usize) {
        if self.uids.is_empty() {
            return;
        }
        let uid = self.uids[which % self.uids.len()];
        let line = self.line_of(uid);
        self.script.say(&line);
    }

    fn is_uid_only(&self) -> bool {
        self.script.bench.engine.session.is_enabled("UIDONLY")
    }

    fn line_of(&self, uid: u32) -> String {
        match self.is_uid_only() {
            true => format!("* {uid} UIDFETCH (FLAGS ())"),
            false => format!("* {} FETCH (UID {uid} FLAGS ())", self.seq(uid)),
        }
    }

    /// Once in a while, and before the engine has had enough of it.
    fn contradict(&mut self, which: usize) {
        if which.is_multiple_of(3) && self.contradictions < 15 {
            self.contradictions += 1;
            self.script.say("* VANISHED nonsense");
        }
    }

    /// Reads what the engine has asked.
    fn read(&mut self) {
        let written = String::from_utf8(self.script.bench.write_all()).unwrap();
        for line in written.lines() {
            let (tag, line) = line.split_once(' ').unwrap();
            assert!(self.asked.is_none(), "one at a time: {line}");
            self.asked = Some((tag.to_owned(), line.to_owned()));
        }
    }

    /// What the engine has asked last is answered, as the mailbox is now.
    fn answer(&mut self) {
        self.read();
        let Some((tag, line)) = self.asked.take() else { return };
        let words: Vec<&str> = line.split(' ').collect();
        let all = self.uids.clone();
        let number = |text: &str| if text == "*" { u32::MAX } else { text.parse().unwrap() };
        let within = |set: &str, n: u32| {
            set.split(',').any(|range| {
                let (a, b) = range.split_once(':').unwrap_or((range, range));
                // The last message is always in a range that ends with `*`.
                (number(a)..=number(b)).contains(&n) || b == "*" && all.last() == Some(&n)
            })
        };
        let by_seq = |set: &str| -> Vec<u32> {
            (1..).zip(&all).filter(|(seq, _)| within(set, *seq)).map(|(_, uid)| *uid).collect()
        };
        let by_uid =
            |set: &str| -> Vec<u32> { all.iter().copied().filter(|uid| within(set, *uid)).collect() };
        match words[..] {
            ["UID", "SEARCH", "RETURN", "(ALL)", ref rest @ ..] => {
                let found = match rest {
                    ["ALL"] => all.clone(),
                    ["UID", set] => by_uid(set),
                    [set] => by_seq(set),
                    _ => panic!("{line}"),
                };
                let list: Vec<String> = found.iter().map(u32::to_string).collect();
                let list = if list.is_empty() { String::new() } else { format!(" ALL {}", list.join(",")) };
                self.script.say(&format!("* ESEARCH (TAG \"{tag}\") UID{list}"));
            }
            ["FETCH", set, ..] => {
                let lines: Vec<_> = by_seq(set).into_iter().map(|uid| self.line_of(uid)).collect();
                self.script.say(&lines.join("\n"));
            }
            ["UID", "FETCH", set, ..] => {
                let lines: Vec<_> = by_uid(set).into_iter().map(|uid| self.line_of(uid)).collect();
                self.script.say(&lines.join("\n"));
            }
            _ => panic!("{line}"),
        }
        self.script.say(&format!("{tag} OK done"));
    }

    fn read_events(&mut self) {
        for uid in arrived(&mut self.script) {
            *self.reported.entry(uid).or_default() += 1;
        }
    }

    /// Answers all queries of the engine; then each new message that is still there has been
    /// reported once, and no old one.
    fn check(&mut self) {
        for _ in 0..100 {
            self.answer();
            self.read_events();
        }
        assert!(self.script.bench.engine.lifecycle().closed().is_none());
        assert!(self.reported.values().all(|times| *times == 1), "reported twice: {:?}", self.reported);
        assert!(
            self.reported.keys().all(|uid| *uid >= self.first_new),
            "old, and reported: {:?}",
            self.reported
        );
        let lost: Vec<_> =
            self.came.iter().filter(|u| self.uids.contains(u) && !self.reported.contains_key(u)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}, reported {:?}", self.reported);
    }
}

proptest! {
    #[test]
    fn each_new_message_is_reported_once_and_no_old_one(
        size in 0..9_u32,
        vanished: bool,
        uidonly in prop::bool::weighted(0.2),
        flags: bool,
        steps in prop::collection::vec((0..11_u8, any::<usize>()), 0..25),
    ) {
        let mut truth = Truth::new(size, vanished, uidonly, flags);
        for (what, which) in steps {
            truth.step(what, which);
        }
        truth.check();
    }
}
