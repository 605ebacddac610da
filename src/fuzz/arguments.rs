//! Arguments of commands: whatever bytes they have, each line that the client writes is exactly one
//! command, with no more waiting literals than the client waits for, and means what was meant; or
//! the client refuses to write it.
//!
//! In: a fuzzer's bytes. Out: the commands that were written, with their meaning, so that another
//! parser can be asked as well.

use bytes::BytesMut;

use super::chooser::Chooser;
use super::{commands, meaning};
use crate::command::{self, Flow, Line, Session};
use crate::wire::encode::Fragment;
use crate::wire::request::{Command, RequestFrame, RequestFramer, Value, request, value_as_mailbox};

/// How many lines of one command are written.
const MAX_LINES: usize = 5;
/// The byte of which streamed messages are made.
pub(super) const STREAMED: u8 = b's';

/// One command, as it goes to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// All bytes, those of literals included, with the last line end.
    pub bytes: Vec<u8>,
    /// Whether the session takes UTF-8 in names.
    pub utf8: bool,
    /// The name, and the arguments in a form that does not depend on how they were written: `COPY
    /// uid 1:3 "Drafts"`. `None` where imap-codec has no such command, or not all of its forms.
    pub meaning: Option<String>,
}

/// Makes commands from the bytes until there are no more, and writes each.
#[must_use]
pub fn arguments(data: &[u8]) -> Vec<Written> {
    let mut from = Chooser::new(data);
    while !from.is_empty() {
        commands::command(&mut from);
    }
    from.written
}

/// A mailbox's name, decoded, from the bytes of an argument.
#[must_use]
pub fn mailbox_text(bytes: &[u8], utf8: bool) -> Option<String> {
    let value = Value::String(bytes.to_vec().into());
    Some(value_as_mailbox(&value, utf8)?.as_str().to_owned())
}

impl Chooser<'_> {
    /// The command that a server parses from the first line of this one; `None` if the client
    /// refuses to write it.
    pub(super) fn read(&mut self, command: impl command::Command, session: &Session) -> Option<Command> {
        let mut read = None;
        for (at, line) in self.lines_of(command, session).into_iter().enumerate() {
            let utf8 = session.is_utf8();
            let whole = line.strip_suffix(b"\r\n").expect("a line");
            let parsed =
                request(whole, utf8).unwrap_or_else(|error| panic!("{error}: {}", line.escape_ascii()));
            assert_eq!(parsed.tag, "A1");
            // imap-codec has no quoted strings in UTF-8.
            let meaning = meaning::meaning(&parsed.command, utf8).filter(|_| !utf8 || line.is_ascii());
            self.written.push(Written { bytes: line, utf8, meaning });
            if at == 0 {
                read = Some(parsed.command);
            }
        }
        read
    }

    /// The lines of this command, each of which a server takes for one command; none if the client
    /// refuses to write the first.
    pub(super) fn lines_of(&mut self, mut command: impl command::Command, session: &Session) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        while lines.len() < MAX_LINES {
            let mut line = Line::new(Some("A1"), session);
            let Ok(flow) = command.encode(&mut line, session) else { break };
            let sizes: Vec<_> = line.take_sources().iter().map(|source| source.size()).collect();
            let Ok(fragments) = line.finish() else { break };
            lines.push(one_command(&fragments, sizes));
            if flow == Flow::Last {
                break;
            }
        }
        lines
    }

    /// Asserts that the command, if it could be written, is parsed as `meant`.
    pub(super) fn same(&mut self, command: impl command::Command, session: &Session, meant: &Command) {
        if let Some(read) = self.read(command, session) {
            assert_eq!(&read, meant);
        }
    }

    /// The name and the arguments of a command that the server has no type for.
    pub(super) fn other(
        &mut self,
        command: impl command::Command,
        session: &Session,
    ) -> Option<(String, Vec<Value>)> {
        match self.read(command, session)? {
            Command::Other { name, arguments } => Some((name, arguments)),
            known => panic!("{known:?}"),
        }
    }
}

/// All bytes of a line, the uploads in it included, whose sizes these are: what a server takes for
/// one command, with as many waiting literals as the client waits for.
fn one_command(fragments: &[Fragment], sizes: Vec<u64>) -> Vec<u8> {
    let (mut bytes, mut waits, mut sizes) = (Vec::new(), 0, sizes.into_iter());
    for fragment in fragments {
        bytes.extend_from_slice(fragment.as_bytes());
        if matches!(fragment, Fragment::Awaited) {
            let size = sizes.next().and_then(|size| usize::try_from(size).ok());
            bytes.resize(bytes.len() + size.expect("each upload has its source"), STREAMED);
        }
        waits += usize::from(matches!(fragment, Fragment::Literal { sync: true, .. } | Fragment::Awaited));
    }
    assert_eq!(sizes.next(), None, "each source is announced");
    let shown = bytes.escape_ascii();
    let (mut framer, mut src) = (RequestFramer::new(1 << 20), BytesMut::from(&*bytes));
    let (mut commands, mut waited) = (Vec::new(), 0);
    while let Some(frame) = framer.decode(&mut src).unwrap_or_else(|error| panic!("{error}: {shown}")) {
        match frame {
            RequestFrame::Command(command) => commands.push(command),
            RequestFrame::Literal(_) => {
                waited += 1;
                framer.accept();
            }
        }
    }
    assert_eq!((commands.len(), waited), (1, waits), "{shown}");
    bytes
}

/// Asserts that a text among arguments is this one, whichever form it took.
#[track_caller]
pub(super) fn assert_text(value: &Value, meant: &[u8]) {
    match value {
        Value::Word(word) => assert_eq!(word.as_bytes(), meant),
        Value::String(bytes) => assert_eq!(bytes, meant),
        Value::List(_) => panic!("{value:?}"),
    }
}

/// Asserts that a mailbox among arguments is this one.
#[track_caller]
pub(super) fn assert_mailbox(value: &Value, meant: &crate::types::MailboxName, session: &Session) {
    assert_eq!(value_as_mailbox(value, session.is_utf8()).as_ref(), Some(meant));
}
