//! What a user does, as methods of the store: each at once in the rows, and queued in the same
//! transaction, which survives a loss of power before the method returns.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::queue::{self, About};
use super::{Action, restore};
use crate::store::bodies;
use crate::store::database::Durability;
use crate::store::error::{Fault, StoreError, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::{AccountId, MailboxId, MessageId, RowIds as _};
use crate::store::rows::content::NewContent;
use crate::store::rows::{content, flags};
use crate::types::Flags;

/// A message to be stored: a draft, or one that was sent.
///
/// ```
/// use imap_duplex::store::NewMessage;
/// use imap_duplex::types::Flag;
/// let draft = NewMessage::new("Subject: Lunch?\r\n\r\nAt noon?\r\n").flags([Flag::Draft, Flag::Seen]);
/// # let _ = draft;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewMessage {
    bytes: Bytes,
    flags: Flags,
    date: Option<i64>,
}

impl NewMessage {
    /// This message: header, empty line, body. Without a Message-ID it gets one, by which it is
    /// recognised at the server if the answer to its upload is lost.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), flags: Flags::new(), date: None }
    }

    /// With these flags.
    pub fn flags(mut self, flags: impl Into<Flags>) -> Self {
        self.flags = flags.into();
        self
    }

    /// Received at this time, in seconds since 1970; now by default.
    pub fn date(mut self, seconds: i64) -> Self {
        self.date = Some(seconds);
        self
    }
}

/// A message that was written here, with what its text says.
struct Written {
    bytes: Bytes,
    flags: Flags,
    date: i64,
    content: NewContent,
    text: String,
}

impl Written {
    async fn of(message: NewMessage) -> StoreResult<Self> {
        let date = message.date.unwrap_or_else(now);
        let bytes = with_message_id(message.bytes);
        let (mut content, text) = bodies::read_message(bytes.clone()).await?;
        content.received = Some(date);
        Ok(Self { bytes, flags: message.flags, date, content, text })
    }

    /// A row of it, and its upload.
    fn add(self, file: &Transaction<'_>, mailbox: MailboxId) -> Result<MessageId, Fault> {
        let Self { bytes, flags, date, content, text } = self;
        let account = account_of(file, mailbox)?;
        queue::check_target(file, account, mailbox)?;
        let row = content.store(file, account)?;
        let text_of_flags = flags::to_text(&flags);
        file.prepare_cached(
            "INSERT INTO message (place, content, flags, shown, unseen, date) VALUES (?1, ?2, ?3, ?3, ?4, ?5)",
        )?
        .execute(params![mailbox.0, row, text_of_flags, flags::is_unseen(&flags), date])?;
        let message = MessageId(file.last_insert_rowid());
        bodies::insert(file, row, "", &bytes, true)?;
        bodies::index(file, row, &text)?;
        let about = About { message: Some(message), mailbox: None, target: Some(mailbox) };
        queue::push(file, account, &Action::Append { flags, date }, about)?;
        Ok(message)
    }
}

impl Store {
    /// Sets and clears flags of messages. Flags that others set or clear meanwhile stay as they
    /// are.
    ///
    /// # Errors
    /// [`NotFound`](super::super::StoreErrorKind::NotFound) if one of the messages is not there:
    /// then nothing is done. [`Full`](super::super::StoreErrorKind::Full) if there is no room.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{MessageId, Store, StoreResult};
    /// # use imap_duplex::types::{Flag, Flags};
    /// # async fn example(store: Store, message: MessageId) -> StoreResult<()> {
    /// store.flag([message], Flag::Seen, Flags::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn flag(
        &self,
        messages: impl IntoIterator<Item = MessageId>,
        add: impl Into<Flags>,
        remove: impl Into<Flags>,
    ) -> StoreResult<()> {
        let (add, remove) = (add.into(), remove.into());
        self.each(messages, move |file, message| queue::flag(file, message, &add, &remove)).await
    }

    /// Moves messages to another mailbox of their account.
    ///
    /// # Errors
    /// [`NotFound`](super::super::StoreErrorKind::NotFound) if one of the messages or the mailbox
    /// is not there, [`Invalid`](super::super::StoreErrorKind::Invalid) if the mailbox can't hold
    /// messages: then nothing is done.
    pub async fn move_to(
        &self,
        messages: impl IntoIterator<Item = MessageId>,
        mailbox: MailboxId,
    ) -> StoreResult<()> {
        self.each(messages, move |file, message| queue::move_to(file, message, mailbox)).await
    }

    /// Deletes messages: moves them to the mailbox with the use `\Trash`, if the account has one;
    /// those in it, and all where there is none, are removed for good. (At Gmail, too, a message is
    /// deleted by moving it there: elsewhere removing it takes a label away.)
    ///
    /// # Errors
    /// [`NotFound`](super::super::StoreErrorKind::NotFound) if one of the messages is not there:
    /// then nothing is done.
    pub async fn delete(&self, messages: impl IntoIterator<Item = MessageId>) -> StoreResult<()> {
        self.each(messages, queue::delete).await
    }

    /// Removes messages for good, wherever they are.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub async fn expunge(&self, messages: impl IntoIterator<Item = MessageId>) -> StoreResult<()> {
        self.each(messages, queue::expunge).await
    }

    /// Copies a message to a mailbox of its account.
    ///
    /// # Errors
    /// As [`move_to`](Self::move_to).
    pub async fn copy_to(&self, message: MessageId, mailbox: MailboxId) -> StoreResult<MessageId> {
        self.queue(move |file| {
            let seen = queue::seen(file, message)?;
            queue::check_target(file, seen.account, mailbox)?;
            file.prepare_cached(
                "INSERT INTO message (place, content, flags, shown, unseen, date) \
                 SELECT ?2, content, shown, shown, unseen, date FROM message WHERE id = ?1",
            )?
            .execute(params![message.0, mailbox.0])?;
            let copy = MessageId(file.last_insert_rowid());
            let about = About { message: Some(copy), mailbox: None, target: Some(mailbox) };
            queue::push(file, seen.account, &Action::Copy { source: message }, about)?;
            Ok(copy)
        })
        .await
    }

    /// Writes a message into a mailbox.
    ///
    /// # Errors
    /// [`NotFound`](super::super::StoreErrorKind::NotFound) if the mailbox is not there,
    /// [`Invalid`](super::super::StoreErrorKind::Invalid) if it can't hold messages.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{MailboxId, NewMessage, Store, StoreResult};
    /// # use imap_duplex::types::Flag;
    /// # async fn example(store: Store, drafts: MailboxId) -> StoreResult<()> {
    /// let draft = NewMessage::new("Subject: Lunch?\r\n\r\nAt noon?\r\n").flags(Flag::Draft);
    /// let message = store.append(drafts, draft).await?;
    /// # let _ = message;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn append(&self, mailbox: MailboxId, message: NewMessage) -> StoreResult<MessageId> {
        let written = Written::of(message).await?;
        self.queue(move |file| written.add(file, mailbox)).await
    }

    /// Writes a message into a mailbox in place of another one, such as a draft that was written
    /// on: that is not seen any more, and deleted for good once the new one is at the server. If
    /// the new one is refused for good and dropped, or gone, the older one stays. One that has not
    /// been sent yet is never sent.
    ///
    /// # Errors
    /// As [`append`](Self::append); [`NotFound`](super::super::StoreErrorKind::NotFound) if the
    /// older message is not there. Then nothing is done.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{MailboxId, MessageId, NewMessage, Store, StoreResult};
    /// # use imap_duplex::types::Flag;
    /// # async fn example(store: Store, drafts: MailboxId, older: MessageId) -> StoreResult<()> {
    /// let draft = NewMessage::new("Subject: Lunch?\r\n\r\nAt one?\r\n").flags(Flag::Draft);
    /// let newer = store.replace(older, drafts, draft).await?;
    /// # let _ = newer;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn replace(
        &self,
        older: MessageId,
        mailbox: MailboxId,
        message: NewMessage,
    ) -> StoreResult<MessageId> {
        let written = Written::of(message).await?;
        self.queue(move |file| {
            let newer = written.add(file, mailbox)?;
            queue::replace(file, older, newer)?;
            Ok(newer)
        })
        .await
    }

    /// Makes a mailbox.
    ///
    /// # Errors
    /// [`Invalid`](super::super::StoreErrorKind::Invalid) if there is one of this name.
    pub async fn create_mailbox(&self, account: AccountId, name: &str) -> StoreResult<MailboxId> {
        let name = name.to_owned();
        self.queue(move |file| {
            check_name(file, account.0, &name)?;
            file.prepare_cached("INSERT INTO mailbox (account, shown_name) VALUES (?, ?)")?
                .execute(params![account.0, name])?;
            let mailbox = MailboxId(file.last_insert_rowid());
            queue::push(
                file,
                account.0,
                &Action::Create { name },
                About { mailbox: Some(mailbox), ..About::default() },
            )?;
            Ok(mailbox)
        })
        .await
    }

    /// Renames a mailbox, and with it those below it.
    ///
    /// # Errors
    /// [`Invalid`](super::super::StoreErrorKind::Invalid) if there is one of the new name, or if it
    /// is INBOX; [`NotFound`](super::super::StoreErrorKind::NotFound) if it is not there.
    pub async fn rename_mailbox(&self, mailbox: MailboxId, name: &str) -> StoreResult<()> {
        let name = name.to_owned();
        self.queue(move |file| {
            let account = account_of(file, mailbox)?;
            let before = shown_name(file, mailbox)?;
            check_name(file, account, &name)?;
            rename_below(file, account, "shown_name", &before, &name)?;
            file.prepare_cached("UPDATE mailbox SET shown_name = ? WHERE id = ?")?
                .execute(params![name, mailbox.0])?;
            let about = About { mailbox: Some(mailbox), ..About::default() };
            queue::push(file, account, &Action::Rename { to: name }, about)?;
            Ok(())
        })
        .await
    }

    /// Deletes a mailbox with its messages.
    ///
    /// # Errors
    /// [`Invalid`](super::super::StoreErrorKind::Invalid) if it is INBOX;
    /// [`NotFound`](super::super::StoreErrorKind::NotFound) if it is not there.
    pub async fn delete_mailbox(&self, mailbox: MailboxId) -> StoreResult<()> {
        self.queue(move |file| {
            let account = account_of(file, mailbox)?;
            shown_name(file, mailbox)?;
            file.prepare_cached("UPDATE mailbox SET shown_name = NULL WHERE id = ?")?.execute([mailbox.0])?;
            queue::push(
                file,
                account,
                &Action::Delete,
                About { mailbox: Some(mailbox), ..About::default() },
            )?;
            Ok(())
        })
        .await
    }

    async fn each(
        &self,
        messages: impl IntoIterator<Item = MessageId>,
        job: impl Fn(&Transaction<'_>, MessageId) -> Result<(), Fault> + Send + 'static,
    ) -> StoreResult<()> {
        let messages: Vec<MessageId> = messages.into_iter().collect();
        self.queue(move |file| messages.into_iter().try_for_each(|message| job(file, message))).await
    }

    /// Does this, and has it sent.
    pub(super) async fn queue<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StoreResult<T> {
        let value = self.database.write(Durability::Power, job).await?;
        self.database.announce_queued();
        Ok(value)
    }
}

fn account_of(file: &Transaction<'_>, mailbox: MailboxId) -> Result<i64, Fault> {
    let mut find = file.prepare_cached("SELECT account FROM mailbox WHERE id = ?")?;
    let account = find.query_row([mailbox.0], |row| row.get(0)).optional()?;
    account
        .ok_or_else(|| StoreError::not_found(format!("there is no mailbox {mailbox}, or no longer")).into())
}

/// The name of a mailbox that the user may rename or delete.
fn shown_name(file: &Transaction<'_>, mailbox: MailboxId) -> Result<String, Fault> {
    let mut find = file.prepare_cached("SELECT shown_name FROM mailbox WHERE id = ?")?;
    let name = find.query_row([mailbox.0], |row| row.get::<_, Option<String>>(0)).optional()?.flatten();
    let name =
        name.ok_or_else(|| StoreError::not_found(format!("there is no mailbox {mailbox}, or no longer")))?;
    if name.eq_ignore_ascii_case("INBOX") {
        return Err(StoreError::invalid("INBOX can be neither renamed nor deleted").into());
    }
    Ok(name)
}

fn check_name(file: &Transaction<'_>, account: i64, name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.eq_ignore_ascii_case("INBOX") {
        return Err(StoreError::invalid("a mailbox needs a name of its own").into());
    }
    let mut find =
        file.prepare_cached("SELECT EXISTS (SELECT 1 FROM mailbox WHERE account = ? AND shown_name = ?)")?;
    if find.query_row(params![account, name], |row| row.get::<_, bool>(0))? {
        return Err(StoreError::invalid(format!("there is a mailbox {name} already")).into());
    }
    Ok(())
}

/// The mailboxes below one that has been renamed have other names, too. `column` is that of the
/// names.
pub(super) fn rename_below(
    file: &Transaction<'_>,
    account: i64,
    column: &'static str,
    from: &str,
    to: &str,
) -> Result<(), Fault> {
    let sql =
        format!("SELECT id, {column}, delimiter FROM mailbox WHERE account = ? AND {column} IS NOT NULL");
    let mut find = file.prepare_cached(&sql)?;
    let rows = find.query_map([account], |row| {
        Ok((row.id::<MailboxId>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
    })?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut update = file.prepare_cached(&format!("UPDATE mailbox SET {column} = ? WHERE id = ?"))?;
    for (id, name, delimiter) in rows {
        let Some(delimiter) = delimiter.filter(|delimiter| !delimiter.is_empty()) else { continue };
        let below = name.strip_prefix(from).filter(|rest| rest.starts_with(&delimiter));
        if let Some(rest) = below {
            update.execute(params![format!("{to}{rest}"), id.0])?;
        }
    }
    Ok(())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// The message with a Message-ID.
fn with_message_id(bytes: Bytes) -> Bytes {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
    let header = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let field = header.lines().any(|line| line.starts_with("message-id:"));
    if field && !content::ids(&header).is_empty() {
        return bytes;
    }
    // Without a clock or a seed of the system's it would not be unique: this has one.
    let random = || RandomState::new().build_hasher().finish();
    let mut with = format!("Message-ID: <{:016x}{:016x}@store.invalid>\r\n", random(), random()).into_bytes();
    with.extend_from_slice(&bytes);
    with.into()
}

impl Store {
    /// Puts messages of this account together again, after something was dropped.
    pub(super) fn restore_all(file: &Transaction<'_>, messages: &[MessageId]) -> Result<(), Fault> {
        messages.iter().try_for_each(|message| restore(file, *message))
    }
}
