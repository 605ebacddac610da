//! `bot --state FILE`: each new message is seen to once, however often connections end or the
//! program is killed.
//!
//! In: the changes of the account's watch. Out: what the rules say, then an acknowledgement. What
//! was not acknowledged is delivered again, to the next run if need be; so what a rule does has to
//! be harmless if it is done again.

use std::path::Path;
use std::time::Duration;

use imap_duplex::account::{Account, ChangeKind, FileStore, Watch};
use imap_duplex::types::{MailboxName, Uid};
use tokio::time::sleep;

use super::support::failure::Failure;
use super::support::output::Output;
use super::support::server::Server;
use super::{Rule, look, mail};

/// Applies the rules to all mail that is new since the last run; in the first one, to what arrives
/// from now on.
pub(crate) async fn work(
    account: &Account,
    state: &Path,
    server: &Server,
    rules: &[Rule],
) -> Result<(), Failure> {
    let mailbox = MailboxName::new(&server.mailbox);
    let watch = Watch::mailboxes([mailbox.clone()]).flags(false);
    let mut changes = account.watch(watch, FileStore::new(state)).await?;
    let mut output = Output::new(false);
    output.lines(&format!("waiting for mail in {mailbox}; ctrl-c ends")).await?;
    // Ends a moment after the last mail has arrived.
    let mail = async {
        match server.embedded.clone() {
            Some(server) => mail(server).await,
            None => std::future::pending().await,
        }
    };
    let attend = async {
        while let Some(change) = changes.next().await {
            let change = change?;
            if let ChangeKind::Arrived { uid, .. } = change.kind {
                output.lines(&see_to(account, &mailbox, uid, rules).await?).await?;
            }
            changes.ack(&change).await?;
            if let Some(uid) = change.uid() {
                output.lines(&format!("    acknowledged uid {uid}")).await?;
            }
        }
        Ok(())
    };
    tokio::select! {
        done = attend => done,
        () = mail => Ok(()),
    }
}

/// Does what the rules say about a message, on as many connections as it takes. In words.
async fn see_to(
    account: &Account,
    mailbox: &MailboxName,
    uid: Uid,
    rules: &[Rule],
) -> Result<String, Failure> {
    loop {
        let inbox = account.mailbox(mailbox.clone()).await?;
        match look(&inbox, uid, rules).await {
            Ok(text) => return Ok(text),
            // The connection was lost, or the server can't do it now.
            Err(error) if error.is_transient() => sleep(Duration::from_secs(1)).await,
            // It would fail the next time as well.
            Err(error) => return Ok(format!("uid {uid}: {error}")),
        }
    }
}
