//! Who logs in, and by what: fixed, or asked for at each connect.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::custom_mechanism::OwnMechanism;
use super::mechanism::Material;
use crate::command::Secret;
use crate::error::Error;

/// What shows who a user is: a password or a token; from the callback of
/// [`Config::credentials`](crate::Config::credentials).
///
/// ```
/// use imap_duplex::Credentials;
/// let credentials = Credentials::token("ya29.a0Ad52N3");
/// assert_eq!(format!("{credentials:?}"), "Token(Secret(…))");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// For SCRAM, PLAIN and LOGIN.
    Password(Secret),
    /// An access token of OAuth 2.0, for OAUTHBEARER and XOAUTH2.
    Token(Secret),
    /// A mechanism of your own, with whatever it logs in with.
    Sasl(OwnMechanism),
}

impl Credentials {
    /// A password.
    ///
    /// ```
    /// # use imap_duplex::Credentials;
    /// let credentials = Credentials::password("correct horse");
    /// ```
    pub fn password(password: impl Into<Secret>) -> Self {
        Self::Password(password.into())
    }

    /// An access token of OAuth 2.0, without `Bearer`.
    ///
    /// ```
    /// # use imap_duplex::Credentials;
    /// let credentials = Credentials::token("ya29.a0Ad52N3");
    /// ```
    pub fn token(token: impl Into<Secret>) -> Self {
        Self::Token(token.into())
    }

    /// A mechanism of your own, with a fresh ticket, say: see
    /// [`SaslMechanism`](crate::SaslMechanism).
    ///
    /// ```
    /// # use imap_duplex::{Credentials, SaslMechanism};
    /// # fn example(kerberos: impl SaslMechanism) {
    /// let credentials = Credentials::sasl(kerberos);
    /// # }
    /// ```
    pub fn sasl(mechanism: impl Into<OwnMechanism>) -> Self {
        Self::Sasl(mechanism.into())
    }

    pub(super) fn material(&self) -> Material {
        match self {
            Self::Password(_) => Material::Password,
            Self::Token(_) => Material::Token,
            Self::Sasl(_) => Material::Own,
        }
    }

    /// The password or token.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Password(secret) | Self::Token(secret) => Some(secret),
            Self::Sasl(_) => None,
        }
    }

    /// Whether they are the same to a server.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sasl(one), Self::Sasl(other)) => one.is_same(other),
            _ => {
                let texts = [self, other].map(|one| one.secret().map(Secret::expose));
                self.material() == other.material() && texts[0] == texts[1]
            }
        }
    }
}

/// Why [credentials](crate::Config::credentials) are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialReason {
    /// A connection is being made. What is at hand will do if it is still valid.
    First,
    /// The server says that the token or the password has expired: a new one is needed.
    Expired,
    /// The server refuses them, for whatever reason: what is at hand is of no use.
    Refused,
}

/// A request for credentials, for the callback of
/// [`Config::credentials`](crate::Config::credentials).
#[derive(Clone, Debug)]
pub struct CredentialRequest {
    pub(super) reason: CredentialReason,
    pub(super) user: String,
    pub(super) host: String,
    pub(super) error: Option<Error>,
}

impl CredentialRequest {
    /// Why they are asked for.
    #[must_use]
    pub fn reason(&self) -> CredentialReason {
        self.reason
    }

    /// The user who is to log in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The server's host, as the `Config` has it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The server's refusal of those before; none if the reason is
    /// [`First`](CredentialReason::First).
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

/// What a callback may fail with.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

type Asking = Pin<Box<dyn Future<Output = Result<Credentials, BoxError>> + Send>>;

/// The callback that gives credentials.
#[derive(Clone)]
pub(crate) struct Provider(Arc<dyn Fn(CredentialRequest) -> Asking + Send + Sync>);

impl Provider {
    pub(crate) fn new<F, Fut>(provider: F) -> Self
    where
        F: Fn(CredentialRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credentials, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(provider(request))))
    }

    pub(super) async fn ask(&self, request: CredentialRequest) -> Result<Credentials, BoxError> {
        (self.0)(request).await
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

/// Who logs in.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// A user with fixed credentials.
    Known { user: String, credentials: Credentials },
    /// A user whose credentials are asked for.
    Asked { user: String, provider: Provider },
    /// Whom something outside of IMAP shows; maybe to act as this user.
    Elsewhere { user: Option<String> },
    /// No user, with a word on who it is.
    Anonymous { trace: String },
    /// Whom a mechanism of the user's own shows.
    Own { user: Option<String> },
}

impl Identity {
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Self::Known { user, .. } | Self::Asked { user, .. } => Some(user),
            Self::Elsewhere { user } | Self::Own { user } => user.as_deref(),
            Self::Anonymous { .. } => None,
        }
    }

    /// For messages: who it is.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Anonymous { .. } => "an anonymous user",
            Self::Own { user: None } => "the user of a mechanism of your own",
            _ => self.user().unwrap_or("the user of the client certificate"),
        }
    }
}
