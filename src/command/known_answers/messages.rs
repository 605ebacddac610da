//! APPEND, COPY, MOVE, REPLACE, EXPUNGE, STORE and FETCH: the RFCs' exchanges, with their answers.

use super::transcript::example;
use super::{done, line};
use crate::command::{
    Append, AppendPart, Checkpoint, Claim, Close, Command, CopyMessages, CopyOutcome, Expunge, Fetch, Items,
    PartialRange, Replace, Store, Unselect,
};
use crate::types::{Code, Flag, ModSeq, Section, SeqSet, Uid, UidSet};

fn uids(text: &str) -> UidSet {
    text.parse().unwrap()
}

fn seqs(text: &str) -> SeqSet {
    text.parse().unwrap()
}

const MEETING: &str = "Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n\
    From: Fred Foobar <foobar@example.com>\r\n\
    Subject: afternoon meeting\r\n\
    To: mooch@example.com\r\n\
    Message-Id: <B27397-0100000@example.com>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n\
    Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n";

/// RFC 9051 section 6.3.12 (RFC 4315 section 3).
#[test]
fn a_message_is_stored() {
    let seen = || Append::new(MEETING).flags([Flag::Seen]).to("saved-messages");
    let text = |end: &str| {
        let size = MEETING.len();
        assert_eq!(size, 297, "as the RFC counts it");
        format!("C: A003 APPEND saved-messages (\\Seen) {{{size}+}}\n{MEETING}\nS: A003 {end}")
    };
    let stored = example(seen(), "LITERAL+", &text("OK [APPENDUID 38505 3955] APPEND completed"));
    assert_eq!((stored.uid_validity.map(|v| v.get()), stored.uid), (Some(38505), Uid::new(3955)));
    assert_eq!(example(seen(), "LITERAL+", &text("OK APPEND completed")).uid, None);
}

/// RFC 4315 section 3, RFC 9051 sections 6.4.7 and 6.3.12.
#[test]
fn messages_are_copied() {
    let copy = |copy: CopyMessages, text: &str| example(copy, "UIDPLUS", text);
    let meeting = CopyMessages::copying(seqs("2:4"), "meeting");
    let copied =
        copy(meeting, "C: A004 COPY 2:4 meeting\nS: A004 OK [COPYUID 38505 304,319:320 3956:3958] Done");
    let pairs: Vec<_> = copied.uids[0].pairs().map(|(from, to)| (from.get(), to.get())).collect();
    assert_eq!((pairs, copied.outcome), (vec![(304, 3956), (319, 3957), (320, 3958)], CopyOutcome::Reported));
    let none = CopyMessages::copying(uids("305:310"), "meeting");
    let none =
        copy(none, "C: A005 UID COPY 305:310 meeting\nS: A005 OK No matching messages, so nothing copied");
    assert_eq!(none.outcome, CopyOutcome::NothingMatched);
    // UIDs of that mailbox are not persistent.
    let funny = copy(CopyMessages::copying(seqs("2"), "funny"), "C: A006 COPY 2 funny\nS: A006 OK Done");
    assert!(funny.uids.is_empty());
    // RFC 9208 section 4.3.1.
    let over = "C: A004 COPY 2:4 MEETING\n\
        E: * NO [OVERQUOTA] Soft quota has been exceeded\n\
        S: A004 OK [COPYUID 38505 304,319:320 3956:3958] COPY command completed";
    assert_eq!(copy(CopyMessages::copying(seqs("2:4"), "MEETING"), over).uids.len(), 1);
    // RFC 9051 section 7.1.
    let full = "C: A222 COPY 1:2 owatagusiam\n\
        E: * NO Disk is 98% full, please delete unnecessary data\n\
        S: A222 OK COPY completed";
    copy(CopyMessages::copying(seqs("1:2"), "owatagusiam"), full);
}

/// RFC 6851 section 3.3 (RFC 9051 section 6.4.8), RFC 8474 section 5.3.
#[test]
fn messages_are_moved() {
    let moved = example(
        CopyMessages::moving(uids("42:69"), "foo"),
        "MOVE UIDPLUS",
        "C: a UID MOVE 42:69 foo\n\
         S: * OK [COPYUID 432432 42:69 1202:1229]\n\
         E: * 22 EXPUNGE\n\
         S: a OK Done",
    );
    assert_eq!((moved.uids[0].from(), moved.uids[0].to()), (uids("42:69"), uids("1202:1229")));
    let one = example(
        CopyMessages::moving(uids("2"), "foo"),
        "MOVE UIDPLUS",
        "C: 23 UID MOVE 2 foo\n\
         S: * OK [COPYUID 1521475659 2 1] Completed\n\
         E: * 2 EXPUNGE\n\
         S: 23 OK Completed",
    );
    assert_eq!(one.outcome, CopyOutcome::Reported);
    let limited = done("OK [MESSAGELIMIT 1000 20001] MOVE completed for the last 1000 messages");
    assert_eq!(limited.status.code, Some(Code::MessageLimit { limit: 1000, uid: Uid::new(20001) }));
}

/// RFC 4315 section 2.1 (RFC 9051 section 6.4.9), RFC 9051 sections 6.4.1 to 6.4.3.
#[test]
fn messages_are_removed() {
    // Numbers become UIDs in the view, by which the command knows its own.
    let all = "C: A202 EXPUNGE\n\
        S: * 3 EXPUNGE\n\
        S: * 3 EXPUNGE\n\
        S: * 5 EXPUNGE\n\
        S: * 8 EXPUNGE\n\
        S: A202 OK EXPUNGE completed";
    assert_eq!(example(Expunge::all_deleted(), "UIDPLUS", all).count, 4);
    let some = "C: A003 UID EXPUNGE 3000:3002\n\
        S: * VANISHED 3000:3002\n\
        E: * VANISHED 3003\n\
        S: A003 OK UID EXPUNGE completed";
    assert_eq!(example(Expunge::messages(uids("3000:3002")), "UIDPLUS", some).uids, uids("3000:3002"));
    example(Close, "", "C: A341 CLOSE\nS: A341 OK CLOSE completed");
    example(Unselect::new(), "UNSELECT", "C: A342 UNSELECT\nS: A342 OK Unselect completed");
    example(Checkpoint, "", "C: FXXZ CHECK\nS: FXXZ OK CHECK Completed");
}

/// RFC 9051 section 6.4.6.
#[test]
fn flags_are_changed() {
    let deleted = Store::add([Flag::Deleted]).of(seqs("2:4"));
    let rows = example(
        deleted,
        "",
        "C: A003 STORE 2:4 +FLAGS (\\Deleted)\n\
         S: * 2 FETCH (FLAGS (\\Deleted \\Seen))\n\
         S: * 3 FETCH (FLAGS (\\Deleted))\n\
         S: * 4 FETCH (FLAGS (\\Deleted \\Flagged \\Seen))\n\
         S: A003 OK STORE completed",
    );
    assert_eq!(rows.len(), 3);
    assert!(rows[2].flags().is_some_and(|flags| flags.contains(&Flag::Flagged)));
    assert_eq!(line(Store::replace(["f1", "f2"]).of(uids("42")), ""), "UID STORE 42 FLAGS (f1 f2)");
    assert_eq!(done("NO [LIMIT] At most 32 flags in one mailbox supported").status.code, Some(Code::Limit));
}

/// RFC 9051 sections 6.4.5, 6.4.9 and 8. Beside numbers UIDs are asked for, and what sets `\Seen`
/// is asked for on request alone; `full` is written out, with the structure that it lacks.
#[test]
fn messages_are_fetched() {
    let header = Section::header_fields(["DATE", "FROM"]);
    let some = Fetch::new(seqs("2:4"), Items::flags().header_fields(["DATE", "FROM"]).marking_seen());
    let rows = example(
        some,
        "",
        "C: A654 FETCH 2:4 (UID FLAGS BODY[HEADER.FIELDS (DATE FROM)])\n\
         S: * 2 FETCH (UID 12 FLAGS (\\Seen) BODY[HEADER.FIELDS (DATE FROM)] {6}\n\
         a: b\n\
         )\n\
         S: * 3 FETCH (UID 13 FLAGS (\\Seen) BODY[HEADER.FIELDS (DATE FROM)] NIL)\n\
         S: A654 OK FETCH completed",
    );
    assert_eq!(rows[0].section(&header).map(|bytes| &bytes[..]), Some(&b"a: b\r\n"[..]));
    let flags = example(
        Fetch::new(uids("4827313:4828442"), Items::flags()),
        "",
        "C: A999 UID FETCH 4827313:4828442 (FLAGS)\n\
         S: * 23 FETCH (FLAGS (\\Seen) UID 4827313)\n\
         S: * 24 FETCH (FLAGS (\\Seen) UID 4827943)\n\
         S: * 25 FETCH (FLAGS (\\Seen) UID 4828442)\n\
         S: A999 OK UID FETCH completed",
    );
    assert_eq!(flags.iter().filter_map(|row| row.uid()).collect::<UidSet>(), uids("4827313,4827943,4828442"));
    let full = example(
        Fetch::new(seqs("12"), Items::full()),
        "",
        "C: a003 FETCH 12 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)\n\
         S: * 12 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 \
         ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \
         \"IMAP4rev2 WG mtg summary and minutes\" \
         ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
         ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
         ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
         ((NIL NIL \"imap\" \"cac.washington.edu\")) \
         ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\") (\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \
         \"<B27397-0100000@cac.washington.edu>\") \
         BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 92))\n\
         S: a003 OK FETCH completed",
    );
    let envelope = full[0].envelope().expect("an envelope");
    assert_eq!((envelope.cc().count(), full[0].size()), (2, Some(4286)));
    let twelve = Store::add([Flag::Deleted]).of(seqs("12"));
    let stored = "C: a005 STORE 12 +FLAGS (\\Deleted)\n\
        S: * 12 FETCH (FLAGS (\\Seen \\Deleted))\n\
        S: a005 OK +FLAGS completed";
    assert_eq!(example(twelve, "", stored).len(), 1);
}

/// RFC 8514 section 4.2, RFC 8474 section 5.3, RFC 9394 sections 3.3 and 3.4.
#[test]
fn items_of_extensions_are_fetched() {
    let saved = example(
        Fetch::new(seqs("998"), Items::save_date()),
        "SAVEDATE",
        "C: A101 FETCH 998 (UID SAVEDATE)\n\
         S: * 998 FETCH (SAVEDATE \"01-Jan-2015 18:50:53 +0100\")\n\
         S: A101 OK Fetch completed.",
    );
    let date = saved[0].save_date().expect("a date");
    assert_eq!(date.to_string(), " 1-Jan-2015 18:50:53 +0100");
    let ids = example(
        Fetch::new(seqs("1:3"), Items::email_id().thread_id()),
        "OBJECTID",
        "C: 22 fetch 1:3 (uid emailid threadid)\n\
         S: * 1 FETCH (EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9))\n\
         S: * 2 FETCH (EMAILID (M288836c4c7a762) THREADID (T64b478a75b7ea9))\n\
         S: * 3 FETCH (EMAILID (M5fdc09b49ea703) THREADID (T11863d02dd95b5))\n\
         S: 22 OK Completed (0.000 sec)",
    );
    assert_eq!(ids[2].email_id(), Some("M5fdc09b49ea703"));
    assert_eq!((ids[1].thread_id(), ids[0].thread_id()), (Some("T64b478a75b7ea9"), Some("T64b478a75b7ea9")));
    let without = example(
        Fetch::new(seqs("1"), Items::email_id().thread_id()),
        "OBJECTID",
        "C: 26 fetch 1 (uid emailid threadid)\n\
         S: * 1 FETCH (EMAILID (M00000001) THREADID NIL)\n\
         S: 26 OK Completed (0.000 sec)",
    );
    assert_eq!((without[0].email_id(), without[0].thread_id()), (Some("M00000001"), None));
    // UID FETCH brings UID by itself.
    let newest = Fetch::new(uids("25900:26600"), Items::flags()).partial(PartialRange::last(3));
    let rows = example(
        newest,
        "PARTIAL",
        "C: 10 UID FETCH 25900:26600 (FLAGS) (PARTIAL -1:-3)\n\
         S: * 12888 FETCH (FLAGS (\\Seen) UID 25996)\n\
         S: * 12889 FETCH (FLAGS (\\Flagged \\Answered) UID 25997)\n\
         S: * 12890 FETCH (FLAGS () UID 26600)\n\
         S: 10 OK FETCH completed",
    );
    assert_eq!(rows.len(), 3);
    let oldest = Fetch::new(uids("25900:26600"), Items::flags()).partial(PartialRange::first(5));
    let rows = example(
        oldest,
        "PARTIAL",
        "C: 11 UID FETCH 25900:26600 (FLAGS) (PARTIAL 1:5)\n\
         S: * 12591 FETCH (FLAGS (\\Seen) UID 25900)\n\
         S: * 12592 FETCH (FLAGS (\\Flagged) UID 25902)\n\
         S: * 12593 FETCH (FLAGS (\\Answered) UID 26310)\n\
         S: * 12594 FETCH (FLAGS () UID 26311)\n\
         S: * 12595 FETCH (FLAGS (\\Answered) UID 26498)\n\
         S: 11 OK FETCH completed",
    );
    assert_eq!(
        rows.iter().filter_map(|row| row.uid()).collect::<UidSet>().to_string(),
        "25900,25902,26310:26311,26498"
    );
    let changed = Fetch::new(uids("25900:26600"), Items::flags());
    let changed = changed.changed_since(ModSeq::new(98305).unwrap()).partial(PartialRange::last(30));
    let rows = example(
        changed,
        "PARTIAL CONDSTORE",
        "C: 101 UID FETCH 25900:26600 (FLAGS) (PARTIAL -1:-30 CHANGEDSINCE 98305)\n\
         S: * 12888 FETCH (FLAGS (\\Flagged \\Answered) MODSEQ (98306) UID 25997)\n\
         S: * 12890 FETCH (FLAGS () MODSEQ (98312) UID 26600)\n\
         S: 101 OK FETCH completed",
    );
    assert_eq!(
        rows.iter().filter_map(|row| row.mod_seq()).map(ModSeq::get).collect::<Vec<_>>(),
        [98306, 98312]
    );
}

/// RFC 9738 section 3.1: what each command gets where the server stops.
#[test]
fn what_the_server_does_at_once_is_limited() {
    let fetch = Fetch::new(uids("22000:25000"), Items::flags().mod_seq());
    let rows = example(
        fetch,
        "CONDSTORE MESSAGELIMIT=1000",
        "C: 10 UID FETCH 22000:25000 (FLAGS MODSEQ)\n\
         S: * 12367 FETCH (FLAGS (\\Seen \\Deleted) UID 23007)\n\
         S: * 12366 FETCH (FLAGS (\\Seen \\Answered \\Deleted) UID 23114)\n\
         S: * 13366 FETCH (FLAGS (\\Seen) UID 24598)\n\
         S: 10 OK [MESSAGELIMIT 1000 23007] FETCH exceeds the maximum 1000-message limit",
    );
    // The engine makes `Partial` of the code (tests/contract, c12).
    assert_eq!(rows.len(), 3);
    let seen = Store::add([Flag::Seen]).of(uids("18000:20000"));
    let rows = example(
        seen,
        "MESSAGELIMIT=1000",
        "C: 07 UID STORE 18000:20000 +FLAGS (\\Seen)\n\
         S: * 11215 FETCH (FLAGS (\\Seen \\Deleted) UID 20000)\n\
         S: * 11214 FETCH (FLAGS (\\Seen \\Answered \\Deleted) UID 19998)\n\
         S: * 10216 FETCH (FLAGS (\\Seen) UID 19578)\n\
         S: 07 OK [MESSAGELIMIT 1000 19578] STORE completed for the last 1000 messages",
    );
    assert_eq!(rows.len(), 3);
    let trash = CopyMessages::copying(uids("18000:21000"), "Trash");
    assert_eq!(line(trash, "MESSAGELIMIT=1000"), "UID COPY 18000:21000 Trash");
    let refused = done("NO [MESSAGELIMIT 1000 20001] Too many messages to copy, try a smaller subset");
    assert_eq!(refused.status.code, Some(Code::MessageLimit { limit: 1000, uid: Uid::new(20001) }));
    let archive = CopyMessages::moving(uids("18000:21000"), "Archive/2021/2021-12");
    let moved = example(
        archive,
        "MOVE UIDPLUS MESSAGELIMIT=1000",
        "C: 06 UID MOVE 18000:21000 \"Archive/2021/2021-12\"\n\
         S: * OK [COPYUID 1397597919 20001:21000 22363:23362] Some messages were not moved\n\
         S: 06 OK [MESSAGELIMIT 1000 20001] MOVE completed for the last 1000 messages",
    );
    assert_eq!(moved.uids[0].from(), uids("20001:21000"));
}

/// RFC 8508 sections 3.1, 3.2 and 3.5; its sizes and its second message are shortened.
#[test]
fn a_message_takes_the_place_of_another() {
    let happy = "Subject: happy new year !!\r\n\r\nJust saw the best fireworks show.";
    let draft = || Append::new(happy).flags([Flag::Seen, Flag::Draft]).to("Drafts");
    let text = format!(
        "C: A004 UID REPLACE 2000 Drafts (\\Seen \\Draft) {{{}}}\n{happy}\n\
         S: + Ready for literal data\n\
         S: * OK [APPENDUID 1 2001] Replacement Message ready\n\
         E: * 5 EXISTS\n\
         E: * 4 EXPUNGE\n\
         S: A004 OK Replace completed",
        happy.len()
    );
    let replaced = example(Replace::new(Uid::new(2000).unwrap(), draft()), "REPLACE LITERAL+", &text);
    assert_eq!(replaced.uid, Uid::new(2001));
    let head = "To: Mitzy <miss.mitzy@example.org>\r\nSubject: My view of the fireworks\r\n";
    let parts = Append::parts([AppendPart::text(head), AppendPart::url("/Drafts/;UID=3002")]).to("Drafts");
    let text = format!(
        "C: A011 UID REPLACE 3002 Drafts CATENATE (TEXT {{71}}\n{} URL \"/Drafts/;UID=3002\")\n\
         S: * OK [APPENDUID 1 3003] Replacement Message ready\n\
         E: * 5 EXISTS\n\
         E: * 4 EXPUNGE\n\
         S: A011 OK REPLACE completed",
        head
    );
    let parts = Replace::new(Uid::new(3002).unwrap(), parts);
    assert_eq!(example(parts, "REPLACE CATENATE LITERAL+", &text).uid, Uid::new(3003));
}

#[test]
fn what_another_has_asked_for_is_no_answer() {
    let flags = Fetch::new(uids("23"), Items::flags());
    let other = super::response("* 9 FETCH (UID 24 FLAGS ())");
    assert_eq!(flags.claims(&other), Claim::No);
}
