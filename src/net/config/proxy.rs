//! The proxy through which the server is reached, and its URL.

use std::fmt;
use std::str::FromStr;

use super::url::{given, read_server};
use crate::command::Secret;
use crate::error::{Error, Result};

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyKind {
    /// SOCKS 5 (RFC 1928): `socks5://`.
    Socks5,
    /// HTTP, by the method CONNECT (RFC 9110 section 9.3.6): `http://`.
    Http,
}

/// A proxy: it connects to the server in our place, and passes bytes on. It resolves the server's
/// name too.
///
/// TLS is between this program and the server all the same: the proxy sees which host and port are
/// asked for, and encrypted bytes. `Debug`, `Display` and errors do not show the password.
///
/// ```
/// use imap_duplex::{Config, Proxy};
/// # fn main() -> imap_duplex::Result<()> {
/// let proxy = Proxy::socks5("localhost", 1080).login("alice", "correct horse");
/// let config = Config::new("imap.example.org").proxy(proxy);
/// let the_same: Proxy = "socks5://alice:correct%20horse@localhost:1080".parse()?;
/// assert_eq!(the_same.to_string(), "socks5://localhost:1080");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Proxy {
    pub(crate) kind: ProxyKind,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Option<(String, Secret)>,
}

impl Proxy {
    /// A SOCKS 5 proxy; 1080 is the usual port.
    pub fn socks5(host: impl Into<String>, port: u16) -> Self {
        Self { kind: ProxyKind::Socks5, host: host.into(), port, login: None }
    }

    /// An HTTP proxy that allows CONNECT to the server's port; 3128 and 8080 are usual ports.
    pub fn http(host: impl Into<String>, port: u16) -> Self {
        Self { kind: ProxyKind::Http, host: host.into(), port, login: None }
    }

    /// Who uses it: by user and password (RFC 1929), with HTTP by the scheme Basic (RFC 7617). Both
    /// go to the proxy in clear text.
    pub fn login(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// What it speaks.
    #[must_use]
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who uses it.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.login.as_ref().map(|(user, _)| user.as_str())
    }

    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "socks5://USER:PASSWORD@HOST:1080";
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let (kind, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            // The h means that the proxy resolves names, as it does here.
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            "http" => (ProxyKind::Http, 80),
            _ => return Err("a proxy's URL begins with socks5:// or http://".into()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(|c: char| c.is_control() || "/?#".contains(c)) {
            return Err("a proxy's URL has no path; / ? # in user or password are written %2F %3F %23".into());
        }
        let (person, server) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = person.split_once(':').unwrap_or((person, ""));
        let (user, password) = (given(user, "the user")?, given(password, "the password")?);
        let (host, port) = read_server(server, FORM)?;
        let login = user.map(|user| (user, Secret::from(password.unwrap_or_default())));
        Ok(Self { kind, host, port: port.unwrap_or(usual_port), login })
    }
}

impl FromStr for Proxy {
    type Err = Error;

    /// Reads `socks5://USER:PASSWORD@HOST:PORT` or `http://…`; user, password and port are
    /// optional, and percent-encoded where need be.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), with what is wrong; no part of the URL is repeated.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text).map_err(Error::invalid)
    }
}

/// Its URL, without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Socks5 => "socks5",
            ProxyKind::Http => "http",
        };
        let host = &self.host;
        if host.contains(':') && !host.starts_with('[') {
            write!(f, "{scheme}://[{host}]:{}", self.port)
        } else {
            write!(f, "{scheme}://{host}:{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_from_its_url() {
        let read = |text: &str| -> Proxy { text.parse().unwrap_or_else(|e| panic!("{text}: {e}")) };
        for (text, shown, user) in [
            ("socks5://localhost", "socks5://localhost:1080", None),
            ("SOCKS5H://localhost:9050/", "socks5://localhost:9050", None),
            ("http://ann:p%40%3a@proxy.lan:3128", "http://proxy.lan:3128", Some("ann")),
            ("http://ann@[::1]", "http://[::1]:80", Some("ann")),
        ] {
            let proxy = read(text);
            assert_eq!((proxy.to_string().as_str(), proxy.user()), (shown, user), "{text}");
        }
        let (_, password) = read("http://ann:p%40%3a@h").login.expect("a user");
        assert_eq!(password.expose(), "p@:");
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_no_password_is_shown() {
        for text in [
            "localhost:1080",
            "https://ann:hunter2@h",
            "socks4://h",
            "socks5://",
            "socks5://ann:hunter2@",
            "socks5://ann:hunter2/x@h",
            "socks5://ann:hunter2%@h",
            "socks5://h:hunter2",
        ] {
            let error = text.parse::<Proxy>().expect_err(text);
            assert_eq!(error.kind(), crate::ErrorKind::Invalid);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let proxy = Proxy::socks5("h", 1).login("ann", "hunter2");
        assert!(!format!("{proxy} {proxy:?}").contains("hunter2"));
    }
}
