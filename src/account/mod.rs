//! Accounts that stay connected: one object for a user's account at a server, which dials when
//! something is wanted, keeps to the limits of servers, and leases its connections.
//!
//! A connection ends with its TCP connection; a program goes on. An [`Account`] owns as many
//! connections as are wanted, up to [`Policy::max_connections`], dials again after failures with
//! pauses that no server takes for an attack, and stops where only other credentials can help.
//!
//! ```text
//!   Account::mailbox ──> wish ──> pool ──> an idle connection ──> SELECT, if need be ──> MailboxLease
//!                                  └──> redial (when) ──> gate (of the host) ──> dial ──┘
//!   MailboxLease dropped ──> what was submitted is done ──> idle ──> the next wish, or LOGOUT
//! ```
//!
//! [`Account::watch`] follows what changes in its mailboxes, across failures and restarts.
//!
//! In: a [`Config`](crate::Config) and a [`Policy`]. Out: leases of connections, a status for a
//! user interface, the changes of a watch.

mod connection;
mod connector;
mod driver;
mod gate;
mod handle;
mod latest;
mod lease;
mod message;
mod policy;
mod pool;
mod queue;
mod redial;
mod special_use;
mod status;
mod stay;
mod tasks;
mod traffic;
mod watch;

#[cfg(feature = "store")]
pub(crate) use self::connection::Events;
use self::connector::Connector;
pub use self::connector::{DialReason, DialRequest};
pub use self::handle::{Account, AccountBuilder};
pub use self::lease::{MailboxLease, SessionLease};
pub use self::policy::Policy;
#[cfg(feature = "store")]
pub(crate) use self::special_use::usual_name;
pub use self::special_use::{FoundBy, SpecialMailbox};
pub use self::status::{AccountState, AccountStatus, StatusReceiver};
#[cfg(feature = "store")]
pub(crate) use self::stay::Stay;
pub use self::traffic::Traffic;
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use self::watch::FileStore;
pub use self::watch::{
    AccountChanges, Change, ChangeKind, Changes, Cursor, MailboxKey, MemoryStore, StateStore, StoreFuture,
    StoredMailbox, Watch, WatchStatus, WatchStatusReceiver, Watcher,
};
#[cfg(feature = "store")]
pub(crate) use self::watch::{Before, Counts, Difference, Found, Pace, Plan};
