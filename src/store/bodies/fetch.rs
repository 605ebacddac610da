//! A body or a part, from the server into the file: piece by piece, so that a long one is never in
//! memory as a whole, and on from where an earlier attempt was cut off.
//!
//! In: a content, an account. Out: a body in the file that counts only once it is whole.

use bytes::BytesMut;
use rusqlite::{OptionalExtension as _, Transaction, params};
use tokio::io::AsyncReadExt as _;

use super::rows::{self, State};
use super::text::read_message;
use crate::account::{Account, AccountState};
use crate::client::Select;
use crate::error::{Error, ErrorKind};
use crate::store::database::{Database, Durability};
use crate::store::error::{StoreError, StoreErrorKind, StoreResult};
use crate::store::ids::MessageId;
use crate::store::sync::{Either, race};
use crate::types::{MailboxName, Part, Section, Uid, UidValidity, ViewSync};

/// The beginning of a message in which words for the search are looked for.
const MAX_PARSED: usize = 2 << 20;

/// Where the server has a content.
#[derive(Debug)]
struct Location {
    /// The same as a text.
    source: String,
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

/// Waits until the account has no way to the server.
async fn is_away(account: &Account) {
    let mut status = account.status();
    let mut now = Some(status.now());
    while let Some(known) = now {
        let away = matches!(
            known.state,
            AccountState::Waiting { .. }
                | AccountState::Parked { .. }
                | AccountState::Closing
                | AccountState::Closed
        );
        if away {
            return;
        }
        now = status.changed().await;
    }
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
/// on behind it.
async fn fetch_once(database: &Database, account: &Account, wanted: &Wanted) -> StoreResult<bool> {
    let content = wanted.content;
    let location = database.read(move |file| location(file, content)).await?;
    let location = location.ok_or_else(|| {
        StoreError::new(
            StoreErrorKind::Offline,
            "the message is not at the server now: it is being moved or sent",
        )
    })?;
    let section = if wanted.section.is_empty() { Section::Full } else { part_section(&wanted.section)? };
    let select = Select::new(location.mailbox.clone()).read_only().view_sync(ViewSync::Off);
    let mailbox = account.mailbox(select).await?;
    if mailbox.uid_validity() != location.uid_validity {
        return Err(StoreError::not_found("the message is gone: its mailbox has been made again"));
    }
    let (begun, source) = (wanted.clone(), location.source.clone());
    let begin = move |file: &Transaction<'_>| {
        if rows::find(file, begun.content, &begun.section)?.is_some() {
            return Ok(None);
        }
        rows::begin(file, begun.content, &begun.section, Some(&source)).map(Some)
    };
    let Some(begun) = database.write(Durability::Process, begin).await? else { return Ok(true) };
    let (body, mut number) = (begun.body, begun.pieces);
    let mut source = mailbox.body(location.uid, section).starting_at(begun.bytes);
    let max_bytes = database.max_body_bytes();
    loop {
        let mut piece = BytesMut::with_capacity(rows::PIECE);
        while piece.len() < rows::PIECE {
            let read = (&mut source).take((rows::PIECE - piece.len()) as u64).read_buf(&mut piece).await;
            if read.map_err(not_sent)? == 0 {
                break;
            }
        }
        let is_last = piece.len() < rows::PIECE;
        if !piece.is_empty() {
            let piece = piece.freeze();
            let add = move |file: &Transaction<'_>| {
                let state = rows::add(file, body, number, &piece)?;
                rows::evict(file, max_bytes, body)?;
                Ok(state)
            };
            match database.write(Durability::Process, add).await? {
                State::Part => {}
                State::Whole => return Ok(true),
                State::Gone => return Ok(false),
            }
            number += 1;
        }
        if is_last {
            break;
        }
    }
    finish(database, wanted, body).await
}

/// All pieces are here: it is whole, and its words are found. Whether it is still here.
async fn finish(database: &Database, wanted: &Wanted, body: i64) -> StoreResult<bool> {
    let text = match wanted.section.as_str() {
        "" => {
            let beginning = database.read(move |file| rows::beginning(file, body, MAX_PARSED)).await?;
            Some(read_message(beginning).await?.1)
        }
        _ => None,
    };
    let content = wanted.content;
    database
        .write(Durability::Process, move |file| {
            if rows::complete(file, body, false)? == State::Gone {
                return Ok(false);
            }
            if let Some(text) = text {
                rows::index(file, content, &text)?;
            }
            Ok(true)
        })
        .await
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

fn location(file: &Transaction<'_>, content: i64) -> Result<Option<Location>, crate::store::error::Fault> {
    let sql = "SELECT b.name, m.uid, b.uid_validity, b.id FROM message m JOIN mailbox b ON b.id = m.mailbox \
               WHERE m.content = ? AND m.uid IS NOT NULL AND b.name IS NOT NULL LIMIT 1";
    let row = file.prepare_cached(sql)?.query_row(params![content], |row| {
        let (uid, uid_validity) = (row.get::<_, u32>(1)?, row.get::<_, Option<u32>>(2)?);
        Ok((row.get::<_, String>(0)?, uid, uid_validity, row.get::<_, i64>(3)?))
    });
    Ok(row.optional()?.and_then(|(name, uid, uid_validity, mailbox)| {
        let source = format!("{mailbox} {} {uid}", uid_validity.unwrap_or_default());
        let uid_validity = uid_validity.and_then(UidValidity::new);
        Some(Location { source, mailbox: MailboxName::exact(name), uid: Uid::new(uid)?, uid_validity })
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
