//! Which mailboxes of a listing are known ones under another name.
//!
//! ```text
//!   a name is new; one that had its UIDVALIDITY is gone, or another mailbox's
//!     ├──> the user gives it to that one, and it was sent ──> the same
//!     ├──> the newest known messages are there ──> the same
//!     └──> others are ──> another mailbox
//! ```
//!
//! What has a name in the rows has it in the listing, too: also if we have just given it.
//!
//! In: a listing of a server without MAILBOXID, the rows. Out: what each new name was before. By
//! the counts alone the plan would take a mailbox that was renamed for a new one as soon as a
//! message has come or gone since the last look: what is queued for its messages would be lost.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};

use super::traits::{readable, traits};
use crate::account::{Account, Before, Counts, Found, MailboxKey};
use crate::client::Select;
use crate::error::{ErrorKind, Result};
use crate::store::database::Database;
use crate::store::error::Fault;
use crate::store::ids::MailboxId;
use crate::store::operations;
use crate::store::rows::{mailbox, message};
use crate::types::{Message, Uid, UidSet, UidValidity, ViewSync};

/// How many messages a mailbox is recognised by.
const SAMPLE: i64 = 3;
/// How many mailboxes are compared with those that are gone, in one listing.
const MAX_COMPARED: usize = 20;

/// A mailbox whose name is not listed any more.
#[derive(Clone, Debug)]
struct Gone {
    id: MailboxId,
    key: MailboxKey,
    uid_validity: UidValidity,
    newest: Vec<Uid>,
}

/// Notes of each mailbox with a new name what it was before.
pub(super) async fn compare(
    database: &Database,
    (account, account_id): (&Account, i64),
    found: &mut [Found],
) -> Result<()> {
    if found.iter().all(|found| found.mailbox_id.is_some()) {
        return Ok(());
    }
    let uid_validity = |found: &Found| found.counts.as_ref().and_then(Counts::uid_validity);
    let names = found.iter().map(|found| (found.name.as_str().to_owned(), uid_validity(found)));
    let names: Names = names.collect();
    let read = move |file: &Transaction<'_>| known(file, account_id, &names);
    // What can't be read now is read by the next listing.
    let Ok(Known { by_name: known, mut gone, renamed }) = database.read(read).await else { return Ok(()) };
    let (mut compared, mut elsewhere) = (0, BTreeSet::new());
    let lost: BTreeSet<MailboxKey> = gone.iter().map(|gone| gone.key.clone()).collect();
    let is_new = |found: &&mut Found| {
        found.mailbox_id.is_none() && known.get(found.name.as_str()).is_none_or(|key| lost.contains(key))
    };
    for found in found.iter_mut().filter(is_new) {
        if let Some(key) = renamed.get(found.name.as_str()) {
            gone.retain(|gone| gone.key != *key);
            elsewhere.insert(key.clone());
            found.before = Before::Mailbox(key.clone());
            continue;
        }
        let is_candidate = |gone: &&Gone| Some(gone.uid_validity) == uid_validity(found);
        let candidates: Vec<Gone> = gone.iter().filter(is_candidate).cloned().collect();
        if candidates.is_empty() {
            continue;
        }
        compared += 1;
        if compared > MAX_COMPARED {
            break;
        }
        let select = Select::new(found.name.clone()).read_only().view_sync(ViewSync::Off);
        let mailbox = match account.mailbox(select).await {
            Ok(mailbox) => mailbox,
            // It can't be read: the counts say what it is. If only for now, the whole listing
            // waits.
            Err(error) if error.kind() == ErrorKind::No && !error.is_transient() => continue,
            Err(error) => return Err(error),
        };
        let uids: UidSet = candidates.iter().flat_map(|gone| gone.newest.iter().copied()).collect();
        let rows = readable(traits(&mailbox, uids).await)?;
        drop(mailbox);
        if rows.is_empty() {
            // Nor can its messages.
            continue;
        }
        found.before = Before::None;
        let choose = move |file: &Transaction<'_>| {
            let mut candidates = candidates.into_iter();
            candidates
                .find_map(|gone| is_same(file, &gone, &rows).map(|is| is.then_some(gone.key)).transpose())
                .transpose()
        };
        if let Ok(Some(key)) = database.read(choose).await {
            gone.retain(|gone| gone.key != key);
            elsewhere.insert(key.clone());
            found.before = Before::Mailbox(key);
        }
    }
    for found in found
        .iter_mut()
        .filter(|found| found.mailbox_id.is_none() && !matches!(found.before, Before::Mailbox(_)))
    {
        // One of ours may have this name since the last listing, which the plan does not know; or
        // others have made a new one under its name.
        if let Some(key) = known.get(found.name.as_str()) {
            let is_elsewhere = elsewhere.contains(key);
            found.before = if is_elsewhere { Before::None } else { Before::Mailbox(key.clone()) };
        }
    }
    Ok(())
}

/// Listed names, and the UIDVALIDITY of each.
type Names = BTreeMap<String, Option<UidValidity>>;

/// What the rows say of mailboxes.
struct Known {
    by_name: BTreeMap<String, MailboxKey>,
    /// Those whose names are not listed, or are those of others now.
    gone: Vec<Gone>,
    /// Those of which the name is gone that they have here, by the one that they were to get: the
    /// answer of the server was lost.
    renamed: BTreeMap<String, MailboxKey>,
}

fn known(file: &Transaction<'_>, account: i64, names: &Names) -> std::result::Result<Known, Fault> {
    let (mut by_name, mut gone, mut renamed) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
    let renames = operations::renames_in_doubt(file, account)?;
    let mut find = file.prepare_cached(
        "SELECT uid FROM message WHERE mailbox = ? AND uid IS NOT NULL AND content IS NOT NULL ORDER BY uid DESC LIMIT ?",
    )?;
    for kept in mailbox::all_kept(file, account)? {
        let key = MailboxKey::from_text(&kept.key);
        if !key.is_ours() {
            continue;
        }
        let name = kept.name.as_str();
        if let Some(to) =
            renames.iter().find_map(|rename| rename.of(name)).filter(|to| names.contains_key(to))
            && !names.contains_key(name)
        {
            renamed.insert(to, key.clone());
        }
        if let Some(uid_validity) = kept.uid_validity
            && names.get(name).is_none_or(|now| now.is_some_and(|now| now != uid_validity))
        {
            let uids = find.query_map(params![kept.id.0, SAMPLE], |row| row.get::<_, u32>(0))?;
            let newest: Vec<Uid> =
                uids.collect::<std::result::Result<Vec<_>, _>>()?.into_iter().filter_map(Uid::new).collect();
            // Without messages the counts say it.
            if !newest.is_empty() {
                gone.push(Gone { id: kept.id, key: key.clone(), uid_validity, newest });
            }
        }
        by_name.insert(name.to_owned(), key);
    }
    Ok(Known { by_name, gone, renamed })
}

/// Whether these messages are those of the rows: some may have been expunged since; none may be
/// another one.
fn is_same(file: &Transaction<'_>, gone: &Gone, there: &[Message]) -> std::result::Result<bool, Fault> {
    let mut is_any = false;
    for row in there {
        let Some(uid) = row.uid().filter(|uid| gone.newest.contains(uid)) else { continue };
        let Some(known) = message::by_uid(file, gone.id, uid)? else { continue };
        if !message::is_same(file, known, row)? {
            return Ok(false);
        }
        is_any = true;
    }
    Ok(is_any)
}
