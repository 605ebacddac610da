//! Commands about mailboxes, their quotas, rights and annotations, with arguments from a fuzzer's
//! bytes: the server parses what was meant, or the client refuses to write it.

use super::arguments::{assert_mailbox, assert_text};
use super::chooser::Chooser;
use crate::command::{self, MetadataDepth, Session};
use crate::types::MailboxName;
use crate::wire::request::{Command, Value};

/// A session with a server that has all of it.
fn session(session: &Session) -> Session {
    let more = [
        "ACL",
        "CREATE-SPECIAL-USE",
        "I18NLEVEL=2",
        "LANGUAGE",
        "LIST-EXTENDED",
        "LIST-METADATA",
        "LIST-STATUS",
        "METADATA",
        "OBJECTID",
        "QUOTA",
        "SPECIAL-USE",
    ];
    Session { capabilities: session.capabilities().iter().chain(more).collect(), ..session.clone() }
}

/// Makes one such command, writes it and parses the output.
pub(super) fn about_mailboxes(from: &mut Chooser<'_>, known: &Session) {
    let session = &session(known);
    match from.below(6) {
        0 => create(from, session),
        1 => list(from, session),
        2 => status(from, session),
        3 => quota(from, session),
        4 => rights(from, session),
        _ => annotations(from, session),
    }
}

fn create(from: &mut Chooser<'_>, session: &Session) {
    let (name, usage) = (MailboxName::new(from.text()), from.text());
    let create = command::Create::new(name.clone()).for_use(format!("\\{usage}"));
    let Some(read) = from.read(create, session) else { return };
    let Command::Create { mailbox, params } = read else { panic!("{read:?}") };
    assert_eq!(mailbox, name);
    let [Value::Word(word), Value::List(uses)] = &*params else { panic!("{params:?}") };
    assert_eq!((word.as_str(), uses.len()), ("USE", 1));
    let range = from.text();
    if let Some((_, arguments)) = from.other(command::Language::first_of([range.clone()]), session) {
        assert_eq!(arguments.len(), 1);
        assert_text(&arguments[0], range.as_bytes());
    }
    let choice = command::Comparators::first_of([range.clone()]);
    if let Some((_, arguments)) = from.other(choice, session) {
        assert_eq!(arguments.len(), 1);
        assert_text(&arguments[0], range.as_bytes());
    }
}

fn list(from: &mut Chooser<'_>, session: &Session) {
    let usage = from.text();
    let read = from.read(command::MailboxFor::new(&*usage), session);
    let Some(Command::List(read)) = read else { panic!("its line has nothing of {usage:?}: {read:?}") };
    assert_eq!(read.patterns, [MailboxName::new("*")]);
    let patterns = from.some(3, Chooser::text);
    let Some((first, others)) = patterns.split_first() else { return };
    let entries = from.list(2, Chooser::text);
    let mut list = command::List::new(&**first);
    for pattern in others {
        list = list.or(&**pattern);
    }
    let list = list.subscribed().with_status(command::StatusItems::messages()).with_metadata(entries.clone());
    let Some(read) = from.read(list, session) else { return };
    let Command::List(read) = read else { panic!("{read:?}") };
    let meant: Vec<_> = patterns.iter().map(MailboxName::new).collect();
    assert_eq!((read.patterns, read.select.len()), (meant, 1));
    let words = read.returned.iter().filter(|value| matches!(value, Value::Word(_))).count();
    assert_eq!(words, if entries.is_empty() { 1 } else { 2 }, "{:?}", read.returned);
}

fn status(from: &mut Chooser<'_>, session: &Session) {
    status_of_extensions(from, session);
    let (name, item) = (MailboxName::new(from.text()), from.text());
    let items = command::StatusItems::mailbox_id().other(&item);
    let Some(read) = from.read(command::StatusCommand::new(name.clone(), items), session) else { return };
    let Command::Status { mailbox, items } = read else { panic!("{read:?}") };
    assert_eq!(mailbox, name);
    assert!(items.iter().all(|known| known == "MAILBOXID" || known.eq_ignore_ascii_case(&item)));
}

/// The items of RFC 9208 section 4.1.4, of RFC 8438 and RFC 7162, each or none.
fn status_of_extensions(from: &mut Chooser<'_>, session: &Session) {
    let more = ["QUOTA=RES-MESSAGE", "QUOTA=RES-STORAGE", "STATUS=SIZE", "CONDSTORE"];
    let session =
        &Session { capabilities: session.capabilities().iter().chain(more).collect(), ..session.clone() };
    let (name, choice) = (MailboxName::new(from.text()), from.byte());
    let (mut items, mut meant) = (command::StatusItems::messages(), vec!["MESSAGES"]);
    type Add = fn(&command::StatusItems) -> command::StatusItems;
    let more: [(&str, Add); 4] = [
        ("DELETED", |items| items.deleted()),
        ("DELETED-STORAGE", |items| items.deleted_storage()),
        ("HIGHESTMODSEQ", |items| items.highest_mod_seq()),
        ("SIZE", |items| items.size()),
    ];
    for (at, (word, add)) in more.into_iter().enumerate() {
        if choice & 1 << at != 0 {
            items = add(&items);
            meant.push(word);
        }
    }
    let Some(read) = from.read(command::StatusCommand::new(name.clone(), items), session) else { return };
    let Command::Status { mailbox, mut items } = read else { panic!("{read:?}") };
    items.sort_unstable();
    meant.sort_unstable();
    assert_eq!(mailbox, name);
    assert_eq!(items, meant);
}

fn quota(from: &mut Chooser<'_>, session: &Session) {
    let (root, resource, limit) = (from.text(), from.text(), from.large() >> 1);
    let resource = if from.yes() { from.word() } else { resource };
    if let Some((name, arguments)) = from.other(command::GetQuota::new(&*root), session) {
        assert_eq!((name.as_str(), arguments.len()), ("GETQUOTA", 1));
        assert_text(&arguments[0], root.as_bytes());
    }
    let set = command::SetQuota::of(&*root).limit(&*resource, limit);
    if let Some((_, arguments)) = from.other(set, session) {
        let [first, Value::List(limits)] = &*arguments else { panic!("{arguments:?}") };
        assert_text(first, root.as_bytes());
        assert_eq!(limits.len(), 2);
        assert_text(&limits[0], resource.as_bytes());
        assert_text(&limits[1], limit.to_string().as_bytes());
    }
    let mailbox = MailboxName::new(root);
    if let Some((_, arguments)) = from.other(command::GetQuotaRoot::new(mailbox.clone()), session) {
        assert_eq!(arguments.len(), 1);
        assert_mailbox(&arguments[0], &mailbox, session);
    }
}

fn rights(from: &mut Chooser<'_>, session: &Session) {
    let (mailbox, who, letters) = (MailboxName::new(from.text()), from.text(), from.text());
    let (of, to, rights) = (mailbox.clone(), &*who, &*letters);
    let set = match from.below(3) {
        0 => ("+", command::SetAcl::add(of, to, rights)),
        1 => ("-", command::SetAcl::remove(of, to, rights)),
        _ => ("", command::SetAcl::replace(of, to, rights)),
    };
    if let Some((name, arguments)) = from.other(set.1, session) {
        let [first, second, third] = &*arguments else { panic!("{arguments:?}") };
        assert_eq!(name, "SETACL");
        assert_mailbox(first, &mailbox, session);
        assert_text(second, who.as_bytes());
        assert_text(third, format!("{}{letters}", set.0).as_bytes());
    }
    for (verb, one) in [
        ("GETACL", from.other(command::GetAcl::new(mailbox.clone()), session)),
        ("MYRIGHTS", from.other(command::GetMyRights::new(mailbox.clone()), session)),
    ] {
        let Some((name, arguments)) = one else { continue };
        assert_eq!((name.as_str(), arguments.len()), (verb, 1));
        assert_mailbox(&arguments[0], &mailbox, session);
    }
    for two in [
        from.other(command::DeleteAcl::new(mailbox.clone(), &*who), session),
        from.other(command::GetListRights::new(mailbox.clone(), &*who), session),
    ] {
        let Some((_, arguments)) = two else { continue };
        let [first, second] = &*arguments else { panic!("{arguments:?}") };
        assert_mailbox(first, &mailbox, session);
        assert_text(second, who.as_bytes());
    }
}

fn annotations(from: &mut Chooser<'_>, session: &Session) {
    let (mailbox, plain) = (MailboxName::new(from.text()), from.yes());
    let entry = format!("/{}", if plain { from.word() } else { from.text() });
    let value = from.bytes();
    let set = command::SetMetadata::of(mailbox.clone()).set(&*entry, value.clone()).unset("/private/x");
    if let Some((name, arguments)) = from.other(set, session) {
        let [first, Value::List(entries)] = &*arguments else { panic!("{arguments:?}") };
        assert_eq!((name.as_str(), entries.len()), ("SETMETADATA", 4));
        assert_mailbox(first, &mailbox, session);
        assert_text(&entries[0], entry.as_bytes());
        assert_eq!(entries[1], Value::String(value));
        assert_eq!(entries[3], Value::Word("NIL".into()));
    }
    let get = command::GetMetadata::of(mailbox.clone(), [&*entry, "/private/y"]).max_size(from.small());
    let server = command::GetMetadata::of_server([&*entry]);
    if let Some((_, arguments)) = from.other(server, session) {
        let [mailbox, entries] = &*arguments else { panic!("{arguments:?}") };
        assert_text(mailbox, b"");
        let first = if let Value::List(entries) = entries { &entries[0] } else { entries };
        assert_text(first, entry.as_bytes());
    }
    let depth = from.one_of(&[MetadataDepth::Zero, MetadataDepth::One, MetadataDepth::Infinity]);
    let get = get.depth(depth);
    let written = match depth {
        MetadataDepth::Zero => None,
        MetadataDepth::One => Some("1"),
        MetadataDepth::Infinity => Some("infinity"),
    };
    if let Some((_, arguments)) = from.other(get, session) {
        let [Value::List(options), first, Value::List(entries)] = &*arguments else {
            panic!("{arguments:?}")
        };
        let words = options.get(2..).unwrap_or_default();
        let meant = written.map(|depth| ["DEPTH", depth].map(|word| Value::Word(word.to_owned())));
        assert_eq!((words, entries.len()), (meant.as_ref().map_or(&[][..], |both| both), 2));
        assert_mailbox(first, &mailbox, session);
        assert_text(&entries[0], entry.as_bytes());
    }
}
