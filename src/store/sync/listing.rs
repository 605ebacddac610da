//! A listing of all mailboxes, and what it says of those in the file.
//!
//! In: an account, the plan. Out: rows of mailboxes; a listing that is not whole counts as none.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Transaction;

use super::look::counts_of;
use super::renamed;
use crate::account::{Account, Before, Counts, Difference, Found, MailboxKey, Plan};
use crate::command::{List, StatusItems};
use crate::error::Result;
use crate::store::database::{Database, Durability};
use crate::store::error::{Fault, StoreResult};
use crate::store::operations;
use crate::store::rows::{mailbox, message};
use crate::types::{ListEntry, MailboxName};

/// A whole listing: what the server lists, and which mailboxes these are.
#[derive(Debug)]
pub(in crate::store) struct Listing {
    entries: Vec<ListEntry>,
    found: Vec<Found>,
}

/// What the server lists.
pub(super) async fn fetch(database: &Database, account: &Account, account_id: i64) -> Result<Listing> {
    let _held = database.structure(account_id).hold().await;
    let entries = list(account).await?;
    let mut found: Vec<Found> = entries.iter().filter(|entry| entry.is_selectable()).map(found).collect();
    renamed::compare(database, (account, account_id), &mut found).await?;
    Ok(Listing { entries, found })
}

async fn list(account: &Account) -> Result<Vec<ListEntry>> {
    let session = account.session().await?;
    let capabilities = session.capabilities();
    let mut items = StatusItems::counts().uid_validity().uid_next();
    if capabilities.has("CONDSTORE") || capabilities.has("QRESYNC") {
        items = items.highest_mod_seq();
    }
    if capabilities.has("OBJECTID") {
        items = items.mailbox_id();
    }
    let list = List::new("*").with_status(items);
    // With other options it is returned on request alone; Dovecot leaves it out.
    let list = if capabilities.has("SPECIAL-USE") { list.with_special_use() } else { list };
    session.list(list).await
}

/// Without counts it is listed all the same, so it is not gone: it may not be read, or not now.
fn found(entry: &ListEntry) -> Found {
    let mailbox_id = entry.status.as_ref().and_then(|status| status.mailbox_id.clone());
    let counts = entry.status.as_deref().map(Counts::of);
    Found { name: entry.name.clone(), mailbox_id, counts, before: Before::NotCompared }
}

type Named = (Difference, Option<MailboxName>);

/// Takes over a listing: into the plan, into the name of the mailbox that is followed, and into the
/// file. Mailboxes are due whose counts are those of before the last look again: rows have changed
/// since by what we have done, and a backup was put back.
pub(super) async fn take(
    database: &Database,
    account: i64,
    (plan, follow): (&mut Plan, &mut Option<MailboxName>),
    Listing { entries, found }: Listing,
) -> StoreResult<()> {
    // INBOX is a name: what was in it moves away (RFC 9051 section 6.3.6).
    let by_key = follow.as_ref().filter(|name| !name.is_inbox()).and_then(|name| plan.key(name)).cloned();
    let differences = plan.sweep(found);
    if let Some(name) = by_key.and_then(|key| plan.name(&key)) {
        *follow = Some(name.clone());
    }
    let named: Vec<Named> = differences
        .into_iter()
        .map(|difference| {
            let name = plan.name(difference.key()).cloned();
            (difference, name)
        })
        .collect();
    let kept = database
        .write(Durability::Process, move |file| {
            // In this order each name is free before another mailbox gets it.
            let named = mailbox_again(file, account, named)?;
            for (difference, name) in &named {
                let key = difference.key().to_string();
                match (difference, name) {
                    (Difference::Deleted(_), _) => mailbox::deleted(file, account, &key)?,
                    (Difference::Created(_), Some(name)) => mailbox::created(file, account, &key, name)?,
                    (Difference::Renamed(..), Some(name)) => mailbox::renamed(file, account, &key, name)?,
                    (_, None) => {}
                }
            }
            mailbox::decorate(file, account, &entries)?;
            mailbox::all_kept(file, account)
        })
        .await?;
    for kept in kept.into_iter().filter(|kept| kept.listed) {
        let key = MailboxKey::from_text(&kept.key);
        if plan.counts(&key).is_some_and(|counts| counts.is_behind(kept.mod_seq, kept.at_server)) {
            plan.mark(&key);
        }
    }
    Ok(())
}

/// What is left of the differences after mailboxes that were made again under their name, and have
/// something queued.
fn mailbox_again(file: &Transaction<'_>, account: i64, named: Vec<Named>) -> Result<Vec<Named>, Fault> {
    let created = named.iter().filter_map(|(difference, name)| match (difference, name) {
        (Difference::Created(key), Some(name)) => Some((name.as_str().to_owned(), key.clone())),
        _ => None,
    });
    let created: HashMap<String, MailboxKey> = created.collect();
    let mut again = BTreeSet::new();
    for (difference, _) in &named {
        let Difference::Deleted(old) = difference else { continue };
        let old_key = old.to_string();
        let Some(kept) = mailbox::by_key(file, account, &old_key)? else { continue };
        let Some(new) = created.get(kept.name.as_str()) else { continue };
        if mailbox::replaced(file, kept.id, &new.to_string())? {
            again.extend([old.clone(), new.clone()]);
        }
    }
    Ok(named.into_iter().filter(|(difference, _)| !again.contains(difference.key())).collect())
}

/// The plan as an earlier run has left it.
pub(super) async fn plan(database: &Database, account: i64) -> StoreResult<Plan> {
    let read = move |file: &Transaction<'_>| {
        let unseen = operations::all_sent(file)?.into_iter().chain(message::all_bare(file)?);
        Ok((mailbox::all_kept(file, account)?, unseen.collect::<BTreeSet<_>>()))
    };
    let (kept, unseen) = database.read(read).await?;
    let mut plan = Plan::default();
    for mailbox in kept {
        let counts = counts_of(mailbox.counts.as_deref());
        // Without a mod-sequence equal counts don't prove that nothing has changed.
        // What was sent before the program ended is still to be seen, and contents are to come.
        let is_seen = mailbox.listed && !unseen.contains(&mailbox.id);
        let looked = counts.clone().filter(|counts| counts.has_mod_seq() && is_seen);
        let key = MailboxKey::from_text(&mailbox.key);
        plan.know_looked(key, mailbox.name, counts.unwrap_or_default(), looked);
    }
    Ok(plan)
}
