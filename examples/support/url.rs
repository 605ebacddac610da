//! IMAP URLs (RFC 5092): `imaps://alice@imap.example.org/Archive%2F2024`.
//!
//! In: what the user typed. Out: an [`ImapUrl`], or what is wrong with it, in words that never
//! repeat a password. Beyond the RFC, a password may stand behind the user (`alice:secret@`), and
//! `imaps` is TLS from the first byte. What names a single message or a search is refused: the
//! examples want a mailbox.
//!
//! Not by the crate `url`: that writes `;` behind the user as `%3B`, so that `;AUTH=` would look
//! like a part of the user's name.

use std::net::Ipv6Addr;
use std::num::{NonZeroU16, NonZeroU32};

use percent_encoding::percent_decode_str;

/// The parts of an IMAP URL, decoded.
#[derive(PartialEq, Eq)]
pub(crate) struct ImapUrl {
    /// `imaps`: TLS from the first byte.
    pub(crate) tls: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// `INBOX` if the URL names none.
    pub(crate) mailbox: String,
    /// The UIDVALIDITY with which the URL was written.
    pub(crate) uid_validity: Option<NonZeroU32>,
}

impl ImapUrl {
    /// Reads a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
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
        let (user, password) = read_person(person)?;
        let (host, port) = read_server(server)?;
        let (mailbox, uid_validity) = read_path(path)?;
        Ok(Self { tls, host, port, user, password, mailbox, uid_validity })
    }
}

/// `user;AUTH=mechanism:password`, each part optional.
fn read_person(text: &str) -> Result<(Option<String>, Option<String>), String> {
    let (person, password) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
    let (user, mechanism) = match find(person, ";AUTH=") {
        Some((user, mechanism)) => (user, Some(mechanism)),
        None => (person, None),
    };
    match mechanism.map(|m| decode(m, "the mechanism")).transpose()? {
        None => {}
        Some(m) if m == "*" || m.eq_ignore_ascii_case("PLAIN") => {}
        Some(_) => return Err("of ;AUTH= only PLAIN and * (any) are known here".into()),
    }
    if password.is_some_and(|password| find(password, ";AUTH=").is_some()) {
        return Err(
            ";AUTH= stands behind the user, before the colon; a ; in a password is written %3B".into()
        );
    }
    let given = |text: &str, what| (!text.is_empty()).then(|| decode(text, what)).transpose();
    Ok((given(user, "the user")?, given(password.unwrap_or_default(), "the password")?))
}

/// `host:port`, `[::1]:port`.
fn read_server(text: &str) -> Result<(String, Option<u16>), String> {
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
        return Err("the URL names no host, as in imaps://USER@HOST/MAILBOX".into());
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
fn read_path(path: &str) -> Result<(String, Option<NonZeroU32>), String> {
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
                uid_validity = Some(
                    value.parse().map_err(|_| "the URL's ;UIDVALIDITY= is no number from 1 to 4294967295")?,
                );
            }
            "UID" | "SECTION" | "PARTIAL" | "EXPIRE" | "URLAUTH" => {
                return Err(format!("the URL names one message (;{name}=), and a mailbox is wanted"));
            }
            _ => return Err("there is a ; in the mailbox's name; it is written %3B".into()),
        }
    }
    let mailbox = if mailbox.is_empty() { "INBOX".into() } else { decode(mailbox, "the mailbox")? };
    Ok((mailbox, uid_validity))
}

/// What stands before and behind `mark`, whose case of letters does not matter.
fn find<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = text.to_ascii_uppercase().find(mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

/// Undoes percent-encoding.
fn decode(text: &str, what: &str) -> Result<String, String> {
    let is_code = |rest: &str| {
        rest.len() >= 2 && rest.is_char_boundary(2) && rest[..2].bytes().all(|b| b.is_ascii_hexdigit())
    };
    if !text.split('%').skip(1).all(is_code) {
        return Err(format!(
            "{what} has a % without two hexadecimal digits behind it; % itself is written %25"
        ));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| format!("{what} is not UTF-8 once its %XX are decoded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host and port, user, password, mailbox.
    fn parts(text: &str) -> (String, Option<String>, Option<String>, String) {
        let url = ImapUrl::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let server = url.port.map_or(url.host.clone(), |port| format!("{} {port}", url.host));
        (server, url.user, url.password, url.mailbox)
    }

    fn error(text: &str) -> String {
        ImapUrl::parse(text).err().unwrap_or_else(|| panic!("{text} is taken"))
    }

    #[test]
    fn all_parts_are_optional_but_the_host() {
        let some = |text: &str| Some(text.to_owned());
        let inbox = || "INBOX".to_owned();
        for text in ["imap://h", "imap://h/", "IMAP://h:", "imap://@h:/"] {
            assert_eq!(parts(text), ("h".into(), None, None, inbox()), "{text}");
        }
        assert_eq!(parts("imaps://ann@h:9/"), ("h 9".into(), some("ann"), None, inbox()));
        assert_eq!(parts("imaps://ann:pw@h/a/b"), ("h".into(), some("ann"), some("pw"), "a/b".into()));
        assert_eq!(parts("imap://ann@[::1]:143"), ("::1 143".into(), some("ann"), None, inbox()));
        assert_eq!(parts("imap://ann:@127.0.0.1"), ("127.0.0.1".into(), some("ann"), None, inbox()));
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
        assert_eq!(error("imap://ann;AUTH=GSSAPI@h"), "of ;AUTH= only PLAIN and * (any) are known here");
        assert!(error("imap://ann:pw;AUTH=*@h").contains("before the colon"));
    }

    #[test]
    fn the_uid_validity_is_read() {
        let uid_validity =
            |text: &str| ImapUrl::parse(text).map(|url| (url.mailbox, url.uid_validity.map(NonZeroU32::get)));
        assert_eq!(uid_validity("imap://h/a;UIDVALIDITY=385759045"), Ok(("a".into(), Some(385_759_045))));
        assert_eq!(uid_validity("imap://h/;uidvalidity=1"), Ok(("INBOX".into(), Some(1))));
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
