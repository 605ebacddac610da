//! When a view has all that the server has: a condition for rows to be compared with it.
//!
//! In: a selected mailbox. Out: a snapshot with all messages and flags, and the mod-sequence up to
//! which nothing is missing.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::known::Known;
use super::traits::{readable, traits};
use crate::client::Mailbox;
use crate::command::{Fetch, Items};
use crate::error::{Error, ErrorKind};
use crate::store::error::{StoreError, StoreResult};
use crate::types::{Message, ModSeq};
use crate::view::Snapshot;

/// How long the view may take to be complete, or a window to come, without anything being stored.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A snapshot that has all messages with their flags, and all changes up to this mod-sequence.
pub(super) struct Complete {
    pub(super) snapshot: Snapshot,
    pub(super) mod_seq: Option<ModSeq>,
}

/// Waits until the view is complete and in step.
pub(super) async fn complete(mailbox: &Mailbox) -> StoreResult<Complete> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        timeout(PATIENCE, mailbox.ready()).await.map_err(|_| late(mailbox))??;
        if let Some((snapshot, mod_seq)) = mailbox.in_step()
            && snapshot.is_complete()
            && snapshot.flags_unknown() == 0
        {
            return Ok(Complete { snapshot, mod_seq });
        }
        if mailbox.has_ended() {
            return Err(Error::new(ErrorKind::SelectionEnded, "the selection ended").into());
        }
        if started.elapsed() > PATIENCE {
            return Err(late(mailbox));
        }
        // Messages have just arrived, or what changed before is still being asked for.
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}

/// Asks for the flags that have changed, where the server can be asked: Dovecot hides from a
/// session some that others change while a command of it ends, and would report them only before
/// the next IDLE.
///
/// The answer goes to the view. A server that refuses has its flags compared by the engine.
pub(super) async fn changes_asked(mailbox: &Mailbox) -> StoreResult<()> {
    let Some(since) = complete(mailbox).await?.mod_seq else { return Ok(()) };
    let changes = mailbox.submit(Fetch::new(.., Items::new().flags()).changed_since(since));
    match timeout(PATIENCE, changes).await.map_err(|_| late(mailbox))? {
        Err(error) if !matches!(error.kind(), ErrorKind::No | ErrorKind::Bad | ErrorKind::Incomplete) => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// The newest known message is gone: that of the newest known UID that is still there.
pub(super) async fn newest_left(
    mailbox: &Mailbox,
    known: &Known,
    now: &Snapshot,
) -> StoreResult<Vec<Message>> {
    match known.newest_in(now) {
        Some(uid) => Ok(readable(traits(mailbox, uid).await)?),
        None => Ok(Vec::new()),
    }
}

pub(super) fn late(mailbox: &Mailbox) -> StoreError {
    let what = format!("{}: the server has sent nothing for {} s", mailbox.name(), PATIENCE.as_secs());
    StoreError::from(Error::new(ErrorKind::Timeout, what))
}
