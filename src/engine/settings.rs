//! What the engine is to do, from the connection's configuration.

use std::time::Duration;

use crate::types::{Limits, ViewSync};

/// How the engine works: bounds, batches, times.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    /// Whether it idles by itself.
    pub(crate) auto_idle: bool,
    /// How much the views of mailboxes learn, unless a SELECT says otherwise.
    pub(crate) view_sync: ViewSync,
    pub(crate) windows: BatchSizes,
    /// How long nothing must have been to do before it idles.
    pub(crate) idle_delay: Duration,
    /// How long one IDLE may last.
    pub(crate) idle_renew: Duration,
    /// How often NOOP is sent where the server has no IDLE.
    pub(crate) poll_every: Duration,
    /// How long the server may be silent while a command is in flight.
    pub(crate) silence: Duration,
    /// Capabilities that are taken for missing.
    pub(crate) ignored: Vec<String>,
}

/// How many messages one command asks of, so that none keeps the connection busy for long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSizes {
    /// For UIDs. With ESEARCH the answer is some kB, without it about 7 bytes a message.
    pub(crate) uids: u32,
    /// For flags: about 50 bytes a message.
    pub(crate) flags: u32,
}

impl Default for BatchSizes {
    fn default() -> Self {
        Self { uids: 50_000, flags: 5_000 }
    }
}
