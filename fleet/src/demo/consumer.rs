//! The consumer of the demonstration, a process of its own: it drops what it knows by its identity,
//! and writes the rest as lines of JSON.
//!
//! In: the stream, by a durable consumer. Out: one line an event; each is acknowledged to JetStream
//! once its line is written.

use std::collections::HashSet;
use std::io::Write as _;

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

use crate::config::FleetConfig;
use crate::error::{Error, Result};
use crate::event::{Event, Kind};
use crate::stream::{EventStream, read};

/// A line of the consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Its place in the stream.
    pub(super) sequence: u64,
    /// An event of this identity was written before; this one is dropped.
    pub(super) known: bool,
    pub(super) event: Event,
}

/// Writes the events of the stream to the standard output, until it is closed. With `drop_one` the
/// first arrival is kept to itself, which the judge has to find.
///
/// # Errors
/// If NATS can't be reached, or the output is closed.
pub async fn consume(config: &FleetConfig, drop_one: bool) -> Result<()> {
    let stream = EventStream::open(config).await?;
    let mut messages = stream.durable("demo").await?;
    let mut known = HashSet::new();
    let mut to_drop = drop_one;
    while let Some(message) = messages.next().await {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "the consumer waits for NATS");
                continue;
            }
        };
        let (sequence, event) = read(&message)?;
        let is_known = !known.insert(event.id.clone());
        if to_drop && event.kind == Kind::Arrived {
            to_drop = false;
        } else {
            let line = serde_json::to_string(&Line { sequence, known: is_known, event })
                .map_err(|error| Error::invalid(error.to_string()))?;
            let mut output = std::io::stdout().lock();
            writeln!(output, "{line}").map_err(Error::io("the consumer's output"))?;
        }
        // Not awaited: what is delivered once more is known.
        if let Err(error) = message.ack().await {
            tracing::warn!(%error, "an event could not be acknowledged");
        }
    }
    Ok(())
}
