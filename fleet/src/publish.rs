//! Publishing: each event once under its identity, in order for each mailbox, and never by a worker
//! that was overtaken if that can be known.
//!
//! ```text
//!   learn the last event of the subject ──it is this one──> done
//!      │ its sequence is expected from now on
//!      ▼
//!   allowed? ──no──> wait for a renewal ──never──> Retired
//!      │yes            ▲
//!      ▼               │ no answer, or NATS away
//!   publish (identity, expected sequence) ──ack──> done
//!      │ another sequence
//!      ▼
//!   does the lease hold? ──no──> LeaseLost        yes: learn again
//! ```
//!
//! JetStream compares the expected sequence with the subject's last one when it stores the event.
//! So an event of a worker that stood still between its check and its publish is refused once its
//! successor has published in that subject. Before that it is stored: then it was in the outbox,
//! and the successor finds it there, or publishes it next (see outbox.rs). tests/model.rs searches
//! all orders of these steps. That JetStream drops identities that it knows only spares a round.
//!
//! In: events of one mailbox one after the other. Out: acknowledged, or why never.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::lease::{Lease, LeaseTable};
use crate::stream::EventStream;
use crate::watchdog::Watchdog;

const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How many subjects of an account keep their expected sequences.
const MAX_SUBJECTS: usize = 4096;

/// Publishes the events of all accounts of a worker.
#[derive(Clone, Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stream: EventStream,
    leases: LeaseTable,
    watchdog: Watchdog,
    window: Semaphore,
    size: usize,
    events: AtomicU64,
    duplicates: AtomicU64,
}

impl Publisher {
    /// At most `window` events wait for an acknowledgement at the same time.
    #[must_use]
    pub fn new(stream: EventStream, leases: LeaseTable, watchdog: Watchdog, window: usize) -> Self {
        let (events, duplicates) = (AtomicU64::new(0), AtomicU64::new(0));
        let window_semaphore = Semaphore::new(window);
        let shared =
            Shared { stream, leases, watchdog, window: window_semaphore, size: window, events, duplicates };
        Self { shared: Arc::new(shared) }
    }

    /// The part for one account.
    #[must_use]
    pub fn account(&self, lease: Lease) -> Publish {
        Publish { shared: self.shared.clone(), lease, sequences: Arc::default() }
    }

    /// How many events JetStream has acknowledged, and how many of these it had before.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.events.load(Ordering::Relaxed), self.shared.duplicates.load(Ordering::Relaxed))
    }

    /// How many events wait for an acknowledgement.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.size.saturating_sub(self.shared.window.available_permits())
    }
}

/// Publishes the events of one account. Clones share what is known of the subjects.
#[derive(Clone, Debug)]
pub struct Publish {
    shared: Arc<Shared>,
    lease: Lease,
    /// The last sequence of each subject, as far as this worker knows.
    sequences: Arc<Mutex<HashMap<String, u64>>>,
}

impl Publish {
    /// Publishes an event, and returns once JetStream has it. Events of one mailbox are published
    /// one after the other, so that a retry never overtakes. When the future is dropped, the event
    /// may be there or not.
    ///
    /// # Errors
    /// [`Retired`](Error::Retired) or [`LeaseLost`](Error::LeaseLost) if it is another worker's to
    /// publish; [`Nats`](Error::Nats) if JetStream can never take it.
    pub async fn publish(&self, event: &Event) -> Result<()> {
        let subject = event.subject(self.shared.stream.prefix());
        let payload = serde_json::to_vec(event).map_err(|error| Error::invalid(error.to_string()))?;
        let mut pause = MIN_PAUSE;
        let _place = self.shared.window.acquire().await.map_err(|_| Error::Retired)?;
        loop {
            if !self.shared.watchdog.allowed().await {
                return Err(Error::Retired);
            }
            let expected = match self.learn(&subject, &event.id).await {
                Ok(Last::Sequence(sequence)) => sequence,
                Ok(Last::Same(sequence)) => {
                    self.done(&subject, sequence, true);
                    return Ok(());
                }
                Err(error) => {
                    tracing::debug!(%subject, %error, "the last event of a subject is asked for once more");
                    pause = wait(pause).await;
                    continue;
                }
            };
            // Learning may have taken long.
            if !self.shared.watchdog.allows() {
                continue;
            }
            #[cfg(feature = "demo")]
            crate::demo::stop_point::before_publish();
            let message = PublishMessage::build()
                .payload(payload.clone().into())
                .message_id(&event.id)
                .expected_last_subject_sequence(expected);
            let sent = self.shared.stream.context().send_publish(subject.clone(), message).await;
            let acknowledged = match sent {
                Ok(acknowledgement) => acknowledgement.await,
                Err(error) => Err(error),
            };
            match acknowledged {
                Ok(acknowledgement) => {
                    self.done(&subject, acknowledgement.sequence, acknowledgement.duplicate);
                    return Ok(());
                }
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    self.known().remove(&subject);
                    self.check().await?;
                }
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    return Err(Error::nats(format!("{}: {error}", event.id)));
                }
                Err(error) => {
                    tracing::debug!(%subject, %error, "an event is published once more");
                    pause = wait(pause).await;
                }
            }
        }
    }

    fn done(&self, subject: &str, sequence: u64, duplicate: bool) {
        self.shared.events.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("fleet_events_total").increment(1);
        if duplicate {
            // Its place is an earlier one, and others may have followed.
            self.shared.duplicates.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("fleet_duplicates_total").increment(1);
            self.known().remove(subject);
        } else {
            self.know(subject, sequence);
        }
    }

    fn know(&self, subject: &str, sequence: u64) {
        let mut known = self.known();
        if known.len() >= MAX_SUBJECTS {
            known.clear();
        }
        known.insert(subject.to_owned(), sequence);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        self.sequences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last event of this subject, and whether it is the one of this identity.
    async fn learn(&self, subject: &str, id: &str) -> Result<Last> {
        if let Some(known) = self.known().get(subject).copied() {
            return Ok(Last::Sequence(known));
        }
        match self.shared.stream.last(subject).await? {
            Some((sequence, Some(last))) if last == id => Ok(Last::Same(sequence)),
            last => {
                let sequence = last.map_or(0, |(sequence, _)| sequence);
                self.know(subject, sequence);
                Ok(Last::Sequence(sequence))
            }
        }
    }

    /// Another event is the last one of a subject: another worker's, if the lease is lost.
    async fn check(&self) -> Result<()> {
        match self.shared.leases.holds(self.lease).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::LeaseLost(self.lease.account)),
            // Without the database nothing is certain, and the watchdog decides.
            Err(error) => {
                tracing::debug!(account = self.lease.account, %error, "a lease could not be checked");
                sleep(MIN_PAUSE).await;
                Ok(())
            }
        }
    }
}

/// What is known of a subject.
enum Last {
    /// The sequence of its last event; 0 if it has none.
    Sequence(u64),
    /// Its last event is the one that is to be published.
    Same(u64),
}

/// Waits, and says how long the next time.
async fn wait(pause: Duration) -> Duration {
    sleep(pause).await;
    (pause * 2).min(MAX_PAUSE)
}
