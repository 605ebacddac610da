//! Commands that were not encoded when their connection ended: they go on through a lease of their
//! own, all of one lease through one, in their order.
//!
//! In: what the engine hands over. Out: a wish for another connection, and the commands submitted
//! there; or their errors, if there is none.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::AccountDriver;
use crate::account::lease::{MailboxLease, SessionLease};
use crate::account::message::Want;
use crate::account::pool::{ConnectionId, WishId};
use crate::client::Select;
use crate::engine::Moving;
use crate::error::{Error, Result};

/// How often it is looked whether they are still wanted.
const LOOK: Duration = Duration::from_secs(1);

impl AccountDriver {
    /// A connection ends, whose end is reported next.
    pub(super) fn on_moving(&mut self, id: ConnectionId, moving: Vec<Moving>) {
        let mailbox = moving.iter().find_map(Moving::mailbox).cloned();
        self.own_wishes += 1;
        let wish = WishId(u64::MAX - self.own_wishes);
        let want = match mailbox {
            Some(name) => {
                let selected = self.connections.get(&id).and_then(|live| live.mailbox.as_ref());
                let select = selected.map(|(select, _)| select.clone());
                let select =
                    select.filter(|select| *select.mailbox() == name).unwrap_or_else(|| Select::new(name));
                let (reply, answer) = oneshot::channel();
                self.tasks.spawn(settle(moving, answer, go_on_in));
                Want::Mailbox(Box::new(select), reply)
            }
            None => {
                let (reply, answer) = oneshot::channel();
                self.tasks.spawn(settle(moving, answer, go_on));
                Want::Session(reply)
            }
        };
        self.wants.insert(wish, want);
        self.interrupt(id, wish);
    }
}

/// Waits for the lease, and submits them.
async fn settle<L>(
    mut moving: Vec<Moving>,
    mut answer: oneshot::Receiver<Result<L>>,
    go_on: impl Fn(&L, Moving),
) {
    let result = loop {
        let now = Instant::now().into_std();
        moving = moving.into_iter().filter_map(|moving| moving.still_wanted(now)).collect();
        if moving.is_empty() {
            return;
        }
        if let Ok(result) = timeout(LOOK, &mut answer).await {
            break result;
        }
    };
    match result {
        Ok(Ok(lease)) => moving.into_iter().for_each(|moving| go_on(&lease, moving)),
        Ok(Err(error)) => fail(moving, &error),
        // The account has gone: they fail as their connection did.
        Err(_) => {}
    }
}

fn fail(moving: Vec<Moving>, error: &Error) {
    moving.into_iter().for_each(|moving| moving.fail(error.clone()));
}

fn go_on_in(lease: &MailboxLease, moving: Moving) {
    match moving.mailbox() {
        Some(name) if name != lease.name() => {}
        _ => lease.take_over(moving),
    }
}

fn go_on(lease: &SessionLease, moving: Moving) {
    lease.take_over(moving);
}
