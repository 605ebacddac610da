//! IMAP URLs (RFC 5092): `imaps://alice@imap.example.org/Archive%2F2024`.
//!
//! In: what a user typed. Out: an [`ImapUrl`], or what is wrong with it, in words that never repeat
//! a password. What names a single message or a search is refused: a server is to be connected to,
//! and a mailbox to be opened.
//!
//! Not by the crate `url`: that writes `;` behind the user as `%3B`, so that `;AUTH=` would look
//! like a part of the user's name.

use std::net::Ipv6Addr;
use std::num::{NonZeroU16, NonZeroU32};
use std::str::FromStr;

use super::Config;
use crate::command::Secret;
use crate::error::{Error, Result};
use crate::net::auth::Mechanism;
use crate::types::{MailboxName, UidValidity};

/// An IMAP URL that names a server and perhaps a mailbox (RFC 5092), its parts decoded.
///
/// `imap://` is port 143, with TLS by STARTTLS [where it is offered](Config::opportunistic_tls).
/// Beyond the RFC `imaps://` is TLS from the first byte, on port 993, and a password may stand
/// behind the user (`alice:secret@`). `Debug` and errors do not show it.
///
/// ```
/// use imap_duplex::{Config, ImapUrl};
/// # fn main() -> imap_duplex::Result<()> {
/// let url: ImapUrl = "imaps://alice@imap.example.org:1993/Archive%2F2024".parse()?;
/// assert_eq!(url.host(), "imap.example.org");
/// assert_eq!(url.mailbox().map(|name| name.as_str()), Some("Archive/2024"));
/// let config: Config = url.config();
/// assert_eq!((config.get_port(), config.get_host()), (1993, "imap.example.org"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ImapUrl {
    tls: bool,
    host: String,
    port: Option<u16>,
    user: Option<String>,
    password: Option<Secret>,
    mechanism: Option<Mechanism>,
    mailbox: Option<MailboxName>,
    uid_validity: Option<UidValidity>,
}

impl ImapUrl {
    /// Whether it is `imaps`: TLS from the first byte.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The name or address of the host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if the URL names one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The user, if the URL names one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The mechanism to log in by, if the URL names one (`;AUTH=SCRAM-SHA-256`).
    #[must_use]
    pub fn mechanism(&self) -> Option<Mechanism> {
        self.mechanism
    }

    /// The password, if there is one in the URL; a token, where the mechanism takes one.
    #[must_use]
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The mailbox, if the URL names one.
    #[must_use]
    pub fn mailbox(&self) -> Option<&MailboxName> {
        self.mailbox.as_ref()
    }

    /// The UIDVALIDITY of the mailbox when the URL was written: if it has another one now, the UIDs
    /// that were written down with the URL name other messages.
    #[must_use]
    pub fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }

    /// What to connect to, and as whom if both user and password are in the URL, or the mechanism
    /// needs none. Everything else is as of [`Config::new`].
    pub fn config(&self) -> Config {
        let config = Config::new(self.host.as_str());
        let config = if self.tls { config } else { config.opportunistic_tls() };
        let config = self.port.into_iter().fold(config, Config::port);
        let config = config.mechanism(self.mechanism);
        let user = self.user.as_deref();
        match (self.mechanism, user, &self.password) {
            (Some(Mechanism::External), ..) => config.external(user.map(str::to_owned)),
            (Some(Mechanism::Anonymous), ..) => config.anonymous(user.unwrap_or_default()),
            (Some(Mechanism::OauthBearer | Mechanism::Xoauth2), Some(user), Some(token)) => {
                config.token(user, token.clone())
            }
            (_, Some(user), Some(password)) => config.login(user, password.clone()),
            _ => config,
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "imap" => false,
            "imaps" => true,
            _ => return Err("a URL begins with imaps:// or imap://, as in imaps://USER@HOST/MAILBOX".into()),
        };
        if text.contains(|c: char| c.is_control()) {
            return Err("there is a control character in the URL".into());
        }
        if rest.contains('#') {
            return Err("there is a # in the URL; as a part of a name or a password it is written %23".into());
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (person, server) = authority.rsplit_once('@').unwrap_or(("", authority));
        let Person { user, password, mechanism } = read_person(person)?;
        let (host, port) = read_server(server, "imaps://USER@HOST/MAILBOX")?;
        let (mailbox, uid_validity) = read_path(path)?;
        let password = password.map(Into::into);
        Ok(Self { tls, host, port, user, password, mechanism, mailbox, uid_validity })
    }
}

impl FromStr for ImapUrl {
    type Err = Error;

    /// Reads a URL.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), with what is wrong and how it is written; no part of
    /// the URL is repeated, for it may have a password in it.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text).map_err(Error::invalid)
    }
}

impl Config {
    /// The server of an IMAP URL (RFC 5092), as [`ImapUrl`] reads it, and who logs in if both user
    /// and password are in it. The mailbox is left to the caller.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// # fn main() -> imap_duplex::Result<()> {
    /// let config = Config::from_url("imaps://alice@imap.example.org")?.login("alice", "secret");
    /// assert_eq!(config.get_port(), 993);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), with what is wrong with the URL.
    pub fn from_url(url: &str) -> Result<Self> {
        Ok(url.parse::<ImapUrl>()?.config())
    }
}

/// Who logs in.
struct Person {
    user: Option<String>,
    password: Option<String>,
    mechanism: Option<Mechanism>,
}

/// `user;AUTH=mechanism:password`, each part optional.
fn read_person(text: &str) -> Result<Person, String> {
    let (person, password) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
    let (user, mechanism) = match find(person, ";AUTH=") {
        Some((user, mechanism)) => (user, Some(mechanism)),
        None => (person, None),
    };
    let mechanism = match mechanism.map(|m| decode(m, "the mechanism")).transpose()? {
        None => None,
        Some(any) if any == "*" => None,
        Some(name) => match name.parse() {
            Ok(mechanism) => Some(mechanism),
            // What stands here may be a piece of a password, so it is not repeated.
            Err(_) => return Err("the mechanism of ;AUTH= is not known here; * stands for any".into()),
        },
    };
    if password.is_some_and(|password| find(password, ";AUTH=").is_some()) {
        return Err(
            ";AUTH= stands behind the user, before the colon; a ; in a password is written %3B".into()
        );
    }
    let (user, password) = (given(user, "the user")?, given(password.unwrap_or_default(), "the password")?);
    Ok(Person { user, password, mechanism })
}

/// What stands here, if anything does.
pub(super) fn given(text: &str, what: &str) -> Result<Option<String>, String> {
    (!text.is_empty()).then(|| decode(text, what)).transpose()
}

/// `host:port`, `[::1]:port`.
pub(super) fn read_server(text: &str, form: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("the [ before the host's address has no ]")?;
            address.parse::<Ipv6Addr>().map_err(|_| "there is no IPv6 address between the [ ]")?;
            (address.to_owned(), port)
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (decode(host, "the host")?, port)
        }
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(format!("the URL names no host, as in {form}"));
    }
    let port = match port {
        "" | ":" => None,
        // What stands here may be a piece of a password, so it is not repeated.
        _ => Some(port.strip_prefix(':').and_then(|n| n.parse::<NonZeroU16>().ok()).ok_or(
            "the port is no number from 1 to 65535 (a / in a user or password is written %2F, a @ as %40)",
        )?),
    };
    Ok((host, port.map(NonZeroU16::get)))
}

/// `/mailbox;UIDVALIDITY=n`, each part optional.
fn read_path(path: &str) -> Result<(Option<MailboxName>, Option<UidValidity>), String> {
    if path.contains('?') {
        return Err(
            "the URL names a search (?), and a mailbox is wanted; a ? in a name is written %3F".into()
        );
    }
    let path = path.strip_prefix('/').unwrap_or(path);
    let (mailbox, parameters) = path.split_once(';').map_or((path, None), |(a, b)| (a, Some(b)));
    let mut uid_validity = None;
    for parameter in parameters.into_iter().flat_map(|all| all.split(';')) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "UIDVALIDITY" if uid_validity.is_none() => {
                // The next part begins with a slash: /;UID=.
                let value = value.strip_suffix('/').unwrap_or(value);
                let number: NonZeroU32 =
                    value.parse().map_err(|_| "the URL's ;UIDVALIDITY= is no number from 1 to 4294967295")?;
                uid_validity = Some(number.into());
            }
            "UID" | "SECTION" | "PARTIAL" | "EXPIRE" | "URLAUTH" => {
                return Err(format!("the URL names one message (;{name}=), and a mailbox is wanted"));
            }
            _ => return Err("there is a ; in the mailbox's name; it is written %3B".into()),
        }
    }
    Ok((given(mailbox, "the mailbox")?.map(MailboxName::from), uid_validity))
}

/// What stands before and behind `mark`, whose case of letters does not matter.
fn find<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = text.to_ascii_uppercase().find(mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

/// Undoes percent-encoding (RFC 3986 section 2.1).
fn decode(text: &str, what: &str) -> Result<String, String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |at: usize| after.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err(format!(
                "{what} has a % without two hexadecimal digits behind it; % itself is written %25"
            ));
        };
        decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
        rest = &after[2..];
    }
    String::from_utf8(decoded).map_err(|_| format!("{what} is not UTF-8 once its %XX are decoded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host and port, user, password, mailbox.
    fn parts(text: &str) -> (String, Option<String>, Option<String>, String) {
        let url = ImapUrl::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let server = url.port.map_or(url.host.clone(), |port| format!("{} {port}", url.host));
        let mailbox = url.mailbox.map_or_else(|| "none".to_owned(), |name| name.as_str().to_owned());
        (server, url.user, url.password.map(|password| password.expose().to_owned()), mailbox)
    }

    fn error(text: &str) -> String {
        ImapUrl::parse(text).err().unwrap_or_else(|| panic!("{text} is taken"))
    }

    #[test]
    fn all_parts_are_optional_but_the_host() {
        let some = |text: &str| Some(text.to_owned());
        let none = || "none".to_owned();
        for text in ["imap://h", "imap://h/", "IMAP://h:", "imap://@h:/"] {
            assert_eq!(parts(text), ("h".into(), None, None, none()), "{text}");
        }
        assert_eq!(parts("imaps://ann@h:9/"), ("h 9".into(), some("ann"), None, none()));
        assert_eq!(parts("imaps://ann:pw@h/a/b"), ("h".into(), some("ann"), some("pw"), "a/b".into()));
        assert_eq!(parts("imap://ann@[::1]:143"), ("::1 143".into(), some("ann"), None, none()));
        assert_eq!(parts("imap://ann:@127.0.0.1"), ("127.0.0.1".into(), some("ann"), None, none()));
        assert!(ImapUrl::parse("imaps://h").is_ok_and(|url| url.tls));
        assert!(ImapUrl::parse("imap://h").is_ok_and(|url| !url.tls));
    }

    #[test]
    fn percent_codes_are_decoded_where_they_stand() {
        let url = "imaps://ann%40example.org:p%2F%40%3A%23%25@h/Entw%C3%BCrfe%2F%3B%3F";
        let (_, user, password, mailbox) = parts(url);
        assert_eq!(user.as_deref(), Some("ann@example.org"));
        assert_eq!(password.as_deref(), Some("p/@:#%"));
        assert_eq!(mailbox, "Entwürfe/;?");
        // What can only be meant in one way is taken, though it should have been encoded.
        let (_, user, password, mailbox) = parts("imaps://ann@example.org:p@:w@h/Gelöschte Elemente");
        assert_eq!((user.as_deref(), password.as_deref()), (Some("ann@example.org"), Some("p@:w")));
        assert_eq!(mailbox, "Gelöschte Elemente");
    }

    #[test]
    fn mechanisms_are_distinguished_from_names() {
        for text in ["imap://ann;AUTH=*@h", "imap://ann;auth=plain@h", "imap://ann;AUTH=%50LAIN:pw@h"] {
            assert_eq!(parts(text).1.as_deref(), Some("ann"), "{text}");
        }
        assert_eq!(parts("imap://ann%3BAUTH=X@h").1.as_deref(), Some("ann;AUTH=X"));
        assert_eq!(parts("imap://;AUTH=*@h").1, None);
        assert_eq!(
            error("imap://ann;AUTH=GSSAPI@h"),
            "the mechanism of ;AUTH= is not known here; * stands for any"
        );
        for (text, user, mechanism) in [
            ("imap://ann;AUTH=scram-sha-256@h", Some("ann"), Some(Mechanism::ScramSha256)),
            ("imap://ann;AUTH=XOAUTH2:token@h", Some("ann"), Some(Mechanism::Xoauth2)),
            ("imap://;AUTH=EXTERNAL@h", None, Some(Mechanism::External)),
            ("imap://guest;AUTH=ANONYMOUS@h", Some("guest"), Some(Mechanism::Anonymous)),
            ("imap://ann:pw@h", Some("ann"), None),
        ] {
            let url = ImapUrl::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((url.user(), url.config().get_mechanism()), (user, mechanism), "{text}");
        }
        assert!(error("imap://ann:pw;AUTH=*@h").contains("before the colon"));
    }

    #[test]
    fn the_uid_validity_is_read() {
        let uid_validity = |text: &str| {
            ImapUrl::parse(text).map(|url| {
                (url.mailbox.map(|name| name.as_str().to_owned()), url.uid_validity.map(UidValidity::get))
            })
        };
        assert_eq!(
            uid_validity("imap://h/a;UIDVALIDITY=385759045"),
            Ok((Some("a".into()), Some(385_759_045)))
        );
        assert_eq!(uid_validity("imap://h/;uidvalidity=1"), Ok((None, Some(1))));
        for bad in ["0", "", "-1", "4294967296", "x"] {
            assert!(uid_validity(&format!("imap://h/a;UIDVALIDITY={bad}")).is_err(), "{bad}");
        }
        assert!(uid_validity("imap://h/a;UIDVALIDITY=1;UIDVALIDITY=2").is_err());
    }

    #[test]
    fn what_names_no_mailbox_is_refused() {
        for (text, why) in [
            ("imap://h/a/;UID=20", "one message"),
            ("imap://h/a;UIDVALIDITY=3/;UID=20/;SECTION=1.2", "one message"),
            ("imap://h/a/;uid=20", "one message"),
            ("imap://h/a?SUBJECT%20x", "a search"),
            ("imap://h?x", "a search"),
            ("imap://h/a;b", "%3B"),
            ("imap://h/a#b", "%23"),
        ] {
            assert!(error(text).contains(why), "{text}: {}", error(text));
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in
            ["", "imap.example.org", "imap:h", "http://h/", "imapss://h", "://h", "ann@imap.example.org"]
        {
            assert!(error(text).contains("begins with imaps://"), "{text}");
        }
        for text in ["imaps://", "imaps:///INBOX", "imaps://ann@/INBOX", "imaps://ann@:993", "imap://a b/"] {
            assert!(error(text).contains("no host"), "{text}");
        }
        for text in
            ["imap://h/%", "imap://h/%4", "imap://h/%zz", "imap://u%@h", "imap://h/%é1", "imap://h/%+1"]
        {
            assert!(error(text).contains("hexadecimal"), "{text}");
        }
        assert!(error("imap://h/%ff").contains("not UTF-8"));
        assert!(error("imap://h/a\r\nb").contains("control character"));
        for text in ["imap://[::1/", "imap://[h]/", "imap://[::1]x/"] {
            assert!(ImapUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_is_a_config_and_who_logs_in() {
        let config = Config::from_url("imap://ann:hunter2@h:9/a").expect("a URL");
        assert_eq!((config.get_host(), config.get_port(), config.get_user()), ("h", 9, Some("ann")));
        assert_eq!(Config::from_url("imaps://ann@h").expect("a URL").get_port(), 993);
        let config = Config::from_url("imap://[::1]").expect("a URL");
        assert_eq!((config.get_host(), config.get_port(), config.get_user()), ("::1", 143, None));
        let error = Config::from_url("http://ann:hunter2@h").expect_err("no IMAP");
        assert_eq!(error.kind(), crate::ErrorKind::Invalid);
        let url: ImapUrl = "imaps://ann:hunter2@h".parse().expect("a URL");
        assert!(!format!("{error:?}{error:#}{url:?}").contains("hunter2"), "{error:?} {url:?}");
    }

    #[test]
    fn no_message_repeats_a_password() {
        for text in [
            "imaps://ann:hunter2/x@h/",
            "imaps://ann:hunter2?x@h/",
            "imaps://ann:hunter2#x@h/",
            "imaps://ann:hunter2%@h/",
            "imaps://ann:hunter2%ff@h/",
            "imaps://ann:hunter2;AUTH=X@h/",
            "imaps://ann;AUTH=hunter2@h/",
            "imaps://ann:hunter2@h:hunter2/",
            "ann:hunter2@h",
        ] {
            assert!(!error(text).contains("hunter2"), "{text}: {}", error(text));
        }
    }
}
