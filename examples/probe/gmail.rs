//! The messages of scratch mailboxes that are labels. In: the pattern of their names. Out: nothing
//! of the probe is left where all mail is, nor in the trash.
//!
//! DELETE of a label, and EXPUNGE within one, leave the messages where all mail is. What is
//! expunged in the trash is gone.

use imap_duplex::command::{List, Search, Store};
use imap_duplex::types::{MailboxName, SpecialUse, Uid};
use imap_duplex::{Flag, Sender};

use crate::scratch::message_ids;
use crate::support::failure::Failure;

/// Empties the mailboxes with such names, before they are deleted.
pub(crate) async fn empty(imap: &Sender, names: &str) -> Result<(), Failure> {
    let special = imap.list(List::new("*").special_use()).await?;
    let of_use = |wanted: SpecialUse| {
        let found = special.iter().find(|entry| entry.special_uses().any(|one| one == wanted));
        found.map(|entry| entry.name.clone())
    };
    // Without a trash that shows, there is no way to be rid of them.
    let Some(trash) = of_use(SpecialUse::Trash) else {
        return Err(Failure::new("Gmail's trash does not show: the messages of the probe stay in All Mail"));
    };
    let own = imap.list(names).await?;
    for entry in own.iter().filter(|entry| entry.is_selectable()) {
        moved(imap, (&entry.name, Search::all()), &trash).await?;
    }
    // Those that rows have expunged within a label.
    let all_mail = of_use(SpecialUse::All);
    if let Some(all_mail) = &all_mail {
        moved(imap, (all_mail, of_probe()), &trash).await?;
    }
    let inbox = imap.select(trash).await?;
    let found: Vec<Uid> = inbox.search(of_probe()).await?.iter().collect();
    if !found.is_empty() {
        inbox.store(&found, Store::add([Flag::Deleted])).await?;
        inbox.expunge(&found).await?;
    }
    inbox.unselect().await?;
    Ok(())
}

/// Moves the messages that fit to the trash.
async fn moved(
    imap: &Sender,
    (from, which): (&MailboxName, Search),
    trash: &MailboxName,
) -> Result<(), Failure> {
    let inbox = imap.select(from.clone()).await?;
    let found: Vec<Uid> = inbox.search(which.clone()).await?.iter().collect();
    if found.is_empty() {
        return Ok(());
    }
    inbox.move_to(&found, trash.clone()).await?;
    match inbox.search(which).await?.len() {
        0 => Ok(()),
        left => Err(Failure::new(format!("{left} of the messages stay in {from}"))),
    }
}

/// All that this probe has put anywhere.
fn of_probe() -> Search {
    let each = message_ids().map(|id| Search::header("Message-ID", id));
    each.into_iter().reduce(Search::or).unwrap_or_else(Search::all)
}
