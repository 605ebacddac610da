//! The task of one connection: it waits at the host's gate, dials and logs in; then it moves the
//! connection's bytes and reads its events, until it ends.
//!
//! In: what to dial. Out: messages to the account's task.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::gate::Gate;
use super::handle::identity;
use super::message::{Message, MessageSender};
use super::pool::ConnectionId;
use super::{Connector, DialReason, DialRequest};
use crate::client::{self, Driver, Receiver, Sender};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Config, Refresh, Suspend};
use crate::types::{CloseReason, Event};

/// What a connection's task needs to begin.
pub(super) struct Dial {
    pub(super) id: ConnectionId,
    pub(super) config: Arc<Config>,
    pub(super) connector: Option<Connector>,
    pub(super) gate: Arc<Gate>,
    pub(super) reason: DialReason,
    /// A provider of credentials may be asked for fresh ones.
    pub(super) may_refresh: bool,
    /// What is fetched for one of several dials is for all.
    pub(super) refresh: Arc<Refresh>,
    pub(super) account: MessageSender,
}

/// A connection that is logged in.
pub(super) struct Dialled {
    pub(super) sender: Sender,
    pub(super) tap: Arc<Tap>,
}

/// The events of a connection: read by its task, or by whoever follows a mailbox.
pub(super) struct Tap {
    receiver: Mutex<Option<Receiver>>,
    returned: Notify,
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, Option<Receiver>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events from now on, if no one else has them.
    pub(super) fn take(self: &Arc<Self>) -> Option<Events> {
        let receiver = self.lock().take()?;
        Some(Events { receiver: Some(receiver), tap: self.clone() })
    }
}

/// The events of a connection, until this is dropped.
pub(crate) struct Events {
    receiver: Option<Receiver>,
    tap: Arc<Tap>,
}

impl Events {
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.receiver.as_mut()?.next().await
    }

    /// The next event, if it is there already.
    pub(super) fn try_next(&mut self) -> Option<Event> {
        let receiver = self.receiver.as_mut()?;
        match Pin::new(receiver).poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        *self.tap.lock() = self.receiver.take();
        self.tap.returned.notify_one();
    }
}

/// Runs a connection from its dial to its end.
pub(super) async fn serve(dial: Dial) {
    let (id, account) = (dial.id, dial.account.clone());
    let suspend = Suspend::new(dial.config.wall.clone(), dial.config.get_timeouts().suspend);
    // Dialling takes three times the memory of what comes after it, for a moment: it is given back.
    let ended = match Box::pin(connect(dial)).await {
        Ok((sender, receiver, driver)) => {
            // Without the account's task there is no use for the connection, and it logs out.
            let tap = Arc::new(Tap { receiver: Mutex::new(Some(receiver)), returned: Notify::new() });
            _ = account.send(Message::Dialled(id, Ok(Dialled { sender, tap: tap.clone() })));
            Message::Ended(id, run(driver, &tap, suspend, &account).await)
        }
        Err(error) => Message::Dialled(id, Err(error)),
    };
    _ = account.send(ended);
}

/// The driver is in a box, for the task would have room for it wherever it is handed on.
async fn connect(dial: Dial) -> Result<(Sender, Receiver, Box<Driver>)> {
    let shared = dial.may_refresh.then(|| Box::new(dial.config.sharing(&dial.refresh)));
    let passage = dial.gate.pass().await;
    let result = async {
        let io = match &dial.connector {
            Some(connector) => {
                let (host, port) = (dial.config.get_host().to_owned(), dial.config.get_port());
                let account = identity(&dial.config);
                Some(connector.dial(DialRequest { account, host, port, reason: dial.reason }).await?)
            }
            None => None,
        };
        match &shared {
            Some(shared) => client::dial(shared, io).await,
            None => client::dial(&dial.config.without_refresh(), io).await,
        }
    }
    .await;
    let is_away =
        |error: &Error| matches!(error.kind(), ErrorKind::Connect | ErrorKind::Resolve | ErrorKind::Timeout);
    passage.end(!result.as_ref().is_err_and(is_away));
    result.map(|(sender, receiver, driver)| (sender, receiver, Box::new(driver)))
}

/// Moves bytes and reads events until the connection ends. Why it has ended. The account is to know
/// when the machine has been asleep.
async fn run(mut driver: Box<Driver>, tap: &Tap, mut suspend: Suspend, account: &MessageSender) -> Error {
    let mut returned = Box::pin(tap.returned.notified());
    let ended = poll_fn(|cx: &mut Context<'_>| {
        while returned.as_mut().poll(cx).is_ready() {
            returned.as_mut().set(tap.returned.notified());
        }
        if let Some(receiver) = &mut *tap.lock() {
            while let Poll::Ready(Some(_)) = Pin::new(&mut *receiver).poll_next(cx) {}
        }
        // The driver looks at its clocks now and then, so this is called as often.
        if suspend.has_slept(Instant::now()) {
            _ = account.send(Message::Slept);
        }
        Pin::new(&mut *driver).poll(cx)
    });
    ended.await.err().unwrap_or_else(|| Error::closed(&CloseReason::Logout))
}
