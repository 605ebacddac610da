//! Which commands go in several lines where one would grow too long: those that are the same in
//! pieces. What is all or nothing, ordered, or counted is not.

use super::session;
use crate::command::testing::lines;
use crate::command::*;
use crate::types::{Flag, ModSeq, Uid, UidSet};

const HAS: &str = "IMAP4rev1 UIDPLUS MOVE ESEARCH SEARCHRES CONDSTORE SORT THREAD=REFERENCES X-GM-EXT-1";

/// As a server with short lines.
fn short(capabilities: &str) -> Session {
    Session { command_line: 8, ..session(capabilities) }
}

fn some() -> UidSet {
    [3, 6, 9, 12, 15].into_iter().filter_map(Uid::new).collect()
}

#[test]
fn fetch_store_and_expunge_are_split() {
    let server = short(HAS);
    let (first, second) = ("3,6,9", "12,15");
    let two = |line: &str| [first, second].map(|set| line.replace("SET", set));
    assert_eq!(lines(Fetch::new(some(), Items::flags()), &server), two("UID FETCH SET (FLAGS)"));
    let store = Store::add([Flag::Seen]).silent().of(some());
    assert_eq!(lines(store, &server), two("UID STORE SET +FLAGS.SILENT (\\Seen)"));
    let store = Store::add([Flag::Seen]).of(some()).unchanged_since(ModSeq::MIN);
    assert_eq!(lines(store, &server), two("UID STORE SET (UNCHANGEDSINCE 1) +FLAGS (\\Seen)"));
    let labels = StoreLabels::add(["x"]).of(some());
    assert_eq!(lines(labels, &server), two("UID STORE SET +X-GM-LABELS (x)"));
    assert_eq!(lines(Expunge::messages(some()), &server), two("UID EXPUNGE SET"));
}

#[test]
fn nothing_else_is_unless_asked() {
    let (server, set) = (short(HAS), "3,6,9,12,15");
    let one = |line: &str| [line.replace("SET", set)];
    assert_eq!(lines(CopyMessages::copying(some(), "a"), &server), one("UID COPY SET a"));
    assert_eq!(lines(CopyMessages::moving(some(), "a"), &server), one("UID MOVE SET a"));
    let found = Search::uids(some());
    assert_eq!(lines(found.clone(), &server), one("UID SEARCH RETURN (ALL) UID SET"));
    assert_eq!(
        lines(found.clone().returning().min().count(), &server),
        one("UID SEARCH RETURN (MIN COUNT) UID SET")
    );
    assert_eq!(lines(Sort::new(found.clone(), SortKey::Size), &server), one("UID SORT (SIZE) UTF-8 UID SET"));
    let thread = Thread::new(found, ThreadBy::References);
    assert_eq!(lines(thread, &server), one("UID THREAD REFERENCES UTF-8 UID SET"));
    let pieces = CopyMessages::copying(some(), "a").in_pieces();
    assert_eq!(lines(pieces, &server), ["UID COPY 3,6,9 a", "UID COPY 12,15 a"]);
    let pieces = CopyMessages::moving(some(), "a").in_pieces();
    assert_eq!(lines(pieces, &server), ["UID MOVE 3,6,9 a", "UID MOVE 12,15 a"]);
}

/// Of a move in steps the copy is one line; marking and expunging are the same in pieces.
#[test]
fn a_move_in_steps_copies_at_once() {
    let server = short("IMAP4rev1 UIDPLUS");
    let mut moving = CopyMessages::moving(some(), "a");
    let mut step = || crate::command::testing::next_lines(&mut moving, &server);
    assert_eq!(step(), ["UID COPY 3,6,9,12,15 a"]);
    let marked = ["3,6,9", "12,15"].map(|set| format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"));
    assert_eq!([step(), step()].concat(), marked);
    assert_eq!(step(), ["UID EXPUNGE 3,6,9", "UID EXPUNGE 12,15"]);
}
