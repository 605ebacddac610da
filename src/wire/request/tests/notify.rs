//! NOTIFY: what the client writes, word for word and parsed back; and what it refuses to write.

use super::super::{Command, FetchItem, Notify as Read, NotifyGroup, request};
use crate::command::{Command as _, Items, Line, Notify, NotifyEvent, SelectedNotify, Session};
use crate::error::{ErrorKind, Result};
use crate::types::{MailboxName, Part, Section};

fn session(names: &[&str]) -> Session {
    Session {
        capabilities: names.iter().collect(),
        enabled: Vec::new(),
        command_line: 8000,
        messages: 1000,
        ..Session::default()
    }
}

/// The command as written, without its tag.
fn written(mut notify: Notify, session: &Session) -> Result<String> {
    let mut line = Line::new(Some("A1"), session);
    notify.encode(&mut line, session)?;
    let bytes: Vec<u8> = line.finish()?.iter().flat_map(|fragment| fragment.as_bytes().to_vec()).collect();
    Ok(String::from_utf8(bytes).expect("text").trim_end().trim_start_matches("A1 ").to_owned())
}

const SELECTED: &str = "(selected-delayed (MessageNew MessageExpunge FlagChange))";

#[test]
fn requests_are_written_with_the_selected_mailbox() {
    use NotifyEvent::{MailboxName as Name, MessageExpunge, MessageNew, SubscriptionChange};
    let messages = [MessageNew, MessageExpunge];
    let new = Items::section(Section::header_fields(["Subject"])).flags();
    let cases = [
        (Notify::set(), format!("SET {SELECTED}")),
        (Notify::set().status(), format!("SET {SELECTED}")),
        (Notify::none(), "NONE".to_owned()),
        (Notify::set().inboxes(messages).status(), format!("SET STATUS {SELECTED} (inboxes (MessageNew MessageExpunge))")),
        (
            Notify::set().personal(NotifyEvent::MESSAGES).selected(SelectedNotify::silent()),
            "SET (personal (MessageNew MessageExpunge FlagChange))".to_owned(),
        ),
        (
            Notify::set().subscribed([SubscriptionChange, Name, Name]).selected(SelectedNotify::immediate()),
            "SET (selected (MessageNew MessageExpunge FlagChange)) (subscribed (SubscriptionChange MailboxName))".to_owned(),
        ),
        (
            Notify::set().subtree(["Lists"], [Name]).mailboxes(["a&b", "Entwürfe", "in box"], []),
            format!("SET {SELECTED} (subtree Lists (MailboxName)) (mailboxes (a&-b Entw&APw-rfe \"in box\") NONE)"),
        ),
        (
            Notify::set().selected(SelectedNotify::delayed().fetching(new)),
            "SET (selected-delayed (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))"
                .to_owned(),
        ),
    ];
    for (notify, expected) in cases {
        let line = written(notify, &session(&["IMAP4rev1", "NOTIFY"])).expect("it keeps the rules");
        assert_eq!(line.to_lowercase(), format!("NOTIFY {expected}").to_lowercase());
        let read = request(format!("A1 {line}").as_bytes(), false).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(matches!(read.command, Command::Notify(_)), "{read:?}");
    }
}

#[test]
fn written_requests_are_parsed_back() {
    let notify = Notify::set()
        .mailboxes(["台北", "inbox"], NotifyEvent::MESSAGES)
        .status()
        .selected(SelectedNotify::immediate().fetching(Items::envelope()));
    for utf8 in [false, true] {
        let names: &[&str] = if utf8 { &["IMAP4rev2", "NOTIFY"] } else { &["IMAP4rev1", "NOTIFY"] };
        let session = session(names);
        let line = written(notify.clone(), &session).unwrap();
        let read = request(format!("A1 {line}").as_bytes(), session.is_utf8()).unwrap();
        let event = |name: &str| (name.to_owned(), Vec::new());
        let new = ("MESSAGENEW".to_owned(), ["UID", "ENVELOPE"].map(|n| FetchItem::Name(n.into())).to_vec());
        let more = [event("MESSAGEEXPUNGE"), event("FLAGCHANGE")];
        let selected = NotifyGroup {
            filter: "SELECTED",
            names: Vec::new(),
            events: [vec![new], more.to_vec()].concat(),
        };
        let others = NotifyGroup {
            filter: "MAILBOXES",
            names: vec![MailboxName::new("台北"), MailboxName::INBOX],
            events: [vec![event("MESSAGENEW")], more.to_vec()].concat(),
        };
        let meant = Read { status: true, groups: vec![selected, others] };
        assert_eq!(read.command, Command::Notify(Some(meant)), "{line}");
    }
}

#[test]
fn requests_that_break_the_rules_are_not_written() {
    use NotifyEvent::{AnnotationChange, FlagChange, MessageExpunge, MessageNew};
    let of_new = |items| Notify::set().selected(SelectedNotify::delayed().fetching(items));
    let cases = [
        Notify::set().personal([MessageNew]),
        Notify::set().personal([MessageExpunge, FlagChange]),
        Notify::set().inboxes(NotifyEvent::MESSAGES).subtree(["a"], [FlagChange]),
        Notify::set().subscribed([AnnotationChange]),
        Notify::set().mailboxes([""; 0], NotifyEvent::MESSAGES),
        Notify::set().subtree([""; 0], []),
        of_new(Items::body().marking_seen()),
        of_new(Items::section(Section::Part(Part::from_numbers(vec![1]).unwrap()))),
        Notify::set().personal([]).selected(SelectedNotify::silent().fetching(Items::envelope())),
    ];
    for notify in cases {
        let shown = format!("{notify:?}");
        let error = written(notify, &session(&["IMAP4rev1", "NOTIFY"])).expect_err(&shown);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{shown}: {error}");
    }
    let lacking = written(Notify::set(), &session(&["IMAP4rev1"])).expect_err("no NOTIFY");
    assert_eq!(lacking.kind(), ErrorKind::Unsupported);
    let lacking = written(of_new(Items::new().mod_seq()), &session(&["NOTIFY"])).expect_err("no CONDSTORE");
    assert_eq!(lacking.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_strict_server_reads_no_other_form() {
    let refused = [
        "NOTIFY",
        "NOTIFY SET",
        "NOTIFY SET STATUS",
        "NOTIFY NONE x",
        "NOTIFY SET (selected (MessageNew MessageExpunge)) (selected-delayed (MessageNew MessageExpunge))",
        "NOTIFY SET (selected (MailboxName))",
        "NOTIFY SET (personal (MessageNew))",
        "NOTIFY SET (personal (MessageNew (UID) MessageExpunge))",
        "NOTIFY SET (personal (MessageNew FlagChange MessageExpunge)",
        "NOTIFY SET (personal (FlagChange))",
        "NOTIFY SET (mailboxes (MessageNew MessageExpunge))",
        "NOTIFY SET (everything NONE)",
    ];
    for line in refused {
        assert!(request(format!("A1 {line}").as_bytes(), false).is_err(), "{line}");
    }
    // RFC 5465 section 6.
    let example = "a notify set (selected (Messagenew (uid flags) messageExpunge)) (personal (MessageNew FlagChange MessageExpunge))";
    assert!(request(example.as_bytes(), false).is_ok());
}
