//! The exact JSON form: programs depend on it.

use bytes::Bytes;

use super::super::error_kind::{ErrorKind, Sent};
use super::super::*;
use super::*;

fn json(event: &Event) -> String {
    serde_json::to_string(event).unwrap()
}

/// The JSON of an event about no mailbox that no command caused.
fn plain(kind: EventKind) -> String {
    json(&Event::new(kind))
}

/// The JSON of an event in the first selection of INBOX.
fn inbox(kind: EventKind) -> String {
    let place = Place { mailbox: MailboxName::INBOX, selection: Some(SelectionId(1)) };
    json(&Event::new(kind).at(Some(place)))
}

/// The JSON of data of command 7, in no mailbox.
fn data(answer: Answer) -> String {
    json(&Event::new(EventKind::Data(answer)).caused_by(Some(CommandId(7))))
}

fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

fn seq(value: u32) -> Seq {
    Seq::new(value).unwrap()
}

#[test]
fn opened() {
    let kind = |known: bool| EventKind::Opened {
        exists: 3,
        uid_validity: UidValidity::new(1).filter(|_| known),
        uid_next: Uid::new(4).filter(|_| known),
        highest_mod_seq: ModSeq::new(9).filter(|_| known),
        read_only: !known,
    };
    assert_eq!(
        inbox(kind(true)),
        r#"{"event":"opened","mailbox":"INBOX","selection":1,"exists":3,"uid_validity":1,"uid_next":4,"highest_mod_seq":9,"read_only":false}"#
    );
    assert_eq!(
        inbox(kind(false)),
        r#"{"event":"opened","mailbox":"INBOX","selection":1,"exists":3,"read_only":true}"#
    );
}

#[test]
fn messages_that_come_and_go() {
    assert_eq!(
        inbox(EventKind::Exists { count: 4 }),
        r#"{"event":"exists","mailbox":"INBOX","selection":1,"exists":4}"#
    );
    let flags = Some(Flags::from([Flag::Recent, Flag::new("$Work")]));
    assert_eq!(
        inbox(EventKind::Arrived { seq: Some(seq(4)), uid: uid(40), flags }),
        r#"{"event":"arrived","mailbox":"INBOX","selection":1,"uid":40,"seq":4,"flags":["\\Recent","$Work"]}"#
    );
    assert_eq!(
        inbox(EventKind::Arrived { seq: None, uid: uid(40), flags: None }),
        r#"{"event":"arrived","mailbox":"INBOX","selection":1,"uid":40}"#
    );
    assert_eq!(
        inbox(EventKind::Expunged { seq: Some(seq(2)), uid: Some(uid(20)) }),
        r#"{"event":"removed","mailbox":"INBOX","selection":1,"uid":20,"seq":2}"#
    );
    assert_eq!(
        inbox(EventKind::Expunged { seq: Some(seq(2)), uid: None }),
        r#"{"event":"removed","mailbox":"INBOX","selection":1,"seq":2}"#
    );
}

#[test]
fn flags_changed_says_what_they_were_where_that_is_known() {
    let kind = |before, mod_seq| EventKind::FlagsChanged {
        seq: Some(seq(4)),
        uid: Some(uid(40)),
        flags: Flag::Seen.into(),
        before,
        mod_seq,
    };
    assert_eq!(
        inbox(kind(Some(Flags::new()), ModSeq::new(17))),
        r#"{"event":"flags_changed","mailbox":"INBOX","selection":1,"uid":40,"seq":4,"flags":["\\Seen"],"before":[],"mod_seq":17}"#
    );
    assert_eq!(
        inbox(kind(None, None)),
        r#"{"event":"flags_changed","mailbox":"INBOX","selection":1,"uid":40,"seq":4,"flags":["\\Seen"]}"#
    );
}

#[test]
fn the_cause_is_an_id_behind_the_place() {
    let place = Place { mailbox: "Entwürfe".into(), selection: Some(SelectionId(2)) };
    let event = Event::new(EventKind::Expunged { seq: None, uid: Some(uid(5)) });
    assert_eq!(
        json(&event.at(Some(place)).caused_by(Some(CommandId(12)))),
        r#"{"event":"removed","mailbox":"Entwürfe","selection":2,"id":12,"uid":5}"#
    );
}

#[test]
fn the_selection_s_uid_validity_and_end() {
    assert_eq!(
        inbox(EventKind::UidValidityChanged { uid_validity: UidValidity::new(2) }),
        r#"{"event":"uid_validity_changed","mailbox":"INBOX","selection":1,"uid_validity":2}"#
    );
    assert_eq!(
        inbox(EventKind::UidValidityChanged { uid_validity: None }),
        r#"{"event":"uid_validity_changed","mailbox":"INBOX","selection":1}"#
    );
    assert_eq!(
        inbox(EventKind::SelectionEnded),
        r#"{"event":"selection_ended","mailbox":"INBOX","selection":1}"#
    );
    assert_eq!(
        inbox(EventKind::Contradiction { what: "EXISTS shrank".into() }),
        r#"{"event":"contradiction","mailbox":"INBOX","selection":1,"what":"EXISTS shrank"}"#
    );
}

#[test]
fn other_mailboxes() {
    let at = |kind| json(&Event::new(kind).at(Some(Place { mailbox: "Sent".into(), selection: None })));
    let mut status = MailboxStatus::new("Sent");
    status.messages = Some(3);
    status.uid_next = Uid::new(4);
    status.unseen = Some(1);
    status.other = vec![("X".into(), "(1 2)".into())];
    let expected =
        r#"{"event":"status","mailbox":"Sent","messages":3,"uid_next":4,"unseen":1,"other":[["X","(1 2)"]]}"#;
    assert_eq!(at(EventKind::Status(status.clone())), expected);
    assert_eq!(
        plain(EventKind::Status(status)),
        expected,
        "the mailbox is written once, wherever the event has it"
    );

    let mut entry = ListEntry::new("Sent");
    entry.delimiter = Some('/');
    entry.attributes = vec!["\\Sent".into()];
    assert_eq!(
        at(EventKind::MailboxCreated(entry)),
        r#"{"event":"mailbox_created","mailbox":"Sent","delimiter":"/","attributes":["\\Sent"]}"#
    );
    assert_eq!(
        at(EventKind::MailboxRenamed { from: "Out".into() }),
        r#"{"event":"mailbox_renamed","mailbox":"Sent","from":"Out"}"#
    );
    assert_eq!(at(EventKind::MailboxDeleted), r#"{"event":"mailbox_deleted","mailbox":"Sent"}"#);
    assert_eq!(at(EventKind::MailboxNoAccess), r#"{"event":"mailbox_no_access","mailbox":"Sent"}"#);
    let entry = MetadataEntry::new("/shared/comment".into(), MetadataValue::Changed);
    assert_eq!(
        at(EventKind::MetadataChanged(Metadata::new(Some("Sent".into()), vec![entry]))),
        r#"{"event":"metadata_changed","mailbox":"Sent","entries":[{"entry":"/shared/comment","state":"changed"}]}"#
    );
    assert_eq!(
        json(&Event::new(EventKind::NotificationsLost { asked_again: true })),
        r#"{"event":"notifications_lost","asked_again":true}"#
    );
    assert_eq!(
        at(EventKind::MailboxSubscribed { subscribed: false }),
        r#"{"event":"mailbox_subscribed","mailbox":"Sent","subscribed":false}"#
    );
}

#[test]
fn commands_that_ended() {
    let end = |kind| json(&Event::new(kind).caused_by(Some(CommandId(7))));
    let status = StatusResponse::new(Status::Ok, None, "Fetch completed.");
    assert_eq!(
        end(EventKind::Completed { command: "FETCH".into(), status, detached: true }),
        r#"{"event":"completed","id":7,"command":"FETCH","status":"OK","text":"Fetch completed.","detached":true}"#
    );
    let status = StatusResponse::new(Status::No, Some(Code::NonExistent), "no \"such\" mailbox");
    assert_eq!(
        end(EventKind::Completed { command: "SELECT".into(), status, detached: false }),
        r#"{"event":"completed","id":7,"command":"SELECT","status":"NO","code":"NONEXISTENT","text":"no \"such\" mailbox","detached":false}"#
    );
    assert_eq!(
        end(EventKind::Failed {
            command: "STORE".into(),
            kind: ErrorKind::SelectionEnded,
            sent: Sent::No,
            reason: "the selection has ended".into()
        }),
        r#"{"event":"failed","id":7,"command":"STORE","kind":"selection_ended","sent":"no","reason":"the selection has ended"}"#
    );
}

#[test]
fn the_server_s_own_words() {
    assert_eq!(
        plain(EventKind::Alert { text: "going down\u{7} \u{fffd}".into() }),
        "{\"event\":\"alert\",\"text\":\"going down\\u0007 \u{fffd}\"}"
    );
    let code = Code::Other { name: "X".into(), text: Some("y z".into()) };
    assert_eq!(
        plain(EventKind::Notice(StatusResponse::new(Status::Ok, Some(code), "Still here"))),
        r#"{"event":"notice","status":"OK","code":"X y z","text":"Still here"}"#
    );
    assert_eq!(
        plain(EventKind::Capabilities(Capabilities::from_iter(["IMAP4rev1", "IDLE"]))),
        r#"{"event":"capabilities","capabilities":["IMAP4rev1","IDLE"]}"#
    );
}

#[test]
fn what_was_left_out() {
    let lag = Lagged { events: 1000, mailboxes: vec!["INBOX".into(), "Sent".into()], others: false };
    assert_eq!(
        plain(EventKind::Lagged(lag)),
        r#"{"event":"lagged","events":1000,"mailboxes":["INBOX","Sent"],"others":false}"#
    );
}

#[test]
fn bytes_are_escaped_so_that_no_terminal_is_hurt() {
    let bytes = Bytes::from_static(b"* 1 X \"\\a\"\x1b\xff\t");
    assert_eq!(
        plain(EventKind::Unknown { name: "X".into(), bytes: bytes.clone() }),
        r#"{"event":"unknown","name":"X","bytes":"* 1 X \\\"\\\\a\\\"\\x1b\\xff\\t"}"#
    );
    assert_eq!(
        plain(EventKind::Unparsed { bytes, error: "no number".into() }),
        r#"{"event":"unparsed","bytes":"* 1 X \\\"\\\\a\\\"\\x1b\\xff\\t","error":"no number"}"#
    );
}

#[test]
fn closed_has_a_reason_for_people_and_for_programs() {
    let closed = |reason| plain(EventKind::Closed { reason });
    assert_eq!(closed(CloseReason::Logout), r#"{"event":"closed","reason":"logged out","kind":"logout"}"#);
    let bye = StatusResponse::new(Status::Bye, Some(Code::Unavailable), "shutting down");
    assert_eq!(
        closed(CloseReason::Bye(bye)),
        r#"{"event":"closed","reason":"the server said BYE: shutting down","kind":"bye","code":"UNAVAILABLE"}"#
    );
    assert_eq!(
        closed(CloseReason::Eof),
        r#"{"event":"closed","reason":"the server closed the connection","kind":"eof"}"#
    );
    let io = CloseReason::Io { kind: std::io::ErrorKind::BrokenPipe, text: "broken pipe".into() };
    assert_eq!(closed(io), r#"{"event":"closed","reason":"the connection failed: broken pipe","kind":"io"}"#);
    for (reason, kind) in [
        (CloseReason::Protocol("a line too long".into()), "protocol"),
        (CloseReason::Limit("a large mailbox".into()), "limit"),
        (CloseReason::Timeout { waiting_for: "an answer".into() }, "timeout"),
        (CloseReason::Upload("its source ended".into()), "upload"),
        (CloseReason::Dropped, "dropped"),
    ] {
        let text = reason.to_string();
        assert_eq!(closed(reason), format!(r#"{{"event":"closed","reason":"{text}","kind":"{kind}"}}"#));
    }
}

#[test]
fn a_row_is_summarised() {
    let envelope = EnvelopeBuilder::new()
        .date("Mon, 1 Jan 2024 10:00:00 +0100")
        .subject("Lunch")
        .from("Ann", "ann", "example.org")
        .to("", "bob", "example.org")
        .message_id("<2@example.org>")
        .build();
    let text = BodyStructureBuilder::new("TEXT", "PLAIN").build();
    let mut row = Message {
        seq: Some(seq(3)),
        uid: Some(uid(30)),
        flags: Some(Flags::new()),
        internal_date: Some("17-Jul-1996 02:44:25 -0700".parse().unwrap()),
        size: Some(1234),
        ..Message::default()
    };
    row.set_contents(Contents {
        envelope: Some(envelope),
        body_structure: Some(BodyStructureBuilder::multipart("MIXED", [text]).build()),
        body: vec![
            BodyData::new(Section::Header, None, Some(Bytes::from_static(b"12345"))),
            BodyData::new(Section::Full, Some(100), None),
        ],
    });
    row.extras_mut().other.push(("X-SPAM".into(), Bytes::from_static(b"1")));
    let place = Place { mailbox: MailboxName::INBOX, selection: Some(SelectionId(1)) };
    let event = Event::new(EventKind::Data(Answer::Fetch(Box::new(row))));
    assert_eq!(
        json(&event.at(Some(place)).caused_by(Some(CommandId(7)))),
        concat!(
            r#"{"event":"data","mailbox":"INBOX","selection":1,"id":7,"answer":"fetch","uid":30,"seq":3,"flags":[],"#,
            r#""internal_date":"1996-07-17T02:44:25-07:00","size":1234,"date":"Mon, 1 Jan 2024 10:00:00 +0100","#,
            r#""subject":"Lunch","from":["Ann <ann@example.org>"],"to":["bob@example.org"],"#,
            r#""message_id":"<2@example.org>","parts":["multipart/mixed","text/plain"],"#,
            r#""sections":[{"section":"HEADER","octets":5},{"section":"","origin":100}],"other":["X-SPAM"]}"#
        )
    );
}

#[test]
fn an_entry_of_a_list_has_its_annotations() {
    let mut entry = ListEntry::new("Sent");
    let entries = vec![
        MetadataEntry::new("/private/comment".into(), MetadataValue::Set("Mine".into())),
        MetadataEntry::new("/shared/comment".into(), MetadataValue::Unset),
    ];
    entry.metadata = Some(Box::new(Metadata { mailbox: Some("Sent".into()), entries }));
    let json = serde_json::to_string(&entry).unwrap();
    let written = concat!(
        r#""metadata":{"mailbox":"Sent","entries":[{"entry":"/private/comment","value":"Mine"},"#,
        r#"{"entry":"/shared/comment","state":"unset"}]}"#
    );
    assert!(json.contains(written), "{json}");
}

#[test]
fn data_of_other_commands() {
    let mut entry = ListEntry::new("Sent");
    entry.delimiter = Some('/');
    assert_eq!(
        data(Answer::List(Box::new(entry.clone()))),
        r#"{"event":"data","id":7,"answer":"list","name":"Sent","delimiter":"/","attributes":[]}"#
    );
    assert_eq!(
        data(Answer::Lsub(Box::new(entry))),
        r#"{"event":"data","id":7,"answer":"lsub","name":"Sent","delimiter":"/","attributes":[]}"#
    );
    let mut status = MailboxStatus::new("Sent");
    status.unseen = Some(0);
    assert_eq!(
        data(Answer::MailboxStatus(Box::new(status))),
        r#"{"event":"data","id":7,"answer":"status","name":"Sent","unseen":0}"#
    );
    let numbers = |text: &str| NumberSet(text.parse().unwrap());
    let found = SearchNumbers { numbers: numbers("1:3,7"), mod_seq: None };
    assert_eq!(data(Answer::Search(found)), r#"{"event":"data","id":7,"answer":"search","numbers":"1:3,7"}"#);
    let found = ESearch {
        uid: true,
        min: Some(1),
        count: Some(4),
        all: Some(numbers("1:3,7")),
        ..ESearch::default()
    };
    assert_eq!(
        data(Answer::ESearch(Box::new(found))),
        r#"{"event":"data","id":7,"answer":"esearch","numbers_are":"uids","min":1,"count":4,"numbers":"1:3,7"}"#
    );
    let fields = vec![("name".into(), Some("Dovecot".into())), ("os".into(), None)];
    assert_eq!(
        data(Answer::Id(fields)),
        r#"{"event":"data","id":7,"answer":"id","fields":{"name":"Dovecot"}}"#
    );
}

#[test]
fn data_about_the_selected_mailbox_and_the_session() {
    assert_eq!(
        data(Answer::Flags(Flag::Seen.into())),
        r#"{"event":"data","id":7,"answer":"flags","flags":["\\Seen"]}"#
    );
    assert_eq!(data(Answer::Exists(3)), r#"{"event":"data","id":7,"answer":"exists","exists":3}"#);
    assert_eq!(data(Answer::Recent(0)), r#"{"event":"data","id":7,"answer":"recent","recent":0}"#);
    assert_eq!(
        data(Answer::Expunge { seq: seq(2), uid: Some(uid(20)) }),
        r#"{"event":"data","id":7,"answer":"expunge","uid":20,"seq":2}"#
    );
    assert_eq!(
        data(Answer::Vanished { earlier: true, uids: "1:3,5".parse().unwrap() }),
        r#"{"event":"data","id":7,"answer":"vanished","uids":"1:3,5","earlier":true}"#
    );
    let status = StatusResponse::new(Status::Ok, None, "hm");
    assert_eq!(
        data(Answer::Status(Box::new(status))),
        r#"{"event":"data","id":7,"answer":"status_response","status":"OK","text":"hm"}"#
    );
    assert_eq!(
        data(Answer::Capability(Capabilities::from_iter(["IDLE"]))),
        r#"{"event":"data","id":7,"answer":"capability","capabilities":["IDLE"]}"#
    );
    assert_eq!(
        data(Answer::Enabled(vec!["QRESYNC".into()])),
        r#"{"event":"data","id":7,"answer":"enabled","names":["QRESYNC"]}"#
    );
    assert_eq!(data(Answer::Other), r#"{"event":"data","id":7,"answer":"other"}"#);
}

#[test]
fn data_of_extensions() {
    use crate::types::{Metadata, MetadataEntry, MetadataValue, Quota, QuotaResource};
    let quota = Quota::new(String::new(), vec![QuotaResource::new("STORAGE".into(), Some(10), None)]);
    assert_eq!(
        data(Answer::Quota(quota)),
        r#"{"event":"data","id":7,"answer":"quota","data":{"root":"","resources":[{"name":"STORAGE","usage":10}]}}"#
    );
    let entry = |name: &str, value| MetadataEntry::new(name.into(), value);
    let entries = vec![
        entry("/a", MetadataValue::Set("x".into())),
        entry("/b", MetadataValue::Unset),
        entry("/c", MetadataValue::Changed),
    ];
    assert_eq!(
        data(Answer::Metadata(Box::new(Metadata::new(Some("INBOX".into()), entries)))),
        r#"{"event":"data","id":7,"answer":"metadata","name":"INBOX","data":[{"entry":"/a","value":"x"},{"entry":"/b","state":"unset"},{"entry":"/c","state":"changed"}]}"#
    );
    let mut row = Message::default();
    row.extras_mut().preview = Some(Some("Hello".into()));
    row.extras_mut().thread_id = Some(None);
    assert_eq!(
        data(Answer::Fetch(Box::new(row))),
        r#"{"event":"data","id":7,"answer":"fetch","preview":"Hello"}"#
    );
}
