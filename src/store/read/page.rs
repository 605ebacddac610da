//! Pages of a mailbox: some messages of a list, and where the list goes on.

use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::mailboxes::LocalMailbox;
use crate::store::error::{StoreError, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::{MailboxId, MessageId, RowIds as _};
use crate::store::rows::content::{PartSummary, People};
use crate::store::rows::flags;
use crate::types::{Flags, Uid};

/// The order of a list, and how long a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct PageBy {
    oldest_first: bool,
    count: u32,
}

impl PageBy {
    /// The newest first.
    pub fn newest() -> Self {
        Self { oldest_first: false, count: 50 }
    }

    /// The oldest first.
    pub fn oldest() -> Self {
        Self { oldest_first: true, count: 50 }
    }

    /// So many messages on a page; 50 by default.
    pub fn count(mut self, count: u32) -> Self {
        self.count = count;
        self
    }
}

/// A place in a list, where a page begins or ends. It stays valid when messages arrive or go.
///
/// Its order is that of lists: by the date at which the server received a message, then by UID,
/// then by number. A message that the server does not have yet stands behind those of the same
/// date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageCursor {
    date: i64,
    rank: i64,
    id: MessageId,
}

/// Some messages of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Page {
    /// The messages, in their order.
    pub messages: Vec<MessageSummary>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<PageCursor>,
}

/// What a list shows of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MessageSummary {
    /// Its number.
    pub id: MessageId,
    /// The mailbox in which the user sees it.
    pub mailbox: MailboxId,
    /// Its UID where the server has it, which is another mailbox as long as a move is queued;
    /// `None` if the server does not have it yet.
    pub uid: Option<Uid>,
    /// Its flags, with what is queued.
    pub flags: Flags,
    /// Its subject.
    pub subject: Option<String>,
    /// Who wrote and gets it.
    #[serde(flatten)]
    pub people: People,
    /// When the server received it, in seconds since 1970.
    pub date: i64,
    /// When it was written, by its author's clock.
    pub sent: Option<i64>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its Message-ID, without brackets.
    pub message_id: Option<String>,
    /// The parts that have content.
    pub parts: Vec<PartSummary>,
    /// How many of them are attachments.
    pub attachments: u32,
    /// Whether something is queued for it.
    pub pending: bool,
}

impl MessageSummary {
    /// Its place in a list: for a page from here on, and to sort messages as lists do.
    ///
    /// ```
    /// # use std::cmp::Reverse;
    /// # use imap_duplex::store::MessageSummary;
    /// fn newest_first(messages: &mut [MessageSummary]) {
    ///     messages.sort_by_key(|message| Reverse(message.cursor()));
    /// }
    /// ```
    #[must_use]
    pub fn cursor(&self) -> PageCursor {
        let rank = self.uid.map_or(UNRANKED, |uid| uid.get().into());
        PageCursor { date: self.date, rank, id: self.id }
    }
}

/// The rank of a message without a UID, as in the schema: behind all that have one.
const UNRANKED: i64 = 1 << 32;

/// What sorts rows of `message m` as [`MessageSummary::cursor`] does.
pub(super) const NEWEST_FIRST: &str = "ORDER BY m.date DESC, m.rank DESC, m.id DESC";

/// The columns of a summary, of `message m` and `content c`.
pub(super) const SUMMARY: &str = "m.id, m.place, m.uid, m.shown, c.subject, c.people, m.date, c.sent, c.size, \
     c.message_id, c.structure, c.attachments, \
     EXISTS (SELECT 1 FROM operation o WHERE o.message = m.id AND o.state <> 'sent')";

pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<MessageSummary> {
    Ok(MessageSummary {
        id: row.id(0)?,
        mailbox: row.id(1)?,
        uid: row.get::<_, Option<u32>>(2)?.and_then(Uid::new),
        flags: flags::from_text(row.get_ref(3)?.as_str()?),
        subject: row.get(4)?,
        people: serde_json::from_str(row.get_ref(5)?.as_str()?).unwrap_or_default(),
        date: row.get(6)?,
        sent: row.get(7)?,
        size: row.get::<_, Option<i64>>(8)?.and_then(|size| u64::try_from(size).ok()),
        message_id: row.get(9)?,
        parts: serde_json::from_str(row.get_ref(10)?.as_str_or_null()?.unwrap_or("[]")).unwrap_or_default(),
        attachments: row.get(11)?,
        pending: row.get(12)?,
    })
}

impl Store {
    /// A message as a list shows it. One that the user has deleted is there until the server knows
    /// of it.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) if there is no such message, or no
    /// longer, or its content is not here yet.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{MessageId, Store, StoreResult};
    /// # async fn example(store: Store, message: MessageId) -> StoreResult<()> {
    /// let message = store.message(message).await?;
    /// println!("{:?}, {} attachments", message.subject, message.attachments);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn message(&self, message: MessageId) -> StoreResult<MessageSummary> {
        let found = self
            .database
            .read(move |file| {
                let columns = SUMMARY.replacen("m.place", "ifnull(m.place, m.mailbox)", 1);
                let sql = format!(
                    "SELECT {columns} FROM message m JOIN content c ON c.id = m.content WHERE m.id = ?"
                );
                Ok(file.prepare_cached(&sql)?.query_row([message.0], summary).optional()?)
            })
            .await?;
        found.ok_or_else(|| StoreError::not_found(format!("there is no message {message}, or no longer")))
    }
}

impl LocalMailbox {
    /// A page of its messages; `cursor` is [`Page::next`] of the page before. Messages whose
    /// content is not here yet are left out.
    ///
    /// # Errors
    /// If the store can't be read.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{LocalMailbox, PageBy, StoreResult};
    /// # async fn example(inbox: LocalMailbox) -> StoreResult<()> {
    /// let first = inbox.page(PageBy::newest(), None).await?;
    /// let second = inbox.page(PageBy::newest(), first.next).await?;
    /// # let _ = second;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn page(&self, by: PageBy, cursor: Option<PageCursor>) -> StoreResult<Page> {
        let id = self.id;
        self.store
            .database
            .read(move |file| {
                let (order, beyond) = if by.oldest_first { ("ASC", ">") } else { ("DESC", "<") };
                let start = if cursor.is_some() {
                    format!("AND (m.date, m.rank, m.id) {beyond} (?2, ?3, ?4)")
                } else {
                    String::new()
                };
                let sql = format!(
                    "SELECT {SUMMARY} FROM message m JOIN content c ON c.id = m.content \
                     WHERE m.place = ?1 AND m.content IS NOT NULL {start} \
                     ORDER BY m.date {order}, m.rank {order}, m.id {order} LIMIT ?5"
                );
                let from = cursor.unwrap_or(PageCursor { date: 0, rank: 0, id: MessageId(0) });
                let mut find = file.prepare_cached(&sql)?;
                let from = params![id.0, from.date, from.rank, from.id.0, by.count];
                let rows = find.query_map(from, summary)?;
                let messages: Vec<MessageSummary> = rows.collect::<Result<_, _>>()?;
                let is_full = u32::try_from(messages.len()).is_ok_and(|count| count == by.count);
                let next = messages.last().filter(|_| is_full).map(MessageSummary::cursor);
                Ok(Page { messages, next })
            })
            .await
    }
}
