//! Mechanisms of a user's own: what this library has no code for, such as GSSAPI or NTLM.
//!
//! In: a [`SaslMechanism`], where the login takes place. Out: an [`Exchange`] that AUTHENTICATE can
//! run; errors that name the mechanism.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::credentials::BoxError;
use super::exchange::{Notes, too_much};
use crate::command::{Exchange, Secret};
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::net::tls::ChannelBinding;

/// A SASL mechanism (RFC 4422) of your own: one that this library does not have, such as GSSAPI,
/// NTLM or CRAM-MD5, or one that it has and that you would do otherwise. For
/// [`Config::sasl`](crate::Config::sasl) and [`Credentials::sasl`](crate::Credentials::sasl).
///
/// A value of it knows whatever it logs in with, and begins a [`SaslExchange`] for each login. It
/// is never asked for its `Debug`: what it holds appears in no error, event or trace. Let it keep
/// passwords in something that is wiped, such as a [`Secret`].
///
/// A mechanism may negotiate no security layer (RFC 4422 section 3.7): encryption is what TLS is
/// for. GSSAPI has to ask for none.
///
/// # Examples
/// The answer to a challenge with a secret that both sides have; and a server that takes it.
///
/// ```
/// use imap_duplex::command::Secret;
/// use imap_duplex::{Config, SaslExchange, SaslMechanism, SaslPlace};
///
/// type Error = Box<dyn std::error::Error + Send + Sync>;
///
/// struct Shared {
///     user: String,
///     secret: Secret,
/// }
///
/// impl SaslMechanism for Shared {
///     fn name(&self) -> &str {
///         "X-SHARED"
///     }
///
///     fn user(&self) -> Option<&str> {
///         Some(&self.user)
///     }
///
///     fn begin(&self, _: &SaslPlace) -> Result<Box<dyn SaslExchange>, Error> {
///         let (user, secret) = (self.user.clone(), self.secret.clone());
///         Ok(Box::new(Answer { user, secret, is_done: false }))
///     }
/// }
///
/// struct Answer {
///     user: String,
///     secret: Secret,
///     is_done: bool,
/// }
///
/// impl SaslExchange for Answer {
///     fn step(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Error> {
///         self.is_done = true;
///         let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
///         let sum = sum(challenge) + sum(self.secret.expose().as_bytes()); // not how it is done
///         Ok(format!("{} {sum}", self.user).into_bytes())
///     }
///
///     fn is_done(&self) -> bool {
///         self.is_done
///     }
/// }
///
/// let shared = Shared { user: "alice".into(), secret: "correct horse".into() };
/// let config = Config::new("imap.example.org").sasl(shared);
/// assert_eq!(config.get_user(), Some("alice"));
/// # #[cfg(feature = "testing")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # use imap_duplex::testing::{SaslTurn, Server};
/// # let server = Server::builder().sasl("X-SHARED", |answers| match answers {
/// #     [] => SaslTurn::Challenge(b"17".to_vec()),
/// #     [answer] if answer == b"alice 1435" => SaslTurn::Accept("alice".into()),
/// #     [answer] => panic!("{}", String::from_utf8_lossy(answer)),
/// #     _ => SaslTurn::Refuse,
/// # }).start();
/// # let config = config.plaintext().allow_plaintext_login(true);
/// # let (imap, _events) = config.connect_over(server.connect()).await.unwrap();
/// # imap.logout().await.unwrap();
/// # });
/// ```
pub trait SaslMechanism: Send + Sync + 'static {
    /// Its registered name, as in the server's capability `AUTH=…`: `GSSAPI`. It is used where the
    /// server offers it, in capitals or not; one that ends in `-PLUS` only where
    /// [`SaslPlace::channel_binding`] has something.
    fn name(&self) -> &str;

    /// Who logs in, for errors and [`Config::get_user`](crate::Config::get_user); `None` where the
    /// mechanism finds out by itself.
    fn user(&self) -> Option<&str> {
        None
    }

    /// Whether what it sends must not be seen by others, so that it is used only over TLS, to this
    /// very machine, or where
    /// [`allow_plaintext_login`](crate::Config::allow_plaintext_login) is set. So it is by default.
    fn needs_encryption(&self) -> bool {
        true
    }

    /// Begins a login. It is called for each attempt, and once more where a server that offers
    /// SASL-IR refuses a first message in the line of the command.
    ///
    /// # Errors
    /// An error says that this mechanism can't be used now, because there is no ticket for the
    /// server, say. Nothing has been sent then: the next way to log in is used, if there is one;
    /// otherwise it is the [source](std::error::Error::source) of the error of the connect.
    fn begin(&self, place: &SaslPlace) -> Result<Box<dyn SaslExchange>, BoxError>;
}

/// One login by a [`SaslMechanism`] of your own. Its methods are called in the task that connects,
/// and must not wait for long.
///
/// The messages are plain bytes: this library has them in base64. What a method returns is wiped
/// once it has been sent, and kept out of errors, events and traces, even where the server repeats
/// it.
pub trait SaslExchange: Send + 'static {
    /// The client's first message, of a mechanism where the client speaks first; it may be empty.
    /// It goes in the line of the command where the server allows that (SASL-IR, RFC 4959). `None`,
    /// the default: the server speaks first. Called once, before anything else.
    ///
    /// # Errors
    /// As those of [`SaslMechanism::begin`].
    fn first(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(None)
    }

    /// The answer to a challenge of the server; it may be empty. What a server says last in some
    /// mechanisms, to prove who it is, is a challenge as well, to be answered with nothing.
    ///
    /// # Errors
    /// An error gives the login up: the server is sent `*` (RFC 9051 section 6.2.2), and the error
    /// is the [source](std::error::Error::source) of that of the connect. It must show no secret.
    fn step(&mut self, challenge: &[u8]) -> Result<Vec<u8>, BoxError>;

    /// Whether all has been said, and the server has shown what it has to. If a server says OK
    /// before, the login fails; if it sends another challenge after, too.
    fn is_done(&self) -> bool;
}

/// Where a login takes place, for [`SaslMechanism::begin`].
#[derive(Clone, Debug)]
pub struct SaslPlace {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_encrypted: bool,
    pub(super) binding: Option<ChannelBinding>,
    pub(super) act_as: Option<String>,
}

impl SaslPlace {
    /// The server's host, as the `Config` has it: for the name of the service, `imap@host` in
    /// GSSAPI.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The server's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The user to act as, if that is another one: [`Config::act_as`](crate::Config::act_as).
    #[must_use]
    pub fn act_as(&self) -> Option<&str> {
        self.act_as.as_deref()
    }

    /// What binds a login to the TLS connection (RFC 5056): the name of its kind, such as
    /// `tls-exporter` (RFC 9266), and the bytes. `None` where there is none: without TLS, before
    /// TLS 1.3, and by the system's TLS.
    #[must_use]
    pub fn channel_binding(&self) -> Option<(&str, &[u8])> {
        self.binding.as_ref().map(|binding| (binding.name(), binding.data()))
    }
}

/// A mechanism of a user's own, shared by all that connect with it: what [`Credentials::sasl`]
/// holds. `Debug` shows its name.
///
/// [`Credentials::sasl`]: crate::Credentials::sasl
#[derive(Clone)]
pub struct OwnMechanism(Arc<dyn SaslMechanism>);

impl fmt::Debug for OwnMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnMechanism({})", self.0.name())
    }
}

impl<M: SaslMechanism> From<M> for OwnMechanism {
    fn from(mechanism: M) -> Self {
        Self(Arc::new(mechanism))
    }
}

impl OwnMechanism {
    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.0.user()
    }

    pub(super) fn needs_encryption(&self) -> bool {
        self.0.needs_encryption()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Begins a login.
    pub(super) fn begin(&self, place: &SaslPlace, notes: &Notes) -> Result<Box<dyn Exchange>> {
        let name = self.name().to_ascii_uppercase();
        let mut exchange = self.0.begin(place).map_err(|why| failed(&name, "can't be used", why))?;
        let first = exchange.first().map_err(|why| failed(&name, "can't be used", why))?;
        Ok(Box::new(Own {
            name,
            is_client_first: first.is_some(),
            first: first.map(Zeroizing::new),
            exchange,
            nothing: "".into(),
            notes: notes.clone(),
            has_failed: false,
        }))
    }
}

fn failed(name: &str, how: &str, why: BoxError) -> Error {
    Error::new(ErrorKind::Login, format!("{name}, a mechanism of your own, {how}"))
        .with_remedy(Remedy::Setup)
        .because_of(Arc::from(why))
}

/// An exchange of a user's own.
struct Own {
    name: String,
    is_client_first: bool,
    /// The first message, until it has been sent.
    first: Option<Zeroizing<Vec<u8>>>,
    exchange: Box<dyn SaslExchange>,
    nothing: Secret,
    notes: Notes,
    has_failed: bool,
}

impl Own {
    fn answer(&mut self, challenge: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        if self.first.is_some() {
            let what = format!("the server speaks first, where {} has the client do so", self.name);
            return Err(Error::protocol(what));
        }
        if self.has_failed || self.exchange.is_done() {
            return Err(too_much());
        }
        self.notes.go_beyond_first();
        let answer = self.exchange.step(challenge).map_err(|why| failed(&self.name, "gives up", why))?;
        Ok(Zeroizing::new(answer))
    }
}

impl Exchange for Own {
    fn mechanism(&self) -> &str {
        &self.name
    }

    fn is_client_first(&self) -> bool {
        self.is_client_first
    }

    /// What may be seen of a message is not known here: all of it is concealed.
    fn secret(&self) -> &Secret {
        &self.nothing
    }

    fn conceals_all(&self) -> bool {
        true
    }

    fn is_over(&self) -> bool {
        !self.has_failed && self.first.is_none() && self.exchange.is_done()
    }

    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        let answer = match challenge {
            None => self.first.take().ok_or_else(too_much),
            Some(challenge) => self.answer(challenge),
        };
        answer.inspect_err(|_| self.has_failed = true)
    }

    fn accepted(&mut self) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let what = format!("the server says OK before the exchange by {} is over", self.name);
        Err(Error::new(ErrorKind::Login, what).with_remedy(Remedy::Setup))
    }
}
