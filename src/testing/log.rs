//! The log of the clients' commands, without secrets.

/// A command as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedCommand {
    /// The session, as in [`SessionHandle::id`](super::SessionHandle::id).
    pub session: u64,
    /// Its tag; empty if it had no valid one.
    pub tag: String,
    /// Its name in capitals, with `UID ` in front if sent so: `SELECT`, `UID FETCH`. Empty if
    /// invalid.
    pub name: String,
    /// Its line without the tag, up to the first literal. Passwords, and URLs of URLFETCH, are `…`.
    pub line: String,
}

impl LoggedCommand {
    pub(crate) fn new(session: u64, bytes: &[u8]) -> Self {
        let end = bytes.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
        let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes));
        let (tag, line) = text.split_once(' ').unwrap_or((&text, ""));
        let mut words = line.split(' ');
        let mut name = words.next().unwrap_or_default().to_ascii_uppercase();
        if name == "UID" {
            name = format!("UID {}", words.next().unwrap_or_default().to_ascii_uppercase());
        }
        // The arguments of LOGIN and AUTHENTICATE, in whatever form; the mechanism is no secret.
        let shown = match &*name {
            "LOGIN" => "LOGIN …".to_owned(),
            // Who has such a URL can read the message.
            "URLFETCH" => "URLFETCH …".to_owned(),
            "AUTHENTICATE" => format!("AUTHENTICATE {} …", words.next().unwrap_or_default()),
            _ => line.to_owned(),
        };
        Self { session, tag: tag.to_owned(), name, line: shown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out() {
        for line in [
            "a URLFETCH imap://secret",
            "a LOGIN alice secret",
            "a login {5}\r\nalice secret",
            "a AUTHENTICATE PLAIN secret",
        ] {
            assert!(!format!("{:?}", LoggedCommand::new(1, line.as_bytes())).contains("secret"), "{line}");
        }
        let response = LoggedCommand::new(1, b"a7 uid fetch 1:* (FLAGS)");
        assert_eq!((&*response.tag, &*response.name), ("a7", "UID FETCH"));
        assert_eq!(LoggedCommand::new(1, b"\xff").line, "");
    }
}
