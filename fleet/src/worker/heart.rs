//! The beats of a worker: its row is renewed on a connection of its own, which no other statement
//! holds up.
//!
//! In: what to report. Out: renewals to the watchdog; the end, once the database says that it is
//! too late.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::Client;

use super::Shared;
use crate::config::FleetConfig;
use crate::error::{Error, Result};
use crate::lease::{Beat, WorkerId};
use crate::stream::REQUEST;

/// How soon a beat that failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Beats until the worker is retired.
pub(super) async fn beat(id: WorkerId, config: FleetConfig, shared: Shared, draining: watch::Receiver<bool>) {
    let mut ticks = interval(config.heartbeat());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut client = None;
    loop {
        ticks.tick().await;
        loop {
            let is_draining = *draining.borrow();
            match renew(id, &config, &shared, is_draining, &mut client).await {
                Ok(()) => break,
                Err(Error::Retired) => {
                    shared.watchdog.retire();
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "a renewal has failed");
                    client = None;
                    sleep(AGAIN).await;
                }
            }
        }
    }
}

async fn renew(
    id: WorkerId,
    config: &FleetConfig,
    shared: &Shared,
    draining: bool,
    client: &mut Option<Client>,
) -> Result<()> {
    let (events, duplicates) = shared.publisher.counts();
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let beat = Beat {
        events: count(events),
        duplicates: count(duplicates),
        waiting: count(shared.publisher.waiting() as u64),
        draining,
    };
    let late = || Error::Database("no answer in time".into());
    let limit = REQUEST.min(config.heartbeat());
    if client.as_ref().is_none_or(Client::is_closed) {
        *client = Some(timeout(limit, shared.connector.connect()).await.map_err(|_| late())??);
    }
    let Some(connected) = client else { return Err(late()) };
    // From before it was sent: the database counts from later.
    let sent = Instant::now();
    timeout(limit, shared.leases.renew(connected, id, beat)).await.map_err(|_| late())??;
    shared.watchdog.renewed(sent);
    metrics::gauge!("fleet_waiting").set(beat.waiting as f64);
    Ok(())
}
