//! What an account is doing, for a user interface.
//!
//! In: what the account's task does. Out: the latest of it, to be read or awaited.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::latest::LatestReader;
use crate::error::Error;

/// What an account is doing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AccountStatus {
    /// Whether it is connected, or why not.
    pub state: AccountState,
    /// How many connections it has.
    pub connections: usize,
    /// How many of them are leased.
    pub leased: usize,
    /// How many callers wait for one.
    pub waiting: usize,
    /// How many it has at most: [`Policy::max_connections`](super::Policy), or fewer as long as the
    /// server refuses more.
    pub max_connections: usize,
}

impl AccountStatus {
    /// Whether a user interface would show both alike.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let counts = |s: &Self| (s.connections, s.leased, s.waiting, s.max_connections, s.state.until());
        std::mem::discriminant(&self.state) == std::mem::discriminant(&other.state)
            && counts(self) == counts(other)
    }
}

/// Whether an account is connected, or why not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum AccountState {
    /// Nothing is wanted, and it has no connection.
    #[default]
    Idle,
    /// The first connection is being made.
    Connecting,
    /// It has connections.
    Connected,
    /// The last attempt has failed: the next one comes later.
    #[non_exhaustive]
    Waiting {
        /// When.
        until: Instant,
        /// Why the last attempt has failed.
        error: Error,
    },
    /// The server has refused the credentials again and again: nothing is tried until they change.
    #[non_exhaustive]
    Parked {
        /// How the server refused them.
        error: Error,
    },
    /// It is being shut down: nothing more is leased.
    Closing,
    /// It has ended.
    Closed,
}

impl AccountState {
    fn until(&self) -> Option<Instant> {
        if let Self::Waiting { until, .. } = self { Some(*until) } else { None }
    }

    /// How long the account waits from now on, if it does.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::Waiting { until, .. } => Some(until.saturating_duration_since(Instant::now())),
            _ => None,
        }
    }

    /// The failure that keeps the account from being connected.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Waiting { error, .. } | Self::Parked { error } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("not connected"),
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Waiting { error, .. } => {
                let seconds = self.pause().unwrap_or_default().as_secs();
                write!(f, "waiting {seconds} s: {error}")
            }
            Self::Parked { error } => write!(f, "parked until the credentials change: {error}"),
            Self::Closing => f.write_str("closing"),
            Self::Closed => f.write_str("closed"),
        }
    }
}

/// What the account's task says to all.
#[derive(Debug, Default)]
pub(super) struct Published {
    status: AccountStatus,
    /// How often the status has changed, and how often all was to be looked at again.
    changes: u64,
    wakes: u64,
}

impl Published {
    pub(super) fn new(max_connections: usize) -> Self {
        let status = AccountStatus { max_connections, ..AccountStatus::default() };
        Self { status, ..Self::default() }
    }

    pub(super) fn status(&self) -> &AccountStatus {
        &self.status
    }

    /// The account does this now. Whether a user interface would show it otherwise than before.
    pub(super) fn set(&mut self, status: AccountStatus) -> bool {
        let is_same = self.status.is_same(&status);
        self.status = status;
        self.changes += u64::from(!is_same);
        !is_same
    }

    /// All is to be looked at again.
    pub(super) fn wake(&mut self) -> bool {
        self.wakes += 1;
        true
    }
}

/// Whether all is to be looked at again, in another way than by the status.
pub(super) struct Wakes {
    latest: LatestReader<Published>,
    seen: u64,
}

impl Wakes {
    /// From now on.
    pub(super) fn new(latest: LatestReader<Published>) -> Self {
        let seen = latest.read(|now| now.wakes);
        Self { latest, seen }
    }

    /// Waits until it is; for ever once the account has ended. Cancel-safe.
    pub(super) async fn next(&mut self) {
        let seen = self.seen;
        match self.latest.find(|now| (now.wakes != seen).then_some(now.wakes)).await {
            Some(wakes) => self.seen = wakes,
            None => std::future::pending().await,
        }
    }
}

/// The status of an account as it changes; from [`Account::status`](super::Account::status).
#[derive(Clone)]
pub struct StatusReceiver {
    latest: LatestReader<Published>,
    /// How often it had changed by what was returned last.
    seen: u64,
}

impl StatusReceiver {
    pub(super) fn new(latest: LatestReader<Published>) -> Self {
        Self { latest, seen: 0 }
    }

    /// What the account is doing now.
    #[must_use]
    pub fn now(&self) -> AccountStatus {
        self.latest.read(|now| now.status.clone())
    }

    /// Waits until it does something else than this method returned last (at first, than when the
    /// account was made; [`now`](Self::now) doesn't count), and returns that; `None` once the
    /// account has ended. What changes quickly may be skipped. Cancel-safe.
    pub async fn changed(&mut self) -> Option<AccountStatus> {
        let seen = self.seen;
        let is_other = |now: &Published| (now.changes != seen).then(|| (now.changes, now.status.clone()));
        let (changes, status) = self.latest.find(is_other).await?;
        self.seen = changes;
        Some(status)
    }
}

impl fmt::Debug for StatusReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusReceiver").field("now", &self.now()).finish()
    }
}
