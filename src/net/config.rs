//! What to connect to, and how.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::command::{Id, Secret};
use crate::engine::{BatchSizes, Settings};
use crate::error::{Error, Result};
use crate::types::{Limits, ViewSync};

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
    pub(crate) login: Option<(String, Secret)>,
    pub(crate) allow_plaintext_login: bool,
    pub(crate) extra_roots: Vec<Bytes>,
    pub(crate) enable: Vec<String>,
    pub(crate) id: Option<Id>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) auto_idle: bool,
    pub(crate) view_sync: ViewSync,
}

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// From the first byte.
    Tls,
    /// After STARTTLS, which must be offered.
    StartTls,
    /// After STARTTLS where it is offered.
    Opportunistic,
    /// Never.
    Plaintext,
}

/// How long to wait for what.
///
/// ```
/// use std::time::Duration;
/// use imap_duplex::Timeouts;
/// let mut timeouts = Timeouts::default();
/// timeouts.silence = Duration::from_secs(30);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the TCP connection, over all addresses of the host. 30 s.
    pub dial: Duration,
    /// For TLS to be agreed on. 30 s.
    pub tls: Duration,
    /// For the server's greeting. 30 s.
    pub greeting: Duration,
    /// From the greeting to the end of login, ENABLE and ID. 60 s.
    pub login: Duration,
    /// How long the server may send nothing at all while a command is in flight, and how long the
    /// source of a [streamed upload](crate::command::Append#streamed-uploads) may give nothing. 2
    /// min.
    pub silence: Duration,
    /// How long nothing must have been to do before the connection idles by itself. 100 ms: an
    /// eager IDLE would cost a caller that sends one command after the other a round trip for each.
    pub idle_delay: Duration,
    /// How long one IDLE may last until it is renewed. 10 min; servers may hang up after 30 (RFC
    /// 9051 section 5.4). If a connection dies silently while it idles, this and
    /// [`silence`](Self::silence) detect it within 12 min; on TCP [`keep_alive`](Self::keep_alive)
    /// does within 2 min.
    pub idle_renew: Duration,
    /// How often NOOP polls for changes where IDLE is unavailable, with a mailbox selected or
    /// without. 60 s.
    pub poll_every: Duration,
    /// TCP keep-alive: how long the line may be silent before the system looks whether the other
    /// end is still there. Between a second and nine hours; zero: it does not look. 60 s.
    ///
    /// The system sends three probes, a third of this time apart, so that a dead peer is detected
    /// after twice this time: 120 s by default, in IDLE too. (While a command is in flight,
    /// [`silence`](Self::silence) applies as well.) On systems without settings for interval and
    /// number of the probes (OpenBSD and others) it may take longer. It applies to connections that
    /// the library dials itself, not to those of [`connect_over`](Config::connect_over).
    pub keep_alive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            dial: s(30),
            tls: s(30),
            greeting: s(30),
            login: s(60),
            silence: s(120),
            idle_delay: Duration::from_millis(100),
            idle_renew: s(600),
            poll_every: s(60),
            keep_alive: s(60),
        }
    }
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
            login: None,
            allow_plaintext_login: false,
            extra_roots: Vec::new(),
            enable: ["QRESYNC", "CONDSTORE", "IMAP4rev2"].map(String::from).into(),
            id: Some(
                Id::nothing()
                    .field("name", env!("CARGO_PKG_NAME"))
                    .field("version", env!("CARGO_PKG_VERSION")),
            ),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            auto_idle: true,
            view_sync: ViewSync::default(),
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

    /// TLS by STARTTLS, on port 143 (RFC 9051 section 6.2.1). A server that does not offer it is an
    /// error.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").starttls();
    /// ```
    pub fn starttls(mut self) -> Self {
        self.security = Security::StartTls;
        self
    }

    /// TLS by STARTTLS where the server offers it, else none, on port 143. An attacker on the
    /// network can remove the offer, so that everything is sent in clear text: passwords are then
    /// sent to a loopback address only, unless
    /// [`allow_plaintext_login`](Config::allow_plaintext_login) allows more.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").opportunistic_tls();
    /// ```
    pub fn opportunistic_tls(mut self) -> Self {
        self.security = Security::Opportunistic;
        self
    }

    /// No encryption, on port 143.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("localhost").plaintext();
    /// ```
    pub fn plaintext(mut self) -> Self {
        self.security = Security::Plaintext;
        self
    }

    /// Logs in as this user. Without it the server must greet with PREAUTH, or the user's commands
    /// must do without a login.
    ///
    /// No error, event or trace shows the password. A server may repeat it, for instance by quoting
    /// the line that it refuses: until the login is over, a text of the server that contains the
    /// password or a part of it is dropped whole. A password of up to eight bytes is matched as a
    /// whole word only, since parts of it may occur in any text.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").login("alice", "correct horse");
    /// ```
    pub fn login(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// Allows passwords to be sent in clear text to hosts other than this machine. Anyone on the
    /// network path can read them.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("mail.lan").plaintext().allow_plaintext_login(true);
    /// ```
    pub fn allow_plaintext_login(mut self, allowed: bool) -> Self {
        self.allow_plaintext_login = allowed;
        self
    }

    /// Trusts this certificate authority (PEM, one or several) in addition to those of the system.
    /// Or the very certificate of the server, if it is self-signed: name, dates and key must still
    /// be right.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// # fn example() -> std::io::Result<()> {
    /// let config = Config::new("mail.lan").trust_certificate(std::fs::read("server.pem")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn trust_certificate(mut self, pem: impl Into<Bytes>) -> Self {
        self.extra_roots.push(pem.into());
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

    /// How the client names itself after login, where the server has ID (RFC 2971): some servers
    /// insist. By default this library's name and version; `None`: nothing is sent.
    ///
    /// ```
    /// # use imap_duplex::{Config, command::Id};
    /// let config = Config::new("imap.example.org").id(Id::nothing().field("name", "my program"));
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

    pub(crate) fn port_number(&self) -> u16 {
        self.port.unwrap_or(if self.security == Security::Tls { 993 } else { 143 })
    }

    /// The host as it is dialled and as certificates name it: an IPv6 address may be given in
    /// brackets.
    pub(crate) fn host_name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Refuses what is no host, before it is looked up in vain. It may be a URL with a password in
    /// it, so that no more of it is repeated than a host and a port.
    pub(crate) fn check_host(&self) -> Result<()> {
        let given = self.host.as_str();
        if self.host_name().parse::<IpAddr>().is_ok() {
            return Ok(());
        }
        let is_url = given.contains("://");
        if !is_url
            && !given.is_empty()
            && !given.contains([':', '/', '@', '[', ']'])
            && !given.contains(char::is_whitespace)
        {
            return Ok(());
        }
        let server = given.rsplit('@').next().unwrap_or_default();
        let server = server.split_once("://").map_or(server, |(_, rest)| rest);
        let server = server.split(['/', '?', '#']).next().unwrap_or_default();
        let (name, port) =
            match (server.strip_prefix('[').and_then(|s| s.split_once("]:")), server.rsplit_once(':')) {
                (Some((name, port)), _) => (name, port.parse::<u16>().ok()),
                (None, Some((name, port))) if !name.contains(':') => (name, port.parse::<u16>().ok()),
                _ => (server, None),
            };
        let what = match (given.is_empty(), is_url, port) {
            (true, ..) => "no host is named",
            (_, true, _) => "a URL is no host: its name or address alone is wanted",
            (_, _, Some(_)) => "the host has a port in it: name and port are set apart",
            _ => "this is no host: a name or an address is wanted",
        };
        let error = Error::invalid(what);
        let is_address = name.parse::<IpAddr>().is_ok();
        let plain = |c: char| is_address || c.is_alphanumeric() || ".-_".contains(c);
        // A part of a password may look like a host as well, where a URL is cut in the wrong place.
        let sure = given.contains('@') || !server.contains(':') || port.is_some();
        Err(match port {
            _ if name.is_empty() || !sure || !name.chars().all(plain) => error,
            Some(port) => error.advise(format!("write Config::new({name:?}).port({port})")),
            None => error.advise(format!("write Config::new({name:?})")),
        })
    }

    /// Whether the host is this very machine, by its name or address.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host_name();
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
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
        }
    }
}
