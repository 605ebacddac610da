//! Which server it is, and the way to it.

use std::net::IpAddr;

#[cfg(feature = "proxy")]
use super::Proxy;
use super::{Config, Security};
use crate::error::{Error, Result};

/// How the server is reached.
#[derive(Clone, Debug, Default)]
pub(crate) enum Way {
    /// Host and port.
    #[default]
    Tcp,
    /// A socket in the file system.
    #[cfg(unix)]
    Unix(std::path::PathBuf),
    #[cfg(feature = "proxy")]
    Proxy(Proxy),
}

impl Config {
    /// A server on this machine, by its Unix socket, without encryption: the bytes do not leave the
    /// machine, so passwords may be sent. With TLS (which has to be asked for) the certificate must
    /// be for `localhost`.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::unix("/run/dovecot/imap").login("alice", "secret");
    /// ```
    #[cfg(unix)]
    #[cfg_attr(docsrs, doc(cfg(unix)))]
    pub fn unix(path: impl Into<std::path::PathBuf>) -> Self {
        let mut config = Self::new("localhost").plaintext();
        config.way = Way::Unix(path.into());
        config
    }

    /// Reaches the server through this proxy; `None`: without one. The proxy resolves the host's
    /// name; [`Timeouts::dial`](crate::Timeouts::dial) includes its answer. A password goes over
    /// such a connection under TLS alone, unless
    /// [`allow_plaintext_login`](Self::allow_plaintext_login) allows more: `localhost` is the
    /// proxy's.
    ///
    /// ```
    /// # use imap_duplex::{Config, Proxy};
    /// let config = Config::new("imap.example.org").proxy(Proxy::socks5("localhost", 1080));
    /// ```
    #[cfg(feature = "proxy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
    pub fn proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.way = proxy.into().map_or(Way::Tcp, Way::Proxy);
        self
    }

    /// Whether TCP sends what it has at once (`TCP_NODELAY`). On by default: commands are small, go
    /// out whole, and are waited for.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").nodelay(false);
    /// ```
    pub fn nodelay(mut self, on: bool) -> Self {
        self.nodelay = on;
        self
    }

    /// Whether the connection is compressed after login, where the server offers it
    /// (COMPRESS=DEFLATE, RFC 4978); otherwise it goes on without. Off by default.
    ///
    /// Lists of messages shrink to a fifth or so, which counts on slow or metered networks. The
    /// login comes before and is not compressed. What a server compresses is bounded by
    /// [`Limits`](crate::Limits) as anything else that it sends.
    ///
    /// In memory it costs a connection some 20 to 50 kB for good, and up to 320 kB more while
    /// commands are written and for a second after the last. Of 1,000 connections, by the resident
    /// memory of the process on Linux, each took 26 kB without it; with it 45 kB while idle and 198
    /// kB while all wrote at once. What was freed goes back to the system only if the allocator
    /// gives it: that of glibc 2.36 kept all of it by default (up to 635 kB a connection), and gave
    /// it back with `MALLOC_MMAP_THRESHOLD_=131072` in the environment.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").compress(true);
    /// ```
    #[cfg(feature = "compress")]
    #[cfg_attr(docsrs, doc(cfg(feature = "compress")))]
    pub fn compress(mut self, on: bool) -> Self {
        self.compress = on;
        self
    }

    /// Whether the connection is to be compressed.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert!(!Config::new("imap.example.org").get_compress());
    /// ```
    #[cfg(feature = "compress")]
    #[cfg_attr(docsrs, doc(cfg(feature = "compress")))]
    #[must_use]
    pub fn get_compress(&self) -> bool {
        self.compress
    }

    /// The path of the Unix socket, if the server is reached by one.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert_eq!(Config::new("imap.example.org").get_unix(), None);
    /// ```
    #[cfg(unix)]
    #[cfg_attr(docsrs, doc(cfg(unix)))]
    #[must_use]
    pub fn get_unix(&self) -> Option<&std::path::Path> {
        match &self.way {
            Way::Unix(path) => Some(path),
            _ => None,
        }
    }

    /// The proxy, if there is one.
    ///
    /// ```
    /// # use imap_duplex::{Config, Proxy};
    /// let config = Config::new("imap.example.org").proxy(Proxy::http("proxy.lan", 3128));
    /// assert_eq!(config.get_proxy().map(Proxy::port), Some(3128));
    /// ```
    #[cfg(feature = "proxy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
    #[must_use]
    pub fn get_proxy(&self) -> Option<&Proxy> {
        match &self.way {
            Way::Proxy(proxy) => Some(proxy),
            _ => None,
        }
    }

    /// Whether TCP sends what it has at once.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert!(Config::new("imap.example.org").get_nodelay());
    /// ```
    #[must_use]
    pub fn get_nodelay(&self) -> bool {
        self.nodelay
    }

    /// The server, for errors.
    pub(crate) fn whom(&self) -> String {
        match &self.way {
            #[cfg(unix)]
            Way::Unix(path) => format!("the server at {}", path.display()),
            _ => format!("{} port {}", self.host_name(), self.port_number()),
        }
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
}
