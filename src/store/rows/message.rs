//! Messages in mailboxes: which there are, with which flags.
//!
//! In: what a look at a mailbox has found. Out: rows that are as it was then.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ptr;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::batch::Batch;
use super::content::NewContent;
use super::flags;
use super::many::{self, Values, number};
use crate::store::error::Fault;
use crate::store::ids::{MailboxId, MessageId, RowIds as _};
use crate::store::operations;
use crate::types::{Flags, Message, Uid};

/// What is different at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Difference {
    /// A message that the file lacks.
    New(Uid, Flags),
    Flags(Uid, Flags),
    Gone(Uid),
}

impl Difference {
    fn arrival(&self) -> Option<(Uid, &Flags)> {
        match self {
            Self::New(uid, flags) => Some((*uid, flags)),
            Self::Flags(..) | Self::Gone(_) => None,
        }
    }

    fn is_new(&self) -> bool {
        self.arrival().is_some()
    }
}

/// Takes over differences of a mailbox. Whether all: what may be ours, on its way, is left out.
pub(in crate::store) fn apply(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    differences: &[Difference],
) -> Result<bool, Fault> {
    let mut is_all = true;
    for same in differences.chunk_by(|one, next| one.is_new() && next.is_new()) {
        match same {
            [Difference::Flags(uid, flags)] => set_flags(file, mailbox, *uid, flags)?,
            [Difference::Gone(uid)] => remove(file, mailbox, *uid)?,
            new => {
                let new = new.iter().filter_map(Difference::arrival);
                is_all &= add(file, mailbox, &new.collect::<Vec<_>>())?;
            }
        }
    }
    Ok(is_all)
}

/// The message with this UID.
pub(in crate::store) fn by_uid(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    uid: Uid,
) -> Result<Option<MessageId>, Fault> {
    let mut find = file.prepare_cached("SELECT id FROM message WHERE mailbox = ? AND uid = ?")?;
    Ok(find.query_row(params![mailbox.0, uid.get()], |row| row.id(0)).optional()?)
}

/// Messages that arrived. A row that is there stays: it may have been moved here by us. Whether
/// there are rows of all of them now.
fn add(file: &Transaction<'_>, mailbox: MailboxId, new: &[(Uid, &Flags)]) -> Result<bool, Fault> {
    let mut new = Cow::Borrowed(new);
    let count = new.len();
    if operations::is_target(file, mailbox)? {
        // One without a row may be one that we are moving or writing there, which has a row: the
        // look that follows the end of that operation finds it, if it is not.
        let mut known = Vec::new();
        for one in &*new {
            known.extend(by_uid(file, mailbox, one.0)?.map(|_| *one));
        }
        new = Cow::Owned(known);
    }
    let texts: Vec<String> = new.iter().map(|(_, flags)| flags::to_text(flags)).collect();
    let values: Vec<Values<'_, 6>> = new
        .iter()
        .zip(&texts)
        .map(|((uid, flags), text)| {
            let is_unseen = number(Some(flags::is_unseen(flags).into()));
            let (text, place) = (|| many::text(Some(text)), || number(Some(mailbox.0)));
            [place(), number(Some(uid.get().into())), place(), text(), text(), is_unseen]
        })
        .collect();
    let head = "INSERT OR IGNORE INTO message (mailbox, uid, place, flags, shown, unseen) VALUES";
    if many::execute(file, (head, ""), &values)? < new.len() {
        new.iter().try_for_each(|(uid, flags)| set_flags(file, mailbox, *uid, flags))?;
    }
    Ok(new.len() == count)
}

fn set_flags(file: &Transaction<'_>, mailbox: MailboxId, uid: Uid, flags: &Flags) -> Result<(), Fault> {
    let Some(message) = by_uid(file, mailbox, uid)? else { return Ok(()) };
    let shown = operations::shown(file, message, flags)?;
    file.prepare_cached("UPDATE message SET flags = ?, shown = ?, unseen = ? WHERE id = ?")?.execute(
        params![flags::to_text(flags), flags::to_text(&shown), flags::is_unseen(&shown), message.0],
    )?;
    Ok(())
}

/// A message is gone at the server, and that is stronger than what the user did to it meanwhile.
/// Unless it is being moved by us: then its new place is on its way.
fn remove(file: &Transaction<'_>, mailbox: MailboxId, uid: Uid) -> Result<(), Fault> {
    by_uid(file, mailbox, uid)?.map_or(Ok(()), |message| leaves(file, message))
}

/// The same by the message's number.
pub(in crate::store) fn leaves(file: &Transaction<'_>, message: MessageId) -> Result<(), Fault> {
    if operations::is_moving(file, message)? {
        file.prepare_cached("UPDATE message SET mailbox = NULL, uid = NULL WHERE id = ?")?
            .execute([message.0])?;
        return Ok(());
    }
    delete(file, message)
}

/// Removes a message with what is queued for it.
pub(in crate::store) fn delete(file: &Transaction<'_>, message: MessageId) -> Result<(), Fault> {
    operations::drop_of_message(file, message)?;
    file.prepare_cached("DELETE FROM message WHERE id = ?")?.execute([message.0])?;
    Ok(())
}

/// All messages of a mailbox are gone: its UIDs mean nothing any more.
pub(in crate::store) fn remove_all(file: &Transaction<'_>, mailbox: MailboxId) -> Result<(), Fault> {
    let mut find = file.prepare_cached("SELECT id FROM message WHERE mailbox = ?")?;
    let messages: Vec<MessageId> = find.query_map([mailbox.0], |row| row.id(0))?.collect::<Result<_, _>>()?;
    messages.into_iter().try_for_each(|message| delete(file, message))
}

/// A row of FETCH: the content of a message, and its flags if they were asked for.
#[derive(Debug)]
pub(in crate::store) struct Fetched {
    pub(in crate::store) uid: Uid,
    /// With these a row is made, if there is none yet.
    pub(in crate::store) flags: Option<Flags>,
    pub(in crate::store) content: NewContent,
}

/// Takes over what was fetched. Flags of rows that are there stay: a look may have read later ones.
pub(in crate::store) fn fill(
    file: &Transaction<'_>,
    account: i64,
    mailbox: MailboxId,
    fetched: &[Fetched],
) -> Result<(), Fault> {
    let is_awaited = !operations::waiting(file, mailbox)?.is_empty();
    // Of a UID that comes twice the last one counts.
    let last: BTreeMap<Uid, &Fetched> = fetched.iter().map(|row| (row.uid, row)).collect();
    let mut batch = Batch::new(file, account);
    let (mut new, mut others) = (Vec::new(), Vec::new());
    for row in fetched.iter().filter(|row| last.get(&row.uid).is_some_and(|last| ptr::eq(*last, *row))) {
        let mut message = with_content(file, mailbox, row.uid)?;
        if let Some(flags) = row.flags.as_ref().filter(|_| message.is_none()) {
            add(file, mailbox, &[(row.uid, flags)])?;
            message = with_content(file, mailbox, row.uid)?;
        }
        match message {
            // Expunged meanwhile.
            None => {}
            Some((message, None)) => {
                new.push((message, row.uid, batch.add(&row.content)?, row.content.date()))
            }
            Some((message, Some(_))) => others.push((message, row)),
        }
    }
    batch.write()?;
    let values: Vec<Values<'_, 3>> = new
        .iter()
        .map(|(message, _, content, date)| [message.0, *content, *date].map(|value| number(Some(value))))
        .collect();
    let head = "UPDATE message SET content = v.column2, date = v.column3 FROM (VALUES";
    many::execute(file, (head, ") v WHERE message.id = v.column1"), &values)?;
    batch.index()?;
    // What they have goes with their last message, and may be what another one of them gets.
    for (message, row) in &others {
        let content = row.content.store(file, account)?;
        file.prepare_cached("UPDATE message SET content = ?, date = ? WHERE id = ?")?.execute(params![
            content,
            row.content.date(),
            message.0
        ])?;
    }
    let filled = new.iter().map(|(message, uid, ..)| (*message, *uid));
    let filled = filled.chain(others.iter().map(|(message, row)| (*message, row.uid)));
    for (message, uid) in filled.filter(|_| is_awaited) {
        operations::relink(file, mailbox, message, uid)?;
    }
    Ok(())
}

/// The message with this UID, and the number of its content if it has one.
fn with_content(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    uid: Uid,
) -> Result<Option<(MessageId, Option<i64>)>, Fault> {
    let mut find = file.prepare_cached("SELECT id, content FROM message WHERE mailbox = ? AND uid = ?")?;
    let row = find.query_row(params![mailbox.0, uid.get()], |row| Ok((row.id(0)?, row.get(1)?)));
    Ok(row.optional()?)
}

/// The server has this message under this UID: a row of another one goes, with what is queued for
/// it.
pub(in crate::store) fn verify(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    now: &Message,
) -> Result<(), Fault> {
    let message = now.uid().map_or(Ok(None), |uid| by_uid(file, mailbox, uid))?;
    match message {
        Some(message) if !is_same(file, message, now)? => leaves(file, message),
        _ => Ok(()),
    }
}

/// What a message at the server is to a row with its UID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Likeness {
    Same,
    /// It has the same Message-ID, and another size or date: a server that changes what is written
    /// to it, or a draft that was saved again.
    Altered,
    Other,
    /// There is no such row any more: a look has removed it.
    Gone,
}

/// Whether this is the message of a row, by what never changes of it.
pub(in crate::store) fn is_same(
    file: &Transaction<'_>,
    message: MessageId,
    now: &Message,
) -> Result<bool, Fault> {
    Ok(likeness(file, message, now)? == Likeness::Same)
}

/// Whether the text under the UID of a row is the row's: also if the server has given the copy that
/// we have moved another date. Envelopes and sizes are alike then.
pub(in crate::store) fn is_same_text(
    file: &Transaction<'_>,
    message: MessageId,
    now: &Message,
) -> Result<bool, Fault> {
    let sql =
        "SELECT c.size, c.sent, c.subject FROM message m JOIN content c ON c.id = m.content WHERE m.id = ?";
    let row: Option<(Option<i64>, Option<i64>, Option<String>)> = file
        .prepare_cached(sql)?
        .query_row([message.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    // A look has removed it meanwhile.
    let Some(row) = row else { return Ok(false) };
    Ok(match likeness(file, message, now)? {
        Likeness::Same => true,
        Likeness::Other | Likeness::Gone => false,
        Likeness::Altered => {
            let envelope = now.envelope();
            let size = now.size().and_then(|size| i64::try_from(size).ok());
            let sent = envelope.and_then(|envelope| Some(envelope.sent()?.seconds()));
            let subject = envelope.and_then(|envelope| Some(envelope.subject()?.into_owned()));
            row == (size, sent, subject)
        }
    })
}

pub(in crate::store) fn likeness(
    file: &Transaction<'_>,
    message: MessageId,
    now: &Message,
) -> Result<Likeness, Fault> {
    let row = file
        .prepare_cached(
            "SELECT c.global, c.message_id, c.size, c.received, m.content FROM message m \
             LEFT JOIN content c ON c.id = m.content WHERE m.id = ?",
        )?
        .query_row([message.0], |row| {
            let (global, message_id) = (row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?);
            let (size, received) = (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<i64>>(3)?);
            Ok(row.get::<_, Option<i64>>(4)?.map(|_| (global, message_id, size, received)))
        })
        .optional()?;
    let Some(content) = row else { return Ok(Likeness::Gone) };
    // Nothing is known yet that could differ.
    let Some((global, message_id, size, received)) = content else { return Ok(Likeness::Same) };
    let is_same = match (global.filter(|global| global.starts_with("e:")), now.email_id()) {
        (Some(before), Some(now)) => before == format!("e:{now}"),
        _ => {
            let id = |text: std::borrow::Cow<'_, str>| super::content::ids(&text).into_iter().next();
            let now_id = now.envelope().map(|envelope| envelope.message_id().and_then(id));
            let is_like = size == now.size().and_then(|size| i64::try_from(size).ok())
                && received == now.internal_date().map(|date| date.seconds());
            match now_id {
                Some(now_id) if now_id != message_id => false,
                Some(Some(_)) if !is_like => return Ok(Likeness::Altered),
                _ => is_like,
            }
        }
    };
    Ok(if is_same { Likeness::Same } else { Likeness::Other })
}

/// In how many looks a content is asked for that does not come.
const MAX_MISSES: i64 = 3;

/// The mailboxes of which contents are still to be fetched.
pub(in crate::store) fn all_bare(file: &Transaction<'_>) -> Result<Vec<MailboxId>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT DISTINCT mailbox FROM message WHERE content IS NULL AND uid IS NOT NULL AND misses < ?",
    )?;
    Ok(find.query_map([MAX_MISSES], |row| row.id(0))?.collect::<Result<_, _>>()?)
}

/// What was asked for in vain of this account is asked for once more: the server, or this library,
/// may have been mended. The keys of the mailboxes in which there are such.
pub(in crate::store) fn ask_again(file: &Transaction<'_>, account: i64) -> Result<Vec<String>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT DISTINCT b.key FROM mailbox b JOIN message m ON m.mailbox = b.id \
         WHERE b.account = ?2 AND b.key IS NOT NULL AND m.content IS NULL AND m.misses >= ?1",
    )?;
    let keys = find.query_map([MAX_MISSES, account], |row| row.get(0))?.collect::<Result<_, _>>()?;
    file.prepare_cached(
        "UPDATE message SET misses = ?1 - 1 WHERE content IS NULL AND misses >= ?1 \
         AND mailbox IN (SELECT id FROM mailbox WHERE account = ?2)",
    )?
    .execute([MAX_MISSES, account])?;
    Ok(keys)
}

/// The newest messages of a mailbox whose content is still to be fetched.
pub(in crate::store) fn bare(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    count: usize,
) -> Result<Vec<Uid>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT uid FROM message WHERE mailbox = ? AND content IS NULL AND misses < ? ORDER BY uid DESC LIMIT ?",
    )?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let uids = find.query_map(params![mailbox.0, MAX_MISSES, count], |row| row.get::<_, u32>(0))?;
    Ok(uids.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(Uid::new).collect())
}

/// The server did not send these.
pub(in crate::store) fn missed(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    uids: impl Iterator<Item = Uid>,
) -> Result<(), Fault> {
    let mut miss =
        file.prepare_cached("UPDATE message SET misses = misses + 1 WHERE mailbox = ? AND uid = ?")?;
    for uid in uids {
        miss.execute(params![mailbox.0, uid.get()])?;
    }
    Ok(())
}
