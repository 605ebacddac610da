//! What a server can make the engine work: whatever it says, however often, each line costs about
//! the same.
//!
//! Each storm is parsed, routed and reported in a session with much state to look through; the
//! event queue is read to its end, or not at all.

use zeroize::Zeroizing;

use super::poll_once;
use super::script::Script;
use crate::command::{Items, Search, StatusItems, Store};
use crate::cost::Report;
use crate::engine::write::Secrets;
use crate::types::{CommandId, Flag, MailboxState, ModSeq, Section, Uid, UidSet, UidValidity};
use crate::{Mailbox, Select};

/// A tenth of what is repeated elsewhere: a line costs more here.
fn fewer(count: usize) -> usize {
    count / 10
}

fn number(n: usize) -> u32 {
    u32::try_from(n).expect("a number of a message")
}

/// A place for each number of these, far from that of the next.
fn shuffled(n: usize, count: usize) -> usize {
    (n * 7_919) % count
}

/// A session with INBOX selected, so many messages in it with the even UIDs, all known.
fn selected(exists: usize) -> (Script, Mailbox) {
    let mut script = Script::windowed("ESEARCH UIDPLUS MOVE CONDSTORE", u32::MAX, u32::MAX);
    let opened =
        format!("* {exists} EXISTS\n* OK [UIDVALIDITY 7] ok\n* OK [UIDNEXT 4000000] next\nTAG OK done");
    let inbox = script.select(Select::new("INBOX"), "SELECT INBOX", &opened);
    let uids: UidSet = (1..=number(exists)).filter_map(|n| Uid::new(2 * n)).collect();
    script
        .line("UID SEARCH RETURN (ALL) ALL", &format!("* ESEARCH (TAG \"TAG\") UID ALL {uids}\nTAG OK done"));
    script.events();
    (script, inbox)
}

fn storm(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |all, line| all + &line + "\r\n")
}

/// The server sends this; the reader reads all events.
fn run_storm(script: &mut Script, storm: &str, reads: bool) {
    for part in storm.as_bytes().chunks(64 << 10) {
        script.bench.feed(part);
        while reads && script.bench.event().is_some() {}
    }
    assert_eq!(script.bench.engine.lifecycle().closed(), None, "the connection goes on");
}

type Line = fn(usize, usize) -> String;

#[test]
fn unsolicited_changes() {
    let lines: &[(&str, Line)] = &[
        ("the first goes", |_, _| "* 1 EXPUNGE".into()),
        ("the last goes", |n, count| format!("* {} EXPUNGE", count - n)),
        ("one in the middle is expunged", |n, count| format!("* {} EXPUNGE", (count - n).div_ceil(2))),
        ("one vanishes", |n, count| format!("* VANISHED {}", 2 * (shuffled(n, count) + 1))),
        ("what is not there vanishes", |n, count| format!("* VANISHED {}", 2 * shuffled(n, count) + 1)),
        ("flags", |n, count| format!("* {} FETCH (FLAGS (\\Seen))", shuffled(n, count) + 1)),
        ("flags back and forth", |n, _| format!("* 1 FETCH (FLAGS (\\Seen k{}))", n % 7)),
        ("keywords of its own", |n, count| format!("* {} FETCH (FLAGS (k{n}))", shuffled(n, count) + 1)),
        ("mod-sequences", |n, count| format!("* {} FETCH (MODSEQ ({}))", shuffled(n, count) + 1, n + 1)),
        ("data", |n, count| format!("* {} FETCH (BODY[] \"a\")", shuffled(n, count) + 1)),
        ("one comes", |n, count| format!("* {} EXISTS", count + n + 1)),
        ("one comes and goes", |n, count| {
            format!("* {} {}", count + 1, if n % 2 == 0 { "EXISTS" } else { "EXPUNGE" })
        }),
        ("counts of others", |n, _| format!("* STATUS m{n} (MESSAGES {n})")),
        ("counts of one", |n, _| format!("* STATUS m (MESSAGES {n})")),
        ("names", |n, _| format!("* LIST () \"/\" m{n}")),
        ("names that are no more", |n, _| format!("* LIST (\\NonExistent) \"/\" m{n}")),
        ("renames", |n, _| format!("* LIST () \"/\" m{} (\"OLDNAME\" (m{n}))", n + 1)),
        ("what cannot be read", |n, _| format!("* {} FETCH (oops", n + 1)),
        ("unknown", |n, _| format!("* X-ODD {n}")),
        ("notices", |n, _| format!("* OK notice {n}")),
        ("limits", |_, _| "* OK [MESSAGELIMIT 5 9] limit".into()),
        ("capabilities", |n, _| format!("* CAPABILITY IMAP4rev1 X{n}")),
        ("tags", |n, _| format!("X{n} OK who")),
        ("an unsolicited answer", |n, _| format!("* SEARCH {n}")),
    ];
    let mut report = Report::default();
    for (name, line) in lines {
        for reads in [true, false] {
            let prepare = |count| {
                let count = fewer(count);
                (selected(count), storm((0..count).map(|n| line(n, count))))
            };
            report.measure(&format!("{name}, read: {reads}"), prepare, |((mut script, _inbox), storm)| {
                run_storm(&mut script, &storm, reads);
            });
        }
    }
    report.end(lines.len() * 2);
}

/// Commands of each kind are in flight, and then end; responses are theirs or unsolicited. Each
/// result is read to its end.
fn answered((mut script, inbox): (Script, Mailbox), storm: &str, detached: bool) {
    let items = Items::section(Section::Full).and(Items::envelope().flags());
    let fetch = inbox.fetch(Uid::new(1).expect("a UID").., items);
    let search = inbox.search(Search::all());
    let list = script.sender.list("*");
    let status = script.sender.status("m", StatusItems::new().messages());
    let store = inbox.store(Uid::new(1).expect("a UID").., Store::add([Flag::Flagged]));
    let expunge = inbox.expunge(Uid::new(1).expect("a UID")..);
    let written = String::from_utf8(script.bench.write_all()).expect("text");
    let tag = |verb: &str| {
        let line =
            written.lines().find(|line| line.contains(verb)).unwrap_or_else(|| panic!("{verb}: {written}"));
        line.split(' ').next().expect("a tag").to_owned()
    };
    let storm = storm.replace("{SEARCH}", &tag("SEARCH"));
    macro_rules! read {
        ($($token:ident)*) => {
            if detached {
                $($token.detach();)*
                run_storm(&mut script, &storm, true);
            } else {
                run_storm(&mut script, &storm, false);
                let mut waiting = written;
                while !waiting.is_empty() {
                    script.bench.feed(ends(&waiting).as_bytes());
                    waiting = String::from_utf8(script.bench.write_all()).expect("text");
                }
                $(let mut token = $token; assert!(poll_once(&mut token).is_some(), "it has ended");)*
            }
        };
    }
    read!(fetch search list status store expunge);
}

/// What ends each of these commands.
fn ends(written: &str) -> String {
    storm(written.lines().filter_map(|line| line.split(' ').next()).map(|tag| format!("{tag} OK done")))
}

#[test]
fn answers_in_many_pieces() {
    let lines: &[(&str, Line)] = &[
        ("rows", |n, count| format!("* {} FETCH (ENVELOPE NIL FLAGS ())", shuffled(n, count) + 1)),
        ("rows of one", |n, _| format!("* 1 FETCH (BODY[]<{n}> \"a\")")),
        ("SEARCH", |n, count| format!("* SEARCH {}", 2 * (count - n))),
        ("ESEARCH", |n, count| format!("* ESEARCH (TAG \"{{SEARCH}}\") UID ALL {}", 2 * (count - n))),
        ("LIST", |n, _| format!("* LIST () \"/\" m{n}")),
        ("STATUS", |n, _| format!("* STATUS m (MESSAGES {n})")),
        ("EXPUNGE", |n, count| format!("* {} EXPUNGE", count - n)),
        ("VANISHED", |n, count| format!("* VANISHED {}", 2 * (count - n))),
        ("flags", |n, count| format!("* {} FETCH (FLAGS (\\Flagged))", count - n)),
        ("what cannot be read", |n, _| format!("* {} FETCH (oops", n + 1)),
    ];
    let mut report = Report::default();
    for (name, line) in lines {
        for detached in [false, true] {
            let prepare = |count| {
                let count = fewer(count);
                (selected(count), storm((0..count).map(|n| line(n, count))))
            };
            report.measure(&format!("{name}, detached: {detached}"), prepare, |(session, storm)| {
                answered(session, &storm, detached);
            });
        }
    }
    report.end(lines.len() * 2);
}

#[test]
fn what_is_reported_while_a_mailbox_is_opened() {
    let lines: &[(&str, Line)] = &[
        ("earlier removals", |n, count| format!("* VANISHED (EARLIER) {}", 2 * (count - n))),
        ("changes", |n, count| {
            format!("* {} FETCH (UID {} FLAGS (\\Seen) MODSEQ (91))", count - n, 2 * (count - n) - 1)
        }),
        ("removals", |_, _| "* 1 EXPUNGE".into()),
        ("UIDs", |n, count| format!("* SEARCH {}", 2 * (count - n))),
    ];
    let mut report = Report::default();
    for (name, line) in lines {
        let prepare = |count| {
            let count = fewer(count);
            let mut script = Script::new("QRESYNC", &["QRESYNC"]);
            let mut state = MailboxState::new(UidValidity::new(7).expect("a UIDVALIDITY"));
            state.highest_mod_seq = ModSeq::new(90);
            state.uids = (1..=number(count)).filter_map(|n| Uid::new(2 * n)).collect();
            let token = script.sender.select(Select::new("INBOX").resume(state));
            let tag = script.expect("SELECT INBOX (QRESYNC (7 90))");
            let opened = "* OK [UIDVALIDITY 7] ok\n* OK [HIGHESTMODSEQ 99] modseq";
            script.say(&format!("* {count} EXISTS\n{opened}"));
            (script, token, tag, storm((0..count).map(|n| line(n, count))))
        };
        report.measure(name, prepare, |(mut script, token, tag, storm)| {
            run_storm(&mut script, &storm, true);
            script.say(&format!("{tag} OK done"));
            let written = String::from_utf8(script.bench.write_all()).expect("text");
            if *name == "UIDs" {
                // The engine asks for them then.
                run_storm(&mut script, &storm, true);
            }
            script.bench.feed(ends(&written).as_bytes());
            drop(token);
        });
    }
    report.end(lines.len());
}

/// What is said while commands with secrets run is looked through, at a cost that depends on
/// neither how many nor how long they are.
#[test]
fn texts_while_there_are_secrets() {
    let texts =
        |count: usize| (0..count).map(|n| format!("that is {n}, which is not so")).collect::<Vec<_>>();
    let add = |secrets: &mut Secrets, n: usize, secret: String| {
        secrets.add(CommandId(u64::try_from(n).expect("a number")), [Zeroizing::new(secret.into_bytes())]);
    };
    let mut report = Report::default();
    let one = |count| {
        let mut secrets = Secrets::default();
        add(&mut secrets, 0, (0..fewer(count)).map(|n| format!("{n}.")).collect());
        (secrets, texts(fewer(count)))
    };
    let look = |(secrets, texts): (Secrets, Vec<String>)| {
        assert!(!texts.iter().any(|text| secrets.are_in(text.as_bytes())));
    };
    report.measure("a long secret", one, look);
    let many = |count| {
        let mut secrets = Secrets::default();
        (0..fewer(count)).for_each(|n| add(&mut secrets, n, format!("s-{n}")));
        (0..fewer(count)).for_each(|n| add(&mut secrets, n, format!("secret-{n}")));
        (secrets, texts(fewer(count)))
    };
    report.measure("many secrets", many, look);
    report.measure("a long text", |count| (one(10_000).0, vec!["x-".repeat(count)]), look);
    report.measure(
        "come and go",
        |count| count,
        |count| {
            let mut secrets = Secrets::default();
            (0..fewer(count)).for_each(|n| add(&mut secrets, n, format!("secret-{n}")));
            (0..fewer(count)).for_each(|n| secrets.forget(CommandId(u64::try_from(n).expect("a number"))));
            assert!(secrets.is_empty());
        },
    );
    report.end(4);
}
