//! The demonstration: a fleet in one folder, with mail that comes and goes and parts that are
//! killed.
//!
//! ```text
//!   embedded IMAP servers <── mail, flags, expunges (the truth)
//!        │
//!   workers (processes, killed and started again) ──> NATS ──> consumer (a process) ──> judge
//!        └── PostgreSQL                                              the truth ──────────┘
//! ```
//!
//! In: how many accounts and workers, how long, what is done to them. Out: what was lost or
//! doubled, which has to be nothing.

mod consumer;
mod faults;
mod judge;
mod mail;
mod proxy;
mod run;
pub(crate) mod stop_point;
mod workers;

pub use self::consumer::consume;
pub use self::run::{DemoOptions, Summary, run};
