//! A listing of all mailboxes, and what it says of those in the file.
//!
//! In: an account, the plan. Out: rows of mailboxes; a listing that is not whole counts as none.

use super::key::MailboxKey;
use super::plan::{Counts, Difference, Found, Plan};
use crate::account::Account;
use crate::command::{List, StatusItems};
use crate::error::Result;
use crate::store::database::{Database, Durability};
use crate::store::error::StoreResult;
use crate::store::rows::mailbox;
use crate::types::{ListEntry, MailboxName};

/// What the server lists.
pub(super) async fn fetch(account: &Account) -> Result<Vec<ListEntry>> {
    let session = account.session().await?;
    let capabilities = session.capabilities();
    let mut items = StatusItems::counts().uid_validity().uid_next();
    if capabilities.has("CONDSTORE") || capabilities.has("QRESYNC") {
        items = items.highest_mod_seq();
    }
    if capabilities.has("OBJECTID") {
        items = items.mailbox_id();
    }
    session.list(List::new("*").with_status(items)).await
}

impl Found {
    /// Without counts it is listed all the same, so it is not gone: it may not be read, or not now.
    fn of(entry: &ListEntry) -> Self {
        let mailbox_id = entry.status.as_ref().and_then(|status| status.mailbox_id.clone());
        Self { name: entry.name.clone(), mailbox_id, counts: entry.status.as_deref().map(Counts::of) }
    }
}

/// Takes over a listing: into the plan, and into the file.
pub(super) async fn take(
    database: &Database,
    account: i64,
    plan: &mut Plan,
    entries: Vec<ListEntry>,
) -> StoreResult<()> {
    let found: Vec<Found> = entries.iter().filter(|entry| entry.is_selectable()).map(Found::of).collect();
    let differences = plan.sweep(found);
    let named: Vec<(Difference, Option<MailboxName>)> = differences
        .into_iter()
        .map(|difference| {
            let name = plan.name(difference.key()).cloned();
            (difference, name)
        })
        .collect();
    database
        .write(Durability::Process, move |file| {
            // What is gone makes room for what has its name now.
            for (difference, _) in &named {
                if let Difference::Deleted(key) = difference {
                    mailbox::deleted(file, account, &key.to_string())?;
                }
            }
            for (difference, name) in &named {
                match (difference, name) {
                    (Difference::Created(key), Some(name)) => {
                        mailbox::created(file, account, &key.to_string(), name)?;
                    }
                    (Difference::Renamed(key, _), Some(name)) => {
                        mailbox::renamed(file, account, &key.to_string(), name)?;
                    }
                    _ => {}
                }
            }
            mailbox::decorate(file, account, &entries)
        })
        .await
}

/// The plan as an earlier run has left it.
pub(super) async fn plan(database: &Database, account: i64) -> StoreResult<Plan> {
    let kept = database.read(move |file| mailbox::all_kept(file, account)).await?;
    let mut plan = Plan::default();
    for mailbox in kept {
        let counts: Option<Counts> = mailbox.counts.and_then(|text| serde_json::from_str(&text).ok());
        // Without a mod-sequence equal counts don't prove that nothing has changed.
        let looked = counts.clone().filter(|counts| counts.has_mod_seq() && mailbox.listed);
        let key = MailboxKey::from_text(&mailbox.key);
        plan.know_looked(key, mailbox.name, counts.unwrap_or_default(), looked);
    }
    Ok(plan)
}
