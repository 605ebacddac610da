//! Commands about the session, those that log in, and users' own, with arguments from a fuzzer's
//! bytes: the server parses what was meant, or the client refuses to write it.

use super::answers::uids;
use super::arguments::{assert_mailbox, assert_text};
use super::chooser::Chooser;
use super::commands::is_item;
use super::rows::flags;
use crate::command::{self, Action, Class, Flow, Line, Messages, NotifyEvent, Session};
use crate::error::Result;
use crate::types::{Flags, MailboxName, Section};
use crate::wire::request::{Command, Value};

/// What the server has, beside what it has otherwise.
const MORE: [&str; 6] = ["NOTIFY", "ENABLE", "NAMESPACE", "UNAUTHENTICATE", "STARTTLS", "COMPRESS=DEFLATE"];

/// Makes one such command, writes it and parses the output.
pub(super) fn about_session(from: &mut Chooser<'_>, known: &Session) {
    let capabilities = known.capabilities().iter().chain(MORE).collect();
    let session = &Session { capabilities, ..known.clone() };
    match from.below(6) {
        0 => one_word(from, session),
        1 => enable(from, session),
        2 => notify(from, session),
        3 => raw(from, session),
        4 => own(from, session),
        _ => own_text(from, session),
    }
}

fn one_word(from: &mut Chooser<'_>, session: &Session) {
    from.same(command::Noop, session, &Command::Plain("NOOP"));
    from.same(command::Logout, session, &Command::Plain("LOGOUT"));
    from.same(command::Close, session, &Command::Plain("CLOSE"));
    from.same(command::Unauthenticate, session, &Command::Plain("UNAUTHENTICATE"));
    from.same(command::Idle, session, &Command::Plain("IDLE"));
    from.same(command::StartTls, session, &Command::Plain("STARTTLS"));
    #[cfg(feature = "compress")]
    {
        let deflate = vec![Value::Word("DEFLATE".to_owned())];
        assert_eq!(from.other(command::Compress, session), Some(("COMPRESS".to_owned(), deflate)));
    }
    let checked = from.read(command::Checkpoint, session);
    assert!(matches!(checked, Some(Command::Plain("CHECK" | "NOOP"))), "{checked:?}");
    from.same(command::Capability, session, &Command::Plain("CAPABILITY"));
    from.same(command::Expunge::all_deleted(), session, &Command::Plain("EXPUNGE"));
    from.same(command::GetNamespaces::new(), session, &Command::Plain("NAMESPACE"));
    let fields = from.list(3, |from| (from.text(), from.text()));
    let id = fields.iter().fold(command::Id::nothing(), |id, (name, value)| id.field(name, value));
    let bytes = |text: &String| bytes::Bytes::copy_from_slice(text.as_bytes());
    let meant = fields.iter().map(|(name, value)| (bytes(name), Some(bytes(value)))).collect();
    from.same(id, session, &Command::Id(meant));
}

fn enable(from: &mut Chooser<'_>, session: &Session) {
    let names = from.some(3, |from| if from.yes() { from.word() } else { from.text() });
    let Some(read) = from.read(command::Enable::new(names.clone()), session) else { return };
    let Command::Enable(read) = read else { panic!("{read:?}") };
    let meant: Vec<_> = names.iter().map(|name| name.to_ascii_uppercase()).collect();
    assert_eq!(read, meant);
}

fn notify(from: &mut Chooser<'_>, session: &Session) {
    let names: Vec<_> = from.some(3, Chooser::text).into_iter().map(MailboxName::new).collect();
    let item = from.text();
    let watch = command::Notify::set()
        .status()
        .subtree(names.clone(), NotifyEvent::MAILBOXES)
        .selected(command::SelectedNotify::immediate().fetching(command::Items::other(&item).flags()));
    if !is_item(&item) {
        drop(from.lines_of(watch, session));
        return;
    }
    let Some(read) = from.read(watch, session) else { return };
    let Command::Notify(Some(read)) = read else { panic!("{read:?}") };
    let subtree = read.groups.iter().find(|group| group.filter == "SUBTREE").expect("it was asked for");
    assert_eq!((read.status, read.groups.len(), &subtree.names), (true, 2, &names));
}

/// A line of a user's own is that line, or is refused.
fn raw(from: &mut Chooser<'_>, session: &Session) {
    let line = format!("X-{}", from.text());
    for written in from.lines_of(command::Raw::new(&*line), session) {
        assert_eq!(written, format!("A1 {line}\r\n").into_bytes());
    }
}

/// One command by each method of [`Line`].
struct Own {
    text: String,
    bytes: bytes::Bytes,
    flags: Flags,
    which: Messages,
    section: Section,
    secret: bool,
}

impl Action for Own {
    fn name(&self) -> &str {
        "X-OWN"
    }

    fn class(&self) -> Class {
        Class::barrier()
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.command("X-OWN", &self.which).string(&self.bytes).astring(&self.text).nstring(Some(&self.text));
        line.open().atom("BODY.PEEK").section(&self.section).close();
        line.mailbox(&MailboxName::new(&self.text)).flags(&self.flags).literal8(self.bytes.clone());
        if self.secret {
            line.secret(&self.bytes);
        } else {
            line.literal(self.bytes.clone());
        }
        Ok(Flow::Last)
    }
}

fn own(from: &mut Chooser<'_>, session: &Session) {
    let (text, bytes, flags, which) = (from.text(), from.bytes(), flags(from), uids(from));
    let (section, secret) = (Section::header_fields(from.some(2, Chooser::text)), from.yes());
    let own = Own {
        text: text.clone(),
        bytes: bytes.clone(),
        flags: flags.clone(),
        which: which.into(),
        section,
        secret,
    };
    for line in from.lines_of(own, session) {
        assert!(line.starts_with(b"A1 UID X-OWN "), "{}", line.escape_ascii());
    }
}

/// A user's own command of one name and one argument each.
struct OwnText(String, &'static str);

impl Action for OwnText {
    fn name(&self) -> &str {
        self.1
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        match self.1 {
            "X-ATOM" => line.atom("X-ATOM").atom(&self.0),
            "X-QUOTED" => line.atom("X-QUOTED").quoted(&self.0),
            "X-PATTERN" => line.atom("X-PATTERN").list_pattern(&self.0),
            "X-MAILBOX" => line.atom("X-MAILBOX").mailbox(&MailboxName::new(&self.0)),
            _ => line.atom("X-STRING").string(&self.0),
        };
        Ok(Flow::Last)
    }
}

fn own_text(from: &mut Chooser<'_>, session: &Session) {
    let text = from.text();
    for name in ["X-ATOM", "X-QUOTED", "X-STRING", "X-MAILBOX"] {
        let Some((written, arguments)) = from.other(OwnText(text.clone(), name), session) else { continue };
        assert_eq!((written.as_str(), arguments.len()), (name, 1));
        match (name, &arguments[0]) {
            ("X-MAILBOX", value) => assert_mailbox(value, &MailboxName::new(&text), session),
            ("X-ATOM", Value::Word(word)) => assert_eq!(*word, text),
            (_, value) => assert_text(value, text.as_bytes()),
        }
    }
    // Wildcards are no part of any value but a pattern.
    let pattern = from.lines_of(OwnText(text, "X-PATTERN"), session);
    assert!(pattern.iter().all(|line| line.starts_with(b"A1 X-PATTERN ")));
}
