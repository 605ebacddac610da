//! What to connect to, as whom, and how: a plain value that users build.
//!
//! Who logs in is set in `auth`, TLS in `tls`, the way to the server in `transport`, durations in
//! `timeouts`; `getters` gives back what was set. `Config::settings` is what the engine needs of it.

mod auth;
mod getters;
#[cfg(feature = "proxy")]
mod proxy;
#[cfg(feature = "serde")]
mod stored;
mod timeouts;
mod tls;
mod transport;
mod url;

use super::WallClock;
use super::auth::{Identity, Mechanism, OwnMechanism};
use crate::command::Id;
use crate::engine::{BatchSizes, Settings};
use crate::types::{Limits, ViewSync};

#[cfg(feature = "proxy")]
pub use proxy::{Proxy, ProxyKind};
pub use timeouts::Timeouts;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
pub(crate) use tls::Own;
pub use tls::{ClientCertificate, TlsBackend};
pub(crate) use tls::{Security, TlsSettings};
pub(crate) use transport::Way;
pub use url::ImapUrl;

/// What to connect to, as whom, and how.
///
/// Defaults to implicit TLS on port 993. It is a plain value: keep it, and connect with it again
/// when a connection has ended.
///
/// ```no_run
/// # async fn example(password: String) -> imap_duplex::Result<()> {
/// use imap_duplex::Config;
/// let (imap, events) = Config::new("imap.example.org").login("alice", password).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) security: Security,
    pub(crate) way: Way,
    pub(crate) nodelay: bool,
    #[cfg(feature = "compress")]
    pub(crate) compress: bool,
    pub(crate) identity: Option<Identity>,
    /// A provider of credentials is asked for fresh ones if the server refuses those that it has.
    pub(crate) may_refresh: bool,
    /// Whom the user acts as, where that is another one; not empty.
    pub(crate) act_as: Option<String>,
    pub(crate) mechanism: Option<Mechanism>,
    /// Mechanisms of the user's own, used before others.
    pub(crate) sasl: Vec<OwnMechanism>,
    pub(crate) allow_plaintext_login: bool,
    pub(crate) tls: TlsSettings,
    pub(crate) enable: Vec<String>,
    pub(crate) ignored: Vec<String>,
    pub(crate) id: Option<Id>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) auto_idle: bool,
    pub(crate) view_sync: ViewSync,
    pub(crate) wall: WallClock,
}

impl Config {
    /// This host, by TLS on port 993. A name or an address, without a [port](Config::port) and no
    /// URL; its certificate must be for it.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org");
    /// ```
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            security: Security::Tls,
            way: Way::Tcp,
            nodelay: true,
            #[cfg(feature = "compress")]
            compress: false,
            identity: None,
            may_refresh: true,
            act_as: None,
            mechanism: None,
            sasl: Vec::new(),
            allow_plaintext_login: false,
            tls: TlsSettings::default(),
            enable: ["QRESYNC", "CONDSTORE", "IMAP4rev2"].map(String::from).into(),
            ignored: Vec::new(),
            id: Some(Id::nothing().field("name", env!("CARGO_PKG_NAME"))),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            auto_idle: true,
            view_sync: ViewSync::default(),
            wall: WallClock::default(),
        }
    }

    /// Another port than the usual one.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").port(1993);
    /// ```
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// What to enable at login where the server offers it (RFC 9051 section 6.3.1). By default
    /// QRESYNC (or CONDSTORE, where there is no QRESYNC) and IMAP4rev2.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").enable(["CONDSTORE", "UTF8=ACCEPT"]);
    /// ```
    pub fn enable<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.enable = names.into_iter().map(Into::into).collect();
        self
    }

    /// Takes these capabilities for missing, whatever the server says: for an extension that it
    /// does wrong. Each is left out as it is named and with a value, as in `APPENDLIMIT=35651584`;
    /// and if it is a part of IMAP4rev2, also where that is in use. What needs it is done otherwise
    /// or refused, as on a server without. `LOGINDISABLED` can't be left out.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").ignore_capabilities(["ESEARCH", "NOTIFY"]);
    /// ```
    pub fn ignore_capabilities<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.ignored = names.into_iter().map(Into::into).collect();
        self
    }

    /// The program's name and version, which the server is given after login where it has ID (RFC
    /// 2971): its administrator can then see which program does what, and some servers insist. By
    /// default this library's name alone. [`id`](Self::id) gives other fields, or nothing.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").program("my program", env!("CARGO_PKG_VERSION"));
    /// ```
    pub fn program(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.id(Id::nothing().field("name", name).field("version", version))
    }

    /// All that the client says of itself after login, where the server has ID (RFC 2971): for name
    /// and version there is [`program`](Self::program). `None`: nothing is sent.
    ///
    /// ```
    /// # use imap_duplex::{Config, command::Id};
    /// let config = Config::new("imap.example.org").id(Id::nothing().field("name", "my program"));
    /// let config = Config::new("imap.example.org").id(None);
    /// ```
    pub fn id(mut self, id: impl Into<Option<Id>>) -> Self {
        self.id = id.into();
        self
    }

    /// The bounds of the connection.
    ///
    /// ```
    /// # use imap_duplex::{Config, types::Limits};
    /// let mut limits = Limits::default();
    /// limits.commands = 100;
    /// let config = Config::new("imap.example.org").limits(limits);
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long to wait for what.
    ///
    /// ```
    /// # use imap_duplex::{Config, Timeouts};
    /// # use std::time::Duration;
    /// let mut timeouts = Timeouts::default();
    /// timeouts.silence = Duration::from_secs(30);
    /// let config = Config::new("imap.example.org").timeouts(timeouts);
    /// ```
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// How much of the messages of each selected mailbox the client fetches by itself. By default
    /// their UIDs; [`Select::view_sync`](crate::Select::view_sync) overrides it for one selection.
    ///
    /// ```
    /// # use imap_duplex::{Config, types::ViewSync};
    /// let config = Config::new("imap.example.org").view_sync(ViewSync::Flags);
    /// ```
    pub fn view_sync(mut self, view_sync: ViewSync) -> Self {
        self.view_sync = view_sync;
        self
    }

    /// Whether the connection idles by itself while there is nothing to do (RFC 2177), with a
    /// mailbox selected or without, and polls by NOOP at each [`poll_every`](Timeouts::poll_every)
    /// where the server has no IDLE. A server that refuses IDLE while nothing is selected is polled
    /// then, and still idles as soon as a mailbox is selected. On by default.
    ///
    /// Some servers never report flags that changed between two IDLEs, so the client asks: with
    /// CONDSTORE before each IDLE (about 100 bytes, and 60 for each change), else by comparing
    /// known flags after at least [`idle_renew`](Timeouts::idle_renew) (about 42 bytes a message:
    /// 4.2 MB of 100,000). A mailbox of more than 5,000 messages is compared less often, down to
    /// each fourth time, while no unreported change is found. With [`ViewSync::Off`] nothing is
    /// asked, under NOTIFY neither.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").auto_idle(false);
    /// ```
    pub fn auto_idle(mut self, on: bool) -> Self {
        self.auto_idle = on;
        self
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            limits: self.limits.clone(),
            auto_idle: self.auto_idle,
            view_sync: self.view_sync,
            windows: BatchSizes::default(),
            idle_delay: self.timeouts.idle_delay,
            idle_renew: self.timeouts.idle_renew,
            poll_every: self.timeouts.poll_every,
            silence: self.timeouts.silence,
            ignored: self.ignored.clone(),
        }
    }
}
