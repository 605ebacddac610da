//! Getting in: which mechanism, with which credentials, and what a refusal means.
//!
//! ```text
//!   credentials ─> choice ─> exchange ─> AUTHENTICATE ─> in
//!        ^            ^                       │ refused
//!        └────────────┴──── refusal <─────────┘
//! ```
//!
//! In: what the `Config` says of the user, what the server offers, what binds a login to the
//! connection. Out: a session that is logged in, or an error sorted by what to do about it.
//! `mechanism` has the mechanisms in their order, `credentials` what users give, `choice` which
//! mechanism is used, `exchange` its messages, `oauth` what servers say of tokens, `scram_check`
//! what is checked of a server before rsasl sees it, `own` mechanisms of a user's own, `refusal`
//! what an error means, `refresh` what several connects share, `attempt` runs it all.

mod attempt;
mod choice;
mod credentials;
mod custom_mechanism;
mod exchange;
mod mechanism;
mod oauth;
#[cfg(feature = "account")]
mod refresh;
mod refusal;
mod scram_check;

pub use credentials::{CredentialReason, CredentialRequest, Credentials};
pub use custom_mechanism::{OwnMechanism, SaslExchange, SaslMechanism, SaslPlace};
pub use mechanism::Mechanism;

pub(crate) use credentials::{Identity, Provider};
#[cfg(feature = "account")]
pub(crate) use refresh::Refresh;

pub(super) use attempt::Attempts;

/// The messages of a login at `imap.example.org`, for the fuzz targets.
#[cfg(any(test, fuzzing))]
pub(crate) fn login_messages(
    mechanism: Mechanism,
    user: &str,
    act_as: Option<&str>,
    secret: &str,
) -> crate::error::Result<Box<dyn crate::command::Exchange>> {
    let parts = exchange::Parts {
        mechanism,
        user: user.to_owned(),
        act_as: act_as.map(str::to_owned),
        secret: secret.into(),
        host: "imap.example.org".to_owned(),
        port: 993,
        binding: None,
    };
    exchange::begin(parts, exchange::Notes::default())
}
