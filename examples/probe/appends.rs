//! What puts messages beside the scratch mailbox: each has to be there afterwards, by the UID that
//! the server gives it, or by the number of messages where it gives none.

use imap_duplex::Result;
use imap_duplex::command::StatusItems;
use imap_duplex::types::Uid;

use crate::checks::count;
use crate::scratch::{Scratch, message};

/// How many messages there are, before something is put there.
pub(crate) async fn before(s: &Scratch) -> Result<u64> {
    let status = s.imap.status(s.other.as_str(), StatusItems::messages()).await?;
    Ok(status.messages.map_or(0, u64::from))
}

/// What is shown of the messages that were put there.
pub(crate) async fn shown(s: &mut Scratch, before: u64, uids: &[Option<Uid>]) -> Result<String> {
    let (number, known): (u64, Vec<_>) = (uids.len() as u64, uids.iter().flatten().collect());
    let there =
        if known.len() as u64 == number { number } else { self::before(s).await?.saturating_sub(before) };
    Ok(match &*known {
        _ if there < number => s.fail(format!("the server says OK to {number}, and {there} are there")),
        [uid] => format!("uid {uid}"),
        _ => count(number, "message", "messages"),
    })
}

pub(crate) async fn one(s: &mut Scratch) -> Result<String> {
    let before = before(s).await?;
    let appended = s.imap.append(s.other.as_str(), message()).await?;
    shown(s, before, &[appended.uid]).await
}

pub(crate) async fn two(s: &mut Scratch) -> Result<String> {
    let before = before(s).await?;
    let appended = s.imap.append_all(s.other.as_str(), [message(), message()]).await?;
    let uids: Vec<_> = appended.iter().map(|one| one.uid).collect();
    shown(s, before, &uids).await
}
