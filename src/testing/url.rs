//! IMAP URLs of messages and their parts (RFC 5092), with what authorizes others to use them
//! (RFC 4467). In: a URL. Out: what it names.
//!
//! ```text
//! imap://joe@example.com/INBOX;UIDVALIDITY=3/;UID=20/;SECTION=1.2/;PARTIAL=0.99;EXPIRE=…;URLAUTH=…
//! ```

use bytes::Bytes;

use super::mailbox::Message;
use crate::types::{MailboxName, Section, Timestamp};
use crate::wire::request::section_of;

/// A message, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MessageUrl {
    /// Whose mailbox it is; only absolute URLs say.
    pub(crate) user: Option<String>,
    pub(crate) is_absolute: bool,
    /// `None`: the selected one.
    pub(crate) mailbox: Option<MailboxName>,
    uid_validity: Option<u32>,
    pub(crate) uid: u32,
    pub(crate) section: Section,
    /// The offset, and the number of bytes.
    partial: Option<(u64, Option<u64>)>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) access: Option<Access>,
    /// The mechanism, and what it made of the URL up to there.
    pub(crate) token: Option<(String, String)>,
}

/// Who may use a URL (RFC 4467 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// `submit+fred`: the server that sends mail, for this user.
    Submit,
    /// `user+fred`.
    User(String),
    /// `authuser`: any user.
    AnyUser,
    /// `anonymous`: anybody.
    Anybody,
}

impl MessageUrl {
    pub(crate) fn read(url: &str) -> Option<Self> {
        let scheme = url.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("imap://"));
        let (user, path) = match scheme {
            Some(scheme) => {
                let (server, path) = url.get(scheme.len()..)?.split_once('/')?;
                let user = match server.rsplit_once('@') {
                    Some((user, _)) => Some(decoded(user.split(';').next()?)?),
                    None => None,
                };
                (user, path)
            }
            // RFC 4469 section 3: relative to this server and user.
            None => (None, url.strip_prefix('/').unwrap_or(url)),
        };
        let is_relative = scheme.is_none() && !url.starts_with('/');
        let (path, auth) = authorization(path);
        let (mailbox, mut rest) = if is_relative { ("", path) } else { path.split_once("/;")? };
        rest = if is_relative { rest.strip_prefix(';')? } else { rest };
        let (mailbox, uid_validity) = match cut(mailbox, ";UIDVALIDITY=") {
            Some((mailbox, number)) => (mailbox, Some(number.parse().ok().filter(|number| *number > 0)?)),
            None => (mailbox, None),
        };
        let mailbox = decoded(mailbox)?;
        if mailbox.is_empty() != is_relative {
            return None;
        }
        let mut read = Self {
            user,
            is_absolute: scheme.is_some(),
            mailbox: (!is_relative).then(|| MailboxName::exact(mailbox)),
            uid_validity,
            uid: 0,
            section: Section::Full,
            partial: None,
            expires: None,
            access: None,
            token: None,
        };
        for (at, part) in rest.split("/;").enumerate() {
            let (name, value) = part.split_once('=')?;
            match (at, &*name.to_ascii_uppercase()) {
                (0, "UID") => read.uid = value.parse().ok().filter(|uid| *uid > 0)?,
                (1, "SECTION") => read.section = section_of(&decoded(value)?)?,
                (1 | 2, "PARTIAL") => read.partial = Some(partial(value)?),
                _ => return None,
            }
        }
        auth.map_or(Some(()), |auth| read.authorize(auth))?;
        (read.uid > 0).then_some(read)
    }

    /// `EXPIRE=2006-10-01T12:00:00Z;URLAUTH=submit+fred:internal:91354a`.
    fn authorize(&mut self, auth: &str) -> Option<()> {
        let auth = match cut(auth, ";EXPIRE=") {
            Some((_, rest)) => {
                let (date, auth) = rest.split_once(';')?;
                self.expires = Some(moment(date)?);
                auth
            }
            None => auth.strip_prefix(';')?,
        };
        let (name, value) = auth.split_once('=')?;
        if !name.eq_ignore_ascii_case("URLAUTH") {
            return None;
        }
        let mut parts = value.splitn(3, ':');
        let access = parts.next()?;
        let of_user = |prefix: &str| {
            let user = access.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix));
            user.and_then(|_| decoded(access.get(prefix.len()..)?)).filter(|user| !user.is_empty())
        };
        self.access = Some(if access.eq_ignore_ascii_case("authuser") {
            Access::AnyUser
        } else if access.eq_ignore_ascii_case("anonymous") {
            Access::Anybody
        } else if of_user("submit+").is_some() {
            Access::Submit
        } else {
            Access::User(of_user("user+")?)
        });
        self.token = match (parts.next(), parts.next()) {
            (Some(mechanism), Some(token)) => Some((mechanism.to_owned(), token.to_owned())),
            (None, None) => None,
            _ => return None,
        };
        Some(())
    }

    /// Whether it is about a mailbox with this UIDVALIDITY.
    pub(crate) fn is_of(&self, uid_validity: u32) -> bool {
        self.uid_validity.is_none_or(|named| named == uid_validity)
    }

    /// What it names of this message, decoded where that is asked for; `None` if there is no such
    /// part.
    pub(crate) fn data(&self, message: &Message, decodes: bool) -> Option<Bytes> {
        let data = match (decodes, &self.section) {
            (true, section) => message.content.binary(section).ok()??,
            (false, Section::Full) => message.bytes().clone(),
            (false, section) => message.content.section(section)?,
        };
        let Some((origin, length)) = self.partial else { return Some(data) };
        let at = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX).min(data.len());
        let end = length.map_or(data.len(), |length| at(origin.saturating_add(length)));
        Some(data.slice(at(origin)..end))
    }
}

/// Before and behind this text, which is found in any case.
fn cut<'a>(text: &'a str, by: &str) -> Option<(&'a str, &'a str)> {
    let at = text.as_bytes().windows(by.len()).position(|part| part.eq_ignore_ascii_case(by.as_bytes()))?;
    Some((text.get(..at)?, text.get(at + by.len()..)?))
}

/// The path, and what authorizes: from `;EXPIRE=` or `;URLAUTH=` on.
fn authorization(path: &str) -> (&str, Option<&str>) {
    let begins = [";EXPIRE=", ";URLAUTH="].iter().filter_map(|name| Some(cut(path, name)?.0.len())).min();
    match begins.and_then(|at| path.split_at_checked(at)) {
        Some((path, auth)) => (path, Some(auth)),
        None => (path, None),
    }
}

/// Without `%C3%BC` and the like; `None` for what is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digits =
            std::str::from_utf8(&digits).ok().filter(|d| d.bytes().all(|d| d.is_ascii_hexdigit()))?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(out).ok()
}

/// `0.1024`, or `1024` for all from there on.
fn partial(text: &str) -> Option<(u64, Option<u64>)> {
    match text.split_once('.') {
        Some((origin, length)) => {
            Some((origin.parse().ok()?, Some(length.parse().ok().filter(|length| *length > 0)?)))
        }
        None => Some((text.parse().ok()?, None)),
    }
}

/// `2006-10-01T12:00:00Z` (RFC 3339); fractions of a second don't count.
fn moment(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = text.to_ascii_uppercase();
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (date.next()?, date.next()?.parse::<usize>().ok()?, date.next()?);
    let (clock, rest) = time.split_at_checked(8)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let zone = if zone == "Z" { "+0000".to_owned() } else { zone.replace(':', "") };
    let month = MONTHS.get(month.checked_sub(1)?)?;
    format!("{day}-{month}-{year} {clock} {zone}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Part;

    #[test]
    fn relative_ones_as_in_rfc_4469() {
        let url = MessageUrl::read("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME").unwrap();
        assert_eq!((url.mailbox.clone(), url.uid), (Some("Drafts".into()), 20));
        assert_eq!(url.section, Section::PartMime(Part::new(1)));
        assert!(url.is_of(385_759_045) && !url.is_of(1) && !url.is_absolute);
        let url = MessageUrl::read(";UID=7").unwrap();
        assert_eq!((url.mailbox, url.uid, url.section), (None, 7, Section::Full));
        let url = MessageUrl::read("/Gr%C3%BC%C3%9Fe/a%20b/;UID=7/;PARTIAL=1.5").unwrap();
        assert_eq!((url.mailbox, url.partial), (Some("Grüße/a b".into()), Some((1, Some(5)))));
    }

    #[test]
    fn absolute_ones_as_in_rfc_4467() {
        let url = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;expire=2006-10-01T12:00:00+02:00;\
                   urlauth=submit+fred:internal:91354a473744909de610943775f92038";
        let read = MessageUrl::read(url).unwrap();
        assert_eq!((read.user.as_deref(), read.uid, read.access), (Some("joe"), 20, Some(Access::Submit)));
        assert_eq!(read.token, Some(("internal".into(), "91354a473744909de610943775f92038".into())));
        assert_eq!(read.expires, "01-Oct-2006 12:00:00 +0200".parse().ok());
        let access = |text: &str| MessageUrl::read(&format!("imap://j@h/a/;UID=1;URLAUTH={text}"))?.access;
        assert_eq!(access("user+b%40x"), Some(Access::User("b@x".into())));
        assert_eq!((access("authuser"), access("anonymous")), (Some(Access::AnyUser), Some(Access::Anybody)));
    }

    #[test]
    fn what_names_no_message_is_refused() {
        for url in [
            "",
            "/INBOX",
            "/INBOX/;UID=0",
            "/INBOX/;UID=x",
            "/;UID=1",
            "/INBOX;UIDVALIDITY=0/;UID=1",
            "/INBOX/;SECTION=1",
            "/INBOX/;UID=1/;SECTION=1.x",
            "/INBOX/;UID=1/;PARTIAL=1.0",
            "/INBOX/;UID=1/;FOO=1",
            "/INB%/;UID=1",
            "/INB%+1/;UID=1",
            "/INB%FF/;UID=1",
            "imap://joe@example.com",
            "http://joe@example.com/INBOX/;UID=1",
            "imap://j@h/a/;UID=1;URLAUTH=user+",
            "imap://j@h/a/;UID=1;URLAUTH=all",
            "imap://j@h/a/;UID=1;URLAUTH=authuser:internal",
            "imap://j@h/a/;UID=1;EXPIRE=2006;URLAUTH=authuser",
            "imap://j@h/a/;UID=1;EXPIRE=2006-10-01T12:00:00Z",
        ] {
            assert_eq!(MessageUrl::read(url), None, "{url}");
        }
    }
}
