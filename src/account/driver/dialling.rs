//! Dials of an account, and what becomes of them.
//!
//! In: how many connections are wanted, when one may be dialled. Out: tasks that dial; connections,
//! or failures, which count once for all dials that were under way.

use tokio::time::Instant;

use super::AccountDriver;
use super::live::{ConnectionTask, Live, is_refusal, random};
use crate::account::DialReason;
use crate::account::connection::{Dial, Dialled, serve};
use crate::account::pool::ConnectionId;
use crate::account::redial::{Failure, Verdict};
use crate::error::Result;

/// A connection that is being made.
pub(super) struct Dialling {
    pub(super) task: ConnectionTask,
    /// How often credentials had been refused when it began.
    refusals: u64,
}

impl AccountDriver {
    pub(super) fn dial(&mut self, now: Instant) {
        if self.closing.is_some() || self.redial.verdict(now.into_std()) != Verdict::Dial {
            return;
        }
        let is_broken = self.redial.is_broken();
        // Connections of long ago say nothing of what the server takes now.
        let may_grow = self.redial.is_proven() && !self.connections.is_empty();
        let at_once = if may_grow { usize::MAX } else { 1 };
        for _ in 0..self.pool.take_dials(at_once) {
            self.redial.on_dial(now.into_std());
            self.next_connection += 1;
            let id = ConnectionId(self.next_connection);
            let dial = Dial {
                id,
                config: self.config.clone(),
                connector: self.connector.clone(),
                gate: self.gate.clone(),
                may_refresh: self.redial.may_refresh(),
                refresh: self.refresh.get_or_insert_default().clone(),
                reason: if is_broken { DialReason::Retry } else { DialReason::Wanted },
                account: self.own.clone(),
            };
            let task = self.serve(dial);
            self.dials.insert(id, Dialling { task, refusals: self.redial.refusals() });
        }
    }

    fn serve(&self, dial: Dial) -> ConnectionTask {
        let mut tasks = self
            .connections
            .values()
            .map(|live| &live.task)
            .chain(self.dials.values().map(|dial| &dial.task));
        match tasks.any(ConnectionTask::is_shared) {
            true => ConnectionTask::Own(tokio::spawn(serve(dial)).abort_handle()),
            false => ConnectionTask::Shared(self.tasks.spawn(serve(dial))),
        }
    }

    pub(super) fn on_dialled(&mut self, id: ConnectionId, result: Result<Dialled>, now: Instant) {
        let dialling = self.dials.remove(&id);
        match (result, dialling) {
            (Ok(Dialled { sender, tap }), Some(Dialling { task, .. })) => {
                self.redial.on_login();
                self.failure = None;
                let live = Live { sender, mailbox: None, since: now, tap, task };
                self.connections.insert(id, Box::new(live));
                self.pool.on_dialled(Some(id), now.into_std());
            }
            (Ok(_), None) => {}
            (Err(error), dialling) => {
                let failure = Failure::of(&error);
                // The same credentials, refused to another dial that was under way at the same
                // time.
                let is_known = failure == Failure::Credentials
                    && dialling.is_some_and(|dialling| dialling.refusals != self.redial.refusals());
                if !is_known {
                    self.redial.on_failure(now.into_std(), failure, random());
                }
                self.pool.on_dialled(None, now.into_std());
                if is_refusal(&error, failure) {
                    self.pool.on_limit(now.into_std());
                }
                tracing::info!(target: "imap_duplex", %error, "the account could not connect");
                self.failure = Some(error.clone());
                if failure == Failure::Setup || self.redial.is_parked() {
                    self.refuse_waiting(&error);
                }
            }
        }
    }
}
