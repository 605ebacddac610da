//! Where the mailbox of an address may be: by SRV records (`srv`), or by a file in the form that
//! Thunderbird uses (`autoconfig`).
//!
//! In: an address; a resolver, or the bytes of a file that the caller has fetched. Out: candidates,
//! best first, of which each makes a `Config`. None of them is in clear text.

mod autoconfig;
mod order;
mod srv;

use super::Config;
use crate::error::{Error, ErrorKind, Remedy, Result};

/// Finds out on which host, which port and by which kind of TLS the mailbox of an address is.
///
/// It gives candidates, the best first; a program tries to connect by each in turn, and keeps the
/// first that works. A candidate without TLS is never given.
///
/// # Whom to trust
/// Without DNSSEC, or by a file that was fetched without TLS, whoever is on the way can answer, and
/// name a host of their own; that has a valid certificate for its own name, and gets the password.
/// A host within the domain of the address can be taken, since its certificate shows whose it is:
/// [`Candidate::is_within_domain`]. For any other RFC 6186 section 6 wants to see the user asked,
/// once: show the host, and keep the answer.
///
/// ```no_run
/// # async fn example(password: String) -> imap_duplex::Result<()> {
/// use imap_duplex::Discover;
/// for candidate in Discover::new().srv("alice@example.org").await? {
///     if !candidate.is_within_domain() {
///         continue; // or ask: is this host your provider's?
///     }
///     let config = candidate.config().login(candidate.user(), password.clone());
///     if let Ok((imap, events)) = config.connect().await {
///         println!("{} it is", candidate.host());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Discover {
    name_server: Option<std::net::SocketAddr>,
}

impl Discover {
    /// By the resolver that the system is set up with.
    ///
    /// ```
    /// let discover = imap_duplex::Discover::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// By this name server instead.
    ///
    /// ```
    /// let discover = imap_duplex::Discover::new().name_server("192.0.2.53:53".parse().unwrap());
    /// ```
    pub fn name_server(mut self, server: std::net::SocketAddr) -> Self {
        self.name_server = Some(server);
        self
    }

    /// Asks for the SRV records of the address' domain (RFC 6186, RFC 8314): `_imaps._tcp`, TLS
    /// from the first byte, and behind them `_imap._tcp`, which is used with STARTTLS or not at
    /// all. Each in the order that priorities and weights ask for (RFC 2782).
    ///
    /// Cancel safe: it changes nothing.
    ///
    /// ```no_run
    /// # async fn example() -> imap_duplex::Result<()> {
    /// let candidates = imap_duplex::Discover::new().srv("alice@example.org").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for what is no address, [`Resolve`](ErrorKind::Resolve) if
    /// no name server answers, if the domain has no such record, or says by one that it has no
    /// IMAP; [`Error::remedy`] tells these apart.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn srv(&self, address: &str) -> Result<Vec<Candidate>> {
        srv::candidates(self.name_server, address, domain(address)?).await
    }

    /// Reads an autoconfig file, as many providers have it at
    /// `https://autoconfig.DOMAIN/mail/config-v1.1.xml` and in Thunderbird's public collection; to
    /// fetch it is the caller's. Of its servers those of IMAP by TLS are given, in the order of the
    /// file, with those of TLS from the first byte before those of STARTTLS. The placeholders
    /// `%EMAILADDRESS%`, `%EMAILLOCALPART%` and `%EMAILDOMAIN%` are filled in.
    ///
    /// ```
    /// # fn main() -> imap_duplex::Result<()> {
    /// let xml = r#"<clientConfig version="1.1"><emailProvider id="example.org">
    ///   <incomingServer type="imap">
    ///     <hostname>imap.%EMAILDOMAIN%</hostname> <port>993</port> <socketType>SSL</socketType>
    ///     <username>%EMAILLOCALPART%</username>
    ///   </incomingServer>
    /// </emailProvider></clientConfig>"#;
    /// let candidates = imap_duplex::Discover::autoconfig(xml.as_bytes(), "alice@example.org")?;
    /// assert_eq!((candidates[0].host(), candidates[0].user()), ("imap.example.org", "alice"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for what is no address or no such file, and for one of more
    /// than 256 KiB; [`Unsupported`](ErrorKind::Unsupported) if it names no server of IMAP;
    /// [`Insecure`](ErrorKind::Insecure) if all of these are without TLS.
    pub fn autoconfig(xml: &[u8], address: &str) -> Result<Vec<Candidate>> {
        autoconfig::candidates(xml, address, domain(address)?)
    }
}

/// A host on which a mailbox may be, and how it is to be reached.
///
/// ```
/// # fn main() -> imap_duplex::Result<()> {
/// # let xml = br#"<clientConfig><emailProvider><incomingServer type="imap"><hostname>imap.example.org</hostname>
/// # <port>143</port><socketType>STARTTLS</socketType></incomingServer></emailProvider></clientConfig>"#;
/// let candidate = &imap_duplex::Discover::autoconfig(xml, "alice@example.org")?[0];
/// assert_eq!((candidate.host(), candidate.port()), ("imap.example.org", 143));
/// assert!(candidate.is_within_domain() && !candidate.is_tls_from_the_start());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    host: String,
    port: u16,
    tls: bool,
    user: String,
    within_domain: bool,
}

impl Candidate {
    fn new(host: &str, port: u16, tls: bool, user: String, domain: &str) -> Self {
        let host = host.trim_end_matches('.').to_lowercase();
        let rest = host.strip_suffix(&domain.to_lowercase());
        let within_domain = rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        Self { host, port, tls, user, within_domain }
    }

    /// The host's name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is TLS from the first byte; else by STARTTLS, without which nothing is sent.
    #[must_use]
    pub fn is_tls_from_the_start(&self) -> bool {
        self.tls
    }

    /// The user to log in as: as the file says, else the whole address, which most providers want.
    /// Where that is refused the part before the `@` may do (RFC 6186 section 4).
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether the host is within the domain of the address, so that its certificate shows that it
    /// is the provider's. Of any other the user should be asked: see [`Discover`].
    #[must_use]
    pub fn is_within_domain(&self) -> bool {
        self.within_domain
    }

    /// What to connect to. Who logs in, and by what, has to be added.
    ///
    /// The certificate is checked for the [host](Self::host).
    pub fn config(&self) -> Config {
        let config = Config::new(self.host.as_str()).port(self.port);
        if self.tls { config } else { config.starttls() }
    }
}

/// The domain of an address.
fn domain(address: &str) -> Result<&str> {
    let domain = address.rsplit_once('@').filter(|(local, _)| !local.is_empty()).map(|(_, domain)| domain);
    let is_name =
        |name: &&str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    domain
        .filter(is_name)
        .ok_or_else(|| Error::invalid(format!("{address:?} is no address of mail, as in alice@example.org")))
}

/// Nothing is known of this domain's mail; `why` is a whole sentence.
fn unknown(why: String) -> Error {
    Error::new(ErrorKind::Resolve, why)
        .with_remedy(Remedy::Setup)
        .advise("the provider's pages say which server it is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_domain() {
        assert_eq!(domain("alice@example.org").ok(), Some("example.org"));
        assert_eq!(domain("\"a@b\"@example.org").ok(), Some("example.org"));
        for wrong in ["", "alice", "@example.org", "alice@", "alice@exa mple", "alice@a\r\nb"] {
            assert_eq!(domain(wrong).err().map(|e| e.kind()), Some(ErrorKind::Invalid), "{wrong:?}");
        }
    }

    #[test]
    fn a_host_is_within_a_domain_or_not() {
        let within =
            |host: &str| Candidate::new(host, 993, true, String::new(), "Example.org").is_within_domain();
        for host in ["example.org", "example.org.", "IMAP.EXAMPLE.ORG", "a.b.example.org"] {
            assert!(within(host), "{host}");
        }
        for host in ["badexample.org", "example.org.evil.test", "imap.example.com", "org", ""] {
            assert!(!within(host), "{host}");
        }
    }

    #[test]
    fn a_candidate_never_does_without_tls() {
        let tls = Candidate::new("h", 1993, true, "u".into(), "d").config();
        let starttls = Candidate::new("h", 1143, false, "u".into(), "d").config();
        assert_eq!((tls.get_port(), starttls.get_port()), (1993, 1143));
        assert_eq!(tls.security, super::super::config::Security::Tls);
        assert_eq!(starttls.security, super::super::config::Security::StartTls);
    }
}
