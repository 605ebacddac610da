//! A body or a part, from the file or from the server.

use bytes::{Bytes, BytesMut};
use rusqlite::{OptionalExtension as _, Transaction, params};
use tokio::io::AsyncReadExt as _;

use super::rows;
use super::text::read_message;
use crate::account::{Account, AccountState};
use crate::client::Select;
use crate::error::{Error, ErrorKind};
use crate::store::database::{Database, Durability};
use crate::store::error::{StoreError, StoreErrorKind, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::MessageId;
use crate::store::sync::{Either, race};
use crate::types::{MailboxName, Part, Section, Uid, UidValidity, ViewSync};

/// Where the server has a content.
#[derive(Debug)]
struct Location {
    mailbox: MailboxName,
    uid: Uid,
    uid_validity: Option<UidValidity>,
}

/// What is asked for.
#[derive(Clone, Debug)]
struct Wanted {
    account: i64,
    content: i64,
    /// As in the table: '' is the whole message.
    section: String,
}

impl Store {
    /// A message as a whole, header and body: from the store, else from the server. It is kept then,
    /// for all messages of the same content. Cancel-safe.
    ///
    /// # Errors
    /// [`Offline`](StoreErrorKind::Offline) if it is not in the store and the account is not
    /// attached or has no connection; [`NotFound`](StoreErrorKind::NotFound) if there is no such
    /// message, or no longer; [`Server`](StoreErrorKind::Server) if the server does not send it.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{MessageId, Store, StoreResult};
    /// # async fn example(store: Store, message: MessageId) -> StoreResult<()> {
    /// let bytes = store.body(message).await?;
    /// # let _ = bytes;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn body(&self, message: MessageId) -> StoreResult<Bytes> {
        self.section(message, String::new()).await
    }

    /// One part of a message as it is sent, still in its transfer encoding; `number` is that of
    /// [`PartSummary::number`](crate::store::PartSummary::number). Otherwise as
    /// [`body`](Self::body).
    ///
    /// # Errors
    /// As [`body`](Self::body); [`Invalid`](StoreErrorKind::Invalid) if that is no number of a part.
    pub async fn part(&self, message: MessageId, number: &str) -> StoreResult<Bytes> {
        part_section(number)?;
        self.section(message, number.to_owned()).await
    }

    /// Whether the whole message is in the store.
    ///
    /// # Errors
    /// [`NotFound`](StoreErrorKind::NotFound) if there is no such message, or no longer.
    pub async fn has_body(&self, message: MessageId) -> StoreResult<bool> {
        let wanted = wanted(&self.database, message, String::new()).await?;
        self.database.read(move |file| Ok(rows::find(file, wanted.content, "")?.is_some())).await
    }

    async fn section(&self, message: MessageId, section: String) -> StoreResult<Bytes> {
        let wanted = wanted(&self.database, message, section).await?;
        if let Some(bytes) = kept(&self.database, &wanted).await? {
            return Ok(bytes);
        }
        let offline = || {
            let what = "the message is not in the store, and there is no connection to its account";
            StoreError::new(StoreErrorKind::Offline, what)
        };
        let account = self.database.engaged(wanted.account).ok_or_else(offline)?;
        match race(fetch(&self.database, &account, &wanted), is_away(&account)).await {
            Either::First(bytes) => bytes,
            Either::Second(()) => Err(offline()),
        }
    }
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

async fn wanted(database: &Database, message: MessageId, section: String) -> StoreResult<Wanted> {
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

/// From the file.
async fn kept(database: &Database, wanted: &Wanted) -> StoreResult<Option<Bytes>> {
    let (content, section) = (wanted.content, wanted.section.clone());
    let found = database
        .read(move |file| match rows::find(file, content, &section)? {
            Some(body) => Ok(Some((body, rows::read(file, body)?))),
            None => Ok(None),
        })
        .await?;
    let Some((body, bytes)) = found else { return Ok(None) };
    if !database.is_read_only() {
        // That it was used is worth no failure.
        _ = database.write(Durability::Process, move |file| rows::touch(file, body)).await;
    }
    Ok(Some(bytes))
}

/// From the server, into the file.
pub(super) async fn fetch_content(
    database: &Database,
    account: &Account,
    account_id: i64,
    content: i64,
) -> StoreResult<()> {
    let wanted = Wanted { account: account_id, content, section: String::new() };
    fetch(database, account, &wanted).await.map(|_| ())
}

async fn fetch(database: &Database, account: &Account, wanted: &Wanted) -> StoreResult<Bytes> {
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
    let begun = wanted.clone();
    let body = database
        .write(Durability::Process, move |file| rows::begin(file, begun.content, &begun.section))
        .await?;
    let mut source = mailbox.body(location.uid, section);
    let (mut whole, mut number) = (BytesMut::new(), 0);
    loop {
        let mut piece = BytesMut::with_capacity(rows::PIECE);
        while piece.len() < rows::PIECE {
            let read = (&mut source).take((rows::PIECE - piece.len()) as u64).read_buf(&mut piece).await;
            if read.map_err(not_sent)? == 0 {
                break;
            }
        }
        if piece.is_empty() {
            break;
        }
        let piece = piece.freeze();
        whole.extend_from_slice(&piece);
        database.write(Durability::Process, move |file| rows::add(file, body, number, &piece)).await?;
        number += 1;
    }
    let whole = whole.freeze();
    let text = match wanted.section.as_str() {
        "" => Some(read_message(whole.clone()).await?.1),
        _ => None,
    };
    let max_bytes = database.max_body_bytes();
    database
        .write(Durability::Process, move |file| {
            rows::complete(file, body, false)?;
            if let Some(text) = text {
                rows::index(file, content, &text)?;
            }
            rows::evict(file, max_bytes).map(|_| ())
        })
        .await?;
    Ok(whole)
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
    let sql = "SELECT b.name, m.uid, b.uid_validity FROM message m JOIN mailbox b ON b.id = m.mailbox \
               WHERE m.content = ? AND m.uid IS NOT NULL AND b.name IS NOT NULL LIMIT 1";
    let row = file.prepare_cached(sql)?.query_row(params![content], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, row.get::<_, Option<u32>>(2)?))
    });
    Ok(row.optional()?.and_then(|(name, uid, uid_validity)| {
        let uid_validity = uid_validity.and_then(UidValidity::new);
        Some(Location { mailbox: MailboxName::exact(name), uid: Uid::new(uid)?, uid_validity })
    }))
}

/// The section of a part's number.
fn part_section(number: &str) -> StoreResult<Section> {
    let wrong = || StoreError::invalid(format!("{number:?} is no number of a part, such as 1.2"));
    let mut part: Option<Part> = None;
    for piece in number.split('.') {
        let piece: u32 = piece.parse().ok().filter(|piece| *piece > 0).ok_or_else(wrong)?;
        part = Some(part.map_or_else(|| Part::new(piece), |part| part.child(piece)));
    }
    part.map(Section::Part).ok_or_else(wrong)
}
