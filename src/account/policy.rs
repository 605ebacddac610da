//! The figures by which an account dials, waits and gives up.
//!
//! In: what a user sets. Out: the same, for the state machines of this module; tests set it, too.

use std::time::Duration;

/// How an [`Account`](super::Account) dials, waits and gives up. The defaults keep to what large
/// providers allow.
///
/// ```
/// use imap_duplex::account::Policy;
/// let mut policy = Policy::default();
/// policy.max_connections = 1; // Courier allows four from one address
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Policy {
    /// How many connections the account has at most, from 1: servers allow from 4 to 16 for all
    /// programs of a user together. 3.
    pub max_connections: usize,
    /// How long a connection that no one has leased is kept. 5 minutes.
    pub keep_idle: Duration,
    /// The bound of the first pause after a failure; each further failure doubles it. The pause
    /// itself is random, from zero to the bound. 2 seconds.
    pub min_backoff: Duration,
    /// The largest such bound. 5 minutes.
    pub max_backoff: Duration,
    /// Only a connection that has lived so long makes up for the failures before it. 60 seconds.
    pub stable_after: Duration,
    /// How often the account dials again within [`redial_window`](Self::redial_window) after
    /// connections that failed or lived less than [`stable_after`](Self::stable_after); with 0 not
    /// before that time has passed since the failure. 2.
    pub max_redials: usize,
    /// The time over which [`max_redials`](Self::max_redials) counts. 2 minutes.
    pub redial_window: Duration,
    /// How often credentials are tried once the server has refused them, and what a provider of
    /// [`Config::credentials`](crate::Config::credentials) has fetched afresh for the first
    /// refusal: beyond this the account is parked. 3.
    pub max_refusals: u32,
    /// The pause after each refusal of credentials. 1 minute.
    pub refusal_pause: Duration,
    /// How many dials to one host are under way at the same time, over all accounts of the process.
    /// 8.
    pub host_dials: usize,
    /// The pause between two dials to one host, over all accounts of the process; each failure of
    /// the host itself doubles it, up to a second, and a success resets it. 20 ms.
    pub host_spacing: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_connections: 3,
            keep_idle: Duration::from_secs(5 * 60),
            min_backoff: Duration::from_secs(2),
            max_backoff: Duration::from_secs(5 * 60),
            stable_after: Duration::from_secs(60),
            max_redials: 2,
            redial_window: Duration::from_secs(2 * 60),
            max_refusals: 3,
            refusal_pause: Duration::from_secs(60),
            host_dials: 8,
            host_spacing: Duration::from_millis(20),
        }
    }
}
