//! A body or a part, from the server into the file: piece by piece, so that a long one is never in
//! memory as a whole, and on from where an earlier attempt was cut off.
//!
//! In: a content, an account. Out: a body in the file that counts only once it is whole.

use bytes::{Bytes, BytesMut};
use rusqlite::{OptionalExtension as _, Transaction, params};
use tokio::io::AsyncReadExt as _;

use super::rows::{self, Begun, State};
use super::text::read_message;
use crate::account::Account;
use crate::client::{Body, Mailbox, Select};
use crate::error::{Error, ErrorKind};
use crate::store::database::{Database, Durability};
use crate::store::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use crate::store::ids::{MailboxId, MessageId, RowIds as _};
use crate::store::rows::{mailbox, message};
use crate::store::sync::{Either, is_away, race, traits};
use crate::types::{MailboxName, Part, Section, Uid, UidValidity, ViewSync};

/// The beginning of a message in which words for the search are looked for.
const MAX_PARSED: usize = 2 << 20;
/// What a piece is given room for at first; most bodies are shorter.
const FIRST_ROOM: usize = 16 << 10;

/// Where the server has a content.
#[derive(Clone, Debug)]
struct Location {
    /// The same as a text.
    source: String,
    message: MessageId,
    id: MailboxId,
    key: Option<String>,
    mailbox: MailboxName,
    uid: Uid,
    uid_validity: Option<UidValidity>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) account: i64,
    pub(super) content: i64,
    /// As in the table: '' is the whole message.
    pub(super) section: String,
}

/// The content of a message.
pub(super) async fn wanted(database: &Database, message: MessageId, section: String) -> StoreResult<Wanted> {
    let find = move |file: &Transaction<'_>| {
        let sql = "SELECT c.account, c.id FROM message m JOIN content c ON c.id = m.content WHERE m.id = ?";
        let mut find = file.prepare_cached(sql)?;
        Ok(find.query_row([message.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    };
    let row = database.read(find).await?;
    let (account, content) =
        row.ok_or_else(|| StoreError::not_found(format!("there is no message {message}, or no longer")))?;
    Ok(Wanted { account, content, section })
}

/// Makes sure that it is in the file as a whole.
pub(super) async fn obtain(database: &Database, wanted: &Wanted) -> StoreResult<()> {
    let offline = || {
        let what = "the message is not in the store, and there is no connection to its account";
        StoreError::new(StoreErrorKind::Offline, what)
    };
    let account = database.engaged(wanted.account).ok_or_else(offline)?;
    match race(fetch(database, &account, wanted), is_away(&account)).await {
        Either::First(fetched) => fetched,
        Either::Second(()) => Err(offline()),
    }
}

/// From the server, into the file.
pub(super) async fn fetch_content(
    database: &Database,
    account: &Account,
    account_id: i64,
    content: i64,
) -> StoreResult<()> {
    let wanted = Wanted { account: account_id, content, section: String::new() };
    fetch(database, account, &wanted).await
}

/// How often it is begun again, because room was made meanwhile by removing it.
const MAX_TURNS: usize = 3;

async fn fetch(database: &Database, account: &Account, wanted: &Wanted) -> StoreResult<()> {
    for _ in 0..MAX_TURNS {
        if fetch_once(database, account, wanted).await? {
            return Ok(());
        }
    }
    Err(StoreError::new(StoreErrorKind::Full, "there is no room for the message: others are asked for, too"))
}

/// Whether it is in the file now. What has come before a failure stays there, and the next one goes
/// on behind it. Each piece is one transaction, the last one that of the end: so a short body waits
/// for the writer once.
async fn fetch_once(database: &Database, account: &Account, wanted: &Wanted) -> StoreResult<bool> {
    let _held = database.structure(wanted.account).hold().await;
    let known = wanted.clone();
    let find = move |file: &Transaction<'_>| {
        let Some(location) = location(file, known.content)? else {
            return Err(nowhere(file, known.content)?);
        };
        let part = rows::part(file, known.content, &known.section, &location.source)?;
        Ok((location, part))
    };
    let (location, part) = database.read(find).await?;
    let section = if wanted.section.is_empty() { Section::Full } else { part_section(&wanted.section)? };
    let select = Select::new(location.mailbox.clone()).read_only().view_sync(ViewSync::Off);
    let mailbox = account.mailbox(select).await?;
    if mailbox.uid_validity() != location.uid_validity {
        return Err(StoreError::not_found("the message is gone: its mailbox has been made again"));
    }
    let from = part.map_or(0, |part| part.bytes);
    let mut source = mailbox.body(location.uid, section).starting_at(from);
    let (mut body, mut number) = (part.map(|part| part.body), part.map_or(0, |part| part.pieces));
    // Both are asked for at once, and of one selection: it has one message under a UID.
    let (first, is_same) = tokio::join!(next_piece(&mut source), is_same(database, &mailbox, &location));
    if !is_same? {
        return Err(other(database, wanted, location).await);
    }
    let mut first = Some(first?);
    loop {
        let piece = match first.take() {
            Some(first) => first,
            None => next_piece(&mut source).await?,
        };
        let words = match piece.len() < rows::PIECE {
            true => Some(words(database, wanted, body, &piece).await?),
            false => None,
        };
        let is_last = words.is_some();
        let (wanted, source) = (wanted.clone(), location.source.clone());
        let (used, max_bytes) = (database.take_used(), database.max_body_bytes());
        let add = move |file: &Transaction<'_>| {
            let body = match body {
                Some(body) => body,
                None => match rows::begin(file, wanted.content, &wanted.section, &source)? {
                    Begun::Body(body) => body,
                    Begun::Whole => return Ok((State::Whole, 0)),
                    Begun::Gone => return Err(gone().into()),
                },
            };
            let mut state = rows::add(file, body, number, &piece)?;
            if let Some(words) = words.filter(|_| state == State::Part) {
                state = rows::complete(file, body, false)?;
                if let Some(words) = words {
                    rows::index(file, wanted.content, &words)?;
                }
            }
            used.iter().try_for_each(|body| rows::touch(file, *body))?;
            rows::evict(file, max_bytes, body)?;
            Ok((state, body))
        };
        match database.write(Durability::Process, add).await? {
            (State::Whole, _) => return Ok(true),
            (State::Gone, _) => return Ok(false),
            (State::Part, _) if is_last => return Ok(false),
            (State::Part, added) => (body, number) = (Some(added), number + 1),
        }
    }
}

/// Whether the message that has the UID is that of the rows: a server that was restored from a
/// backup has others under known UIDs, and the next look may be still to come.
async fn is_same(database: &Database, mailbox: &Mailbox, location: &Location) -> StoreResult<bool> {
    let rows = traits(mailbox, location.uid).await?;
    let (uid, message) = (location.uid, location.message);
    let is_same = move |file: &Transaction<'_>| match rows.iter().find(|row| row.uid() == Some(uid)) {
        Some(row) => message::is_same_text(file, message, row),
        // It was expunged, which reading it says, too.
        None => Ok(true),
    };
    database.read(is_same).await
}

/// The row goes, and a look that believes nothing follows.
async fn other(database: &Database, wanted: &Wanted, location: Location) -> StoreError {
    let Location { message, id, key, mailbox, .. } = location;
    let remove = move |file: &Transaction<'_>| {
        message::leaves(file, message)?;
        mailbox::distrust(file, id)
    };
    // Without room for it the next one finds it.
    _ = database.write(Durability::Process, remove).await;
    if let Some(key) = key {
        database.doubt(wanted.account, key);
    }
    StoreError::not_found(format!(
        "{mailbox}: the message is gone: the server, which may have been restored, has another message under its UID"
    ))
}

/// The next piece: a full one, or the last one, which may be empty.
async fn next_piece(source: &mut Body) -> StoreResult<Bytes> {
    let mut piece = BytesMut::with_capacity(FIRST_ROOM);
    while piece.len() < rows::PIECE {
        let room = (rows::PIECE - piece.len()) as u64;
        if source.take(room).read_buf(&mut piece).await.map_err(not_sent)? == 0 {
            break;
        }
    }
    Ok(piece.freeze())
}

/// The words of a message of which this is the last piece; `None` for a part of one.
async fn words(
    database: &Database,
    wanted: &Wanted,
    body: Option<i64>,
    last: &Bytes,
) -> StoreResult<Option<String>> {
    if !wanted.section.is_empty() {
        return Ok(None);
    }
    let beginning = match body {
        None => last.clone(),
        Some(body) => {
            let mut bytes =
                database.read(move |file| rows::beginning(file, body, MAX_PARSED)).await?.to_vec();
            if bytes.len() < MAX_PARSED {
                bytes.extend_from_slice(last);
            }
            bytes.into()
        }
    };
    Ok(Some(read_message(beginning).await?.1))
}

fn not_sent(error: std::io::Error) -> StoreError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).cloned();
    match inner {
        Some(error) if error.kind() == ErrorKind::Expunged => {
            StoreError::not_found("the message was expunged meanwhile").because(error)
        }
        Some(error) => error.into(),
        None => {
            StoreError::new(StoreErrorKind::Server, "the server does not send the message").because(error)
        }
    }
}

fn gone() -> StoreError {
    StoreError::not_found("the message is gone")
}

/// Why the server does not have this content.
fn nowhere(file: &Transaction<'_>, content: i64) -> Result<Fault, Fault> {
    let mut find = file.prepare_cached("SELECT EXISTS (SELECT 1 FROM message WHERE content = ?)")?;
    let is_here: bool = find.query_row([content], |row| row.get(0))?;
    let what = "the message is not at the server now: it is being moved or sent";
    let error = if is_here { StoreError::new(StoreErrorKind::Offline, what) } else { gone() };
    Ok(error.into())
}

fn location(file: &Transaction<'_>, content: i64) -> Result<Option<Location>, Fault> {
    let sql = "SELECT b.name, m.uid, b.uid_validity, b.id, m.id, b.key FROM message m JOIN mailbox b ON b.id = m.mailbox \
               WHERE m.content = ? AND m.uid IS NOT NULL AND b.name IS NOT NULL LIMIT 1";
    let row = file.prepare_cached(sql)?.query_row(params![content], |row| {
        let (uid, uid_validity) = (row.get::<_, u32>(1)?, row.get::<_, Option<u32>>(2)?);
        let (id, message) = (row.id::<MailboxId>(3)?, row.id::<MessageId>(4)?);
        Ok((row.get::<_, String>(0)?, uid, uid_validity, id, message, row.get::<_, Option<String>>(5)?))
    });
    Ok(row.optional()?.and_then(|(name, uid, uid_validity, id, message, key)| {
        let source = format!("{id} {} {uid}", uid_validity.unwrap_or_default());
        let uid_validity = uid_validity.and_then(UidValidity::new);
        let (mailbox, uid) = (MailboxName::exact(name), Uid::new(uid)?);
        Some(Location { source, message, id, key, mailbox, uid, uid_validity })
    }))
}

/// The section of a part's number.
pub(super) fn part_section(number: &str) -> StoreResult<Section> {
    let wrong = || StoreError::invalid(format!("{number:?} is no number of a part, such as 1.2"));
    let mut part: Option<Part> = None;
    for piece in number.split('.') {
        let piece: u32 = piece.parse().ok().filter(|piece| *piece > 0).ok_or_else(wrong)?;
        part = Some(part.map_or_else(|| Part::new(piece), |part| part.child(piece)));
    }
    part.map(Section::Part).ok_or_else(wrong)
}
