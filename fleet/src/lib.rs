//! Follows the mailboxes of many IMAP accounts from many machines.
//!
//! ```text
//!   PostgreSQL: accounts, workers, leases, cursors
//!        │  claim, renew, release            ▲ cursor, with the lease's token
//!        ▼                                   │
//!   Worker ──> one Account each (imap-duplex) ──> changes ──> Publisher ──> NATS JetStream
//!        └──> heartbeat ──> Watchdog ──────────────────────────────^ may it publish?
//! ```
//!
//! Any number of workers share one set of accounts. A worker holds leases on some of them and
//! follows their mailboxes; each change becomes an [`Event`] in a stream of JetStream. The cursor
//! of a mailbox moves only after JetStream has acknowledged the event, so each change is delivered
//! at least once, and in order for each mailbox, whatever is killed. A change that is delivered
//! twice has the same [`Event::id`] both times, by which JetStream drops the second within its
//! window.
//!
//! In: a [`FleetConfig`], a database, a NATS server. Out: events, and a page that shows the fleet.

mod account;
mod config;
mod connect;
mod credential;
mod cursor;
mod database;
#[cfg(feature = "demo")]
pub mod demo;
mod error;
mod event;
mod http;
mod lease;
mod outbox;
mod overview;
mod publish;
mod schema;
#[cfg(feature = "demo")]
pub mod services;
mod stream;
mod watchdog;
pub mod worker;

pub use account::{AccountSettings, Directory, StoredAccount, WatchSettings};
pub use config::FleetConfig;
pub use credential::{Credential, SealingKey};
pub use error::{Error, Result};
pub use event::{EVENT_VERSION, Event, Kind, subject_token};
pub use http::serve;
pub use lease::{Beat, Census, Claimed, Lease, LeaseTable, WorkerId};
pub use overview::{AccountLine, Overview, WorkerLine};
pub use publish::{Publish, Publisher};
pub use schema::{SCHEMA_VERSION, migrate};
pub use stream::{EventStream, Tail};
pub use watchdog::Watchdog;
