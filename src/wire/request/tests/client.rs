//! Whatever their arguments, the client's commands write one command that means what was meant, or
//! refuse to write it.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{AppendMessage, Change, Command, End, FetchItem, Numbers, Part, SearchKey, request};
use super::cut;
use crate::command::{self, Items, Line, Session};
use crate::types::{Flag, Flags, MailboxName, Section, Timestamp, Uid, UidSet};

/// Sessions that differ in the forms that may be written.
fn session(kind: u8) -> Session {
    let names: &[&str] = match kind % 4 {
        0 => &["IMAP4rev1", "ID", "UIDPLUS", "MOVE", "UNSELECT", "BINARY"],
        1 => &[
            "IMAP4rev1",
            "LITERAL+",
            "ID",
            "ESEARCH",
            "LIST-EXTENDED",
            "CONDSTORE",
            "UIDPLUS",
            "MOVE",
            "BINARY",
        ],
        2 => &["IMAP4rev1", "LITERAL-", "ID", "SASL-IR", "UIDPLUS", "MOVE", "UTF8=ACCEPT"],
        _ => &["IMAP4rev2", "ID"],
    };
    let enabled = if kind % 4 == 2 { vec!["UTF8=ACCEPT".to_owned()] } else { Vec::new() };
    Session {
        capabilities: names.iter().collect(),
        enabled,
        command_line: 8000,
        messages: 1000,
        ..Session::default()
    }
}

/// The command that a server parses from the output of this one; `None` if it refuses. The output
/// must be exactly one command, with as many literals that wait as the client waits for.
fn written(mut command: impl command::Command, session: &Session) -> Option<Command> {
    let mut line = Line::new(Some("A1"), session);
    command.encode(&mut line, session).ok()?;
    let fragments = line.finish().ok()?;
    let bytes: Vec<u8> = fragments.iter().flat_map(|fragment| fragment.as_bytes().to_vec()).collect();
    let waits =
        fragments.iter().filter(|f| matches!(f, crate::wire::encode::Fragment::Literal { sync: true, .. }));
    let (commands, waited) = cut(&bytes);
    let shown = bytes.escape_ascii();
    assert_eq!((commands.len(), waited), (1, waits.count()), "{shown}");
    let read = request(&commands[0], session.is_utf8()).unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert_eq!(read.tag, "A1");
    Some(read.command)
}

/// Texts that would break a careless writer.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 ]{1,6}".prop_map(String::from),
        1 => Just("\r\nA2 DELETE INBOX\r\n".to_owned()),
        1 => prop::sample::select(vec![
            "\r", "\n", "\"", "\\", "{5}", "{5+}", "~{1}", "\0", "(", ")", "%", "*", "]", "&", "&-", "&AGE-", "é", "台北",
            "\u{1f600}", "NIL", "\u{7f}", "{", "}", "{3}\r\n", "+", "$",
        ]).prop_map(String::from),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn uids() -> impl Strategy<Value = UidSet> {
    let range = (1..=u32::MAX, 0..5u32).prop_map(|(first, more)| (first, first.saturating_add(more)));
    prop::collection::vec(range, 1..5).prop_map(|ranges| {
        let mut set = UidSet::new();
        for (first, last) in ranges {
            set.insert_range(Uid::new(first).unwrap()..=Uid::new(last).unwrap());
        }
        set
    })
}

fn set_of(numbers: &Numbers) -> UidSet {
    numbers.to_set().expect("no $")
}

fn section() -> impl Strategy<Value = Section> {
    let fields = prop::collection::vec(hostile(), 1..3);
    let whole = prop_oneof![
        Just(Section::Full),
        Just(Section::Header),
        Just(Section::Text),
        (fields, any::<bool>()).prop_map(|(names, not)| match not {
            true => Section::header_fields_not(names),
            false => Section::header_fields(names),
        }),
    ];
    (whole, prop::collection::vec(1..9u32, 0..3)).prop_map(|(section, numbers)| {
        let part = crate::types::Part::from_numbers(numbers);
        part.map_or(section.clone(), |part| section.of(part))
    })
}

/// The mailbox name for a [`hostile`] text: INBOX in any case is one name.
fn name(text: &str) -> MailboxName {
    MailboxName::new(text)
}

proptest! {
    // A run must not write into the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn logins(user in hostile(), password in hostile(), kind in 0..4u8) {
        let login = command::Login::connecting(user.clone(), password.clone().into());
        match written(login, &session(kind)) {
            Some(Command::Login { user: u, password: p }) => {
                prop_assert_eq!((u, p), (Bytes::from(user), Bytes::from(password)));
            }
            None => prop_assert!(user.contains('\0') || password.contains('\0')),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn names_of_mailboxes(a in hostile(), b in hostile(), kind in 0..4u8) {
        let session = session(kind);
        let commands = [
            written(command::Create::new(&*a), &session),
            written(command::Delete::new(&*a), &session),
            written(command::Rename::new(&*a, &*b), &session),
            written(command::Subscribe::new(&*a), &session),
            written(command::Subscribe::unsubscribe(&*a), &session),
        ];
        let [create, delete, rename, subscribe, unsubscribe] = commands;
        let (from, to) = (name(&a), name(&b));
        let created = Command::Create { mailbox: name(&a), params: Vec::new() };
        let renamed = Command::Rename { from, to };
        prop_assert!(create.is_none_or(|c| c == created));
        prop_assert!(delete.as_ref().is_none_or(|c| *c == Command::Delete(name(&a))), "{:?}", delete);
        prop_assert!(rename.is_none_or(|c| c == renamed));
        prop_assert!(subscribe.is_none_or(|c| c == Command::Subscribe(name(&a))));
        prop_assert!(unsubscribe.is_none_or(|c| c == Command::Unsubscribe(name(&a))));
        if !a.contains(['\0', '\r', '\n']) {
            prop_assert!(delete.is_some(), "{:?} can be written", a);
        }
    }

    #[test]
    fn lists(reference in hostile(), pattern in hostile(), subscribed: bool, kind in 0..4u8) {
        let list = command::List::new(&*pattern).under(&*reference);
        let list = if subscribed { list.subscribed() } else { list };
        match written(list, &session(kind)) {
            Some(Command::List(read)) => {
                prop_assert_eq!((read.reference, read.patterns), (name(&reference), vec![name(&pattern)]));
                prop_assert_eq!(subscribed, read.lsub || !read.select.is_empty());
            }
            None => {}
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn statuses(a in hostile(), kind in 0..4u8) {
        let read = written(command::StatusCommand::new(&*a, command::StatusItems::counts()), &session(kind));
        let items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"].map(String::from).to_vec();
        let expected = Command::Status { mailbox: name(&a), items };
        prop_assert!(read.is_none_or(|read| read == expected));
    }

    #[test]
    fn appends(to in hostile(), data: Vec<u8>, flag in hostile(), date in 0..4_102_444_800i64, kind in 0..4u8) {
        let flags = Flags::from([Flag::Seen, Flag::new(&flag)]);
        let date = Timestamp::new(date, 90).unwrap();
        let append = command::Append::new(data.clone()).to(&*to).flags(flags.clone()).internal_date(date);
        match written(append, &session(kind)) {
            Some(Command::Append { mailbox, messages }) => {
                prop_assert_eq!(mailbox, name(&to));
                let binary = data.contains(&0);
                prop_assert_eq!(messages, [AppendMessage { flags, date: Some(date), data: data.into(), binary, utf8: false, pieces: Vec::new(), annotations: Vec::new() }]);
            }
            None => {}
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn searches(a in hostile(), b in hostile(), keyword in hostile(), set in uids(), kind in 0..4u8) {
        use command::Search;
        let search = Search::subject(&*a).or(Search::header(&*b, &*a).not().and(Search::uids(set.clone())))
            .and(Search::keyword(&*keyword));
        match written(search, &session(kind)) {
            Some(Command::Search(read)) => {
                let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
                let not = SearchKey::Not(Box::new(SearchKey::Header(text(&b), text(&a))));
                let [SearchKey::Or(both), SearchKey::Keyword("KEYWORD", flag)] = &read.keys[..] else {
                    return Err(TestCaseError::fail(format!("{:?}", read.keys)));
                };
                prop_assert_eq!(&both.0, &SearchKey::Text("SUBJECT", text(&a)));
                let SearchKey::And(and) = &both.1 else { return Err(TestCaseError::fail("no and")) };
                let [first, SearchKey::Uids(numbers)] = &and[..] else { return Err(TestCaseError::fail("uids")) };
                prop_assert_eq!((first, set_of(numbers)), (&not, set));
                prop_assert_eq!(flag, &keyword);
                prop_assert!(read.uid);
            }
            None => {}
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn fetches(set in uids(), section in section(), part in prop::option::of((0..9u64, 1..9u32)), kind in 0..4u8) {
        let wanted = match part {
            Some((origin, length)) => Items::partial(section.clone(), origin, length),
            None => Items::section(section.clone()),
        };
        let writable = section.is_writable();
        match written(command::Fetch::new(set.clone(), wanted.flags().size()), &session(kind)) {
            Some(Command::Fetch(read)) => {
                prop_assert_eq!((set_of(&read.which), read.uid), (set, true));
                let part = part.map(|(origin, length)| Part { origin, length });
                prop_assert_eq!(read.items, [
                    FetchItem::Name("FLAGS".into()),
                    FetchItem::Name("RFC822.SIZE".into()),
                    FetchItem::Section { name: "BODY.PEEK".into(), section, part },
                ]);
            }
            None => prop_assert!(!writable),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn stores_copies_and_expunges(set in uids(), to in hostile(), flag in hostile(), kind in 0..4u8) {
        let session = session(kind);
        let flags = Flags::from(Flag::new(&flag));
        if let Some(read) = written(command::Store::add(flags.clone()).of(set.clone()), &session) {
            let Command::Store(read) = read else { return Err(TestCaseError::fail("no STORE")) };
            prop_assert_eq!((set_of(&read.which), read.change, read.flags), (set.clone(), Change::Add, flags));
        }
        for moving in [false, true] {
            let command = match moving {
                false => command::CopyMessages::copying(set.clone(), &*to),
                true => command::CopyMessages::moving(set.clone(), &*to),
            };
            if let Some(read) = written(command, &session) {
                let Command::Copy { uid: true, moving: m, which, to: t } = read else {
                    return Err(TestCaseError::fail("no COPY"));
                };
                prop_assert_eq!((set_of(&which), m, t), (set.clone(), moving, name(&to)));
            }
        }
        let expunged = written(command::Expunge::messages(set.clone()), &session);
        let Some(Command::UidExpunge(which)) = expunged else { return Err(TestCaseError::fail("no EXPUNGE")) };
        prop_assert_eq!(set_of(&which), set);
    }

    #[test]
    fn ids_and_enables(field in "[ -~]{0,30}", value in hostile(), extension in hostile(), kind in 0..4u8) {
        let session = session(kind);
        if let Some(read) = written(command::Id::nothing().field(&*field, &*value), &session) {
            prop_assert_eq!(read, Command::Id(vec![(field.into(), Some(value.into()))]));
        }
        if let Some(read) = written(command::Enable::new([extension.clone()]), &session) {
            prop_assert_eq!(read, Command::Enable(vec![extension.to_ascii_uppercase()]));
        }
    }
}

#[test]
fn commands_without_arguments() {
    let session = session(1);
    let session = &Session {
        capabilities: session.capabilities.iter().chain(["STARTTLS", "UNSELECT"]).collect(),
        ..session.clone()
    };
    let commands = [
        written(command::Noop, session),
        written(command::Logout, session),
        written(command::Close, session),
        written(command::Idle, session),
        written(command::Unselect::new(), session),
        written(command::Capability, session),
        written(command::StartTls, session),
        written(command::Expunge::all_deleted(), session),
    ];
    let names = ["NOOP", "LOGOUT", "CLOSE", "IDLE", "UNSELECT", "CAPABILITY", "STARTTLS", "EXPUNGE"];
    assert_eq!(commands, names.map(|name| Some(Command::Plain(name))));
    assert_eq!(written(command::Id::nothing(), session), Some(Command::Id(Vec::new())));
}

#[test]
fn an_open_end_of_uids_is_a_star() {
    let set = UidSet::from(Uid::new(7).unwrap()..);
    let read = written(command::Fetch::new(set, Items::new()), &session(0));
    let Some(Command::Fetch(read)) = read else { panic!() };
    assert_eq!(read.which, Numbers::Ranges(vec![(End::Number(7), End::Last)]));
    assert_eq!(read.items, [FetchItem::Name("UID".into())], "an empty list of items has no form");
}
