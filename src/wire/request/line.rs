//! The names of commands and their arguments; and the two kinds of line that are no commands: DONE
//! and SASL responses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::command::{Change, Command, Store, StoreAnnotations, StoreLabels};
use super::cursor::{Cursor, DEPTH, Read};
use super::{fetch, mailbox, notify, search, sort};

/// The commands without arguments.
const PLAIN: [&str; 11] = [
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "STARTTLS",
    "CLOSE",
    "UNSELECT",
    "CHECK",
    "EXPUNGE",
    "IDLE",
    "NAMESPACE",
    "UNAUTHENTICATE",
];

/// The rest of a command, after its tag.
pub(super) fn command(i: &mut Cursor<'_>) -> Read<Command> {
    i.space()?;
    let name = i.name()?;
    let command = match &*name {
        "UID" => {
            i.space()?;
            let name = i.name()?;
            by_number(i, &name, true)?
        }
        "LOGIN" => {
            i.space()?;
            let user = i.astring()?;
            i.space()?;
            Command::Login { user, password: i.astring()? }
        }
        "AUTHENTICATE" => authenticate(i)?,
        "NOTIFY" => Command::Notify(notify::notify(i)?),
        "ENABLE" => {
            i.space()?;
            Command::Enable(i.separated(Cursor::name)?)
        }
        "ID" => {
            i.space()?;
            Command::Id(id(i)?)
        }
        _ => match PLAIN.iter().find(|plain| **plain == name) {
            Some(plain) => Command::Plain(plain),
            None => match mailbox::command(i, &name)? {
                Some(command) => command,
                None => by_number(i, &name, false)?,
            },
        },
    };
    i.end()?;
    Ok(command)
}

/// Commands that have a form with UID, and all unknown ones.
fn by_number(i: &mut Cursor<'_>, name: &str, uid: bool) -> Read<Command> {
    Ok(match name {
        "SEARCH" => Command::Search(search::search(i, uid)?),
        "ESEARCH" if !uid => Command::SearchIn(search::search_in(i)?),
        "SORT" => Command::Sort(sort::sort(i, uid)?),
        "THREAD" => Command::Thread(sort::thread(i, uid)?),
        "FETCH" => Command::Fetch(fetch::fetch(i, uid)?),
        "STORE" => store(i, uid)?,
        "COPY" | "MOVE" => {
            i.space()?;
            let which = i.numbers()?;
            i.space()?;
            Command::Copy { uid, moving: name == "MOVE", which, to: mailbox::name(i)? }
        }
        "REPLACE" => {
            i.space()?;
            let old = i.numbers()?;
            i.space()?;
            let to = mailbox::name(i)?;
            i.space()?;
            Command::Replace { uid, old, to, message: Box::new(mailbox::append_message(i)?) }
        }
        "EXPUNGE" if uid => {
            i.space()?;
            Command::UidExpunge(i.numbers()?)
        }
        _ => {
            let name = if uid { format!("UID {name}") } else { name.to_owned() };
            let arguments = if i.take(" ") { i.separated(|i| i.value(DEPTH))? } else { Vec::new() };
            Command::Other { name, arguments }
        }
    })
}

/// `mechanism [SP initial-resp]` (RFC 9051 section 6.2.2).
fn authenticate(i: &mut Cursor<'_>) -> Read<Command> {
    i.space()?;
    let mechanism = i.name()?;
    let mut initial = None;
    if i.take(" ") {
        let start = *i;
        initial = match i.take_rest() {
            b"=" => Some(Vec::new()),
            text => match BASE64.decode(text) {
                Ok(answer) if !text.is_empty() => Some(answer),
                _ => return start.fail("base64, or = for nothing"),
            },
        };
    }
    Ok(Command::Authenticate { mechanism, initial })
}

/// `id-params-list` (RFC 2971 section 4).
fn id(i: &mut Cursor<'_>) -> Read<Vec<(bytes::Bytes, Option<bytes::Bytes>)>> {
    if i.take("NIL") || i.take("()") {
        return Ok(Vec::new());
    }
    i.list(|i| {
        let field = i.string()?;
        i.space()?;
        Ok((field, i.nstring()?))
    })
}

/// `STORE 1:3 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\Seen)` (RFC 9051 section 6.4.6, RFC 7162 section
/// 3.1.3), `STORE 1:3 +X-GM-LABELS (foo)`, or `STORE 1:3 ANNOTATION (…)` (RFC 5257 section 4.5).
fn store(i: &mut Cursor<'_>, uid: bool) -> Read<Command> {
    i.space()?;
    let which = i.numbers()?;
    i.space()?;
    let mut unchanged_since = None;
    if i.take("(UNCHANGEDSINCE ") {
        unchanged_since = Some(i.number()?);
        i.expect(") ")?;
    }
    let change = match i.peek() {
        Some(b'+') => Change::Add,
        Some(b'-') => Change::Remove,
        _ => Change::Replace,
    };
    let _ = i.take("+") || i.take("-");
    if change == Change::Replace && i.take("ANNOTATION ") {
        let entries = i.list(mailbox::annotation)?;
        return Ok(Command::StoreAnnotations(StoreAnnotations { uid, which, unchanged_since, entries }));
    }
    if i.take("X-GM-LABELS") {
        let silent = i.take(".SILENT");
        i.space()?;
        let labels = match i.peek() {
            Some(b'(') if i.take("()") => Vec::new(),
            Some(b'(') => i.list(mailbox::label)?,
            _ => i.separated(mailbox::label)?,
        };
        let store = StoreLabels { uid, which, unchanged_since, change, silent, labels };
        return Ok(Command::StoreLabels(store));
    }
    i.expect("FLAGS")?;
    let silent = i.take(".SILENT");
    i.space()?;
    let flags = if i.peek() == Some(b'(') { i.flags()? } else { i.bare_flags()? };
    Ok(Command::Store(Store { uid, which, unchanged_since, change, silent, flags }))
}

/// Whether this line, without its end, is the DONE that ends IDLE (RFC 9051 section 6.3.13).
pub(crate) fn is_done(line: &[u8]) -> bool {
    line.eq_ignore_ascii_case(b"DONE")
}

/// A client's response to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SaslAnswer {
    /// `*`: the client cancels the exchange.
    Cancel,
    /// The answer, decoded.
    Answer(Vec<u8>),
}

/// Parses a line, without its end, as the response to a challenge (RFC 9051 section 6.2.2). `None`:
/// it is not base64.
pub(crate) fn sasl_answer(line: &[u8]) -> Option<SaslAnswer> {
    match line {
        b"*" => Some(SaslAnswer::Cancel),
        _ => BASE64.decode(line).ok().map(SaslAnswer::Answer),
    }
}
