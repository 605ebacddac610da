//! What a server is to be, before it starts.

use std::time::SystemTime;

use super::capability::Extensions;
use super::clock::Clock;
use super::quirks::Quirk;
use super::server::Server;
use super::world::{Settings, World};

/// The user of a server that was told of none.
pub(super) const USER: &str = "alice";
/// And the password.
pub(super) const PASSWORD: &str = "secret";

/// How a [`Server`] is to be; from [`Server::builder`].
///
/// ```
/// use imap_duplex::testing::Server;
/// let server = Server::builder()
///     .user("alice", "secret")
///     .user("bob", "hunter2")
///     .without(["QRESYNC", "NOTIFY"])
///     .append_limit(1_000_000)
///     .start();
/// assert_eq!(server.user(), "alice");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "start it"]
pub struct Builder {
    settings: Settings,
    users: Vec<(String, String)>,
    began: Option<SystemTime>,
}

impl Builder {
    /// One more user. The first is the one whom [`Server`]'s own methods are about; without any
    /// there is `alice` with the password `secret`.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.users.push((name.into(), password.into()));
        self
    }

    /// Without these extensions, named as in CAPABILITY, and without those that need them: a server
    /// without `CONDSTORE` has no `QRESYNC`, and one without `MOVE` is not IMAP4rev2. Their
    /// commands are answered with BAD.
    ///
    /// `STARTTLS` is taken as well, for [`no_tls`](Self::no_tls), `LOGIN`, so that LOGINDISABLED is
    /// told, and `AUTH=PLAIN`; both commands are answered with NO then.
    ///
    /// # Panics
    /// At a name that the server has no extension for, and if neither `IMAP4rev1` nor `IMAP4rev2`
    /// is left.
    #[track_caller]
    pub fn without<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            match &*name.to_ascii_uppercase() {
                "STARTTLS" => self.settings.no_tls = true,
                "LOGIN" => self.settings.no_login = true,
                "AUTH=PLAIN" => self.settings.no_plain = true,
                _ => {
                    if let Err(name) = self.settings.extensions.remove(name) {
                        panic!("{name} is no extension that this server has");
                    }
                }
            }
        }
        self.has_revision()
    }

    #[track_caller]
    fn has_revision(self) -> Self {
        assert!(
            self.settings.extensions.has_revision(),
            "neither IMAP4rev1 nor IMAP4rev2 is left: a server has to speak one of them"
        );
        self
    }

    /// With these extensions alone, and those that they need. `IMAP4rev1` and `IMAP4rev2` are two
    /// of them, one of which has to be there.
    ///
    /// # Panics
    /// At a name that the server has no extension for, and if neither `IMAP4rev1` nor `IMAP4rev2`
    /// is among them.
    #[track_caller]
    pub fn only<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        match Extensions::only(names) {
            Ok(extensions) => self.settings.extensions = extensions,
            Err(name) => panic!("{name} is no extension that this server has"),
        }
        self.has_revision()
    }

    /// Tells these capabilities, before login and after, whatever the server can do.
    pub fn claim<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.settings.claimed = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The largest message that clients may put in, in octets; 64 MiB unless said otherwise
    /// (APPENDLIMIT, RFC 7889). One APPEND may bring several messages (MULTIAPPEND), each of this
    /// size, but of no more than four times this size together: a literal beyond that is answered
    /// with NO and TOOBIG, or, if it comes without asking, by the end of the connection.
    pub fn append_limit(mut self, bytes: usize) -> Self {
        self.settings.append_limit = bytes;
        self
    }

    /// Takes no password in the clear: LOGINDISABLED until TLS is there.
    pub fn require_tls(mut self) -> Self {
        self.settings.require_tls = true;
        self
    }

    /// Greets with PREAUTH: each session is the first user's from the beginning.
    pub fn preauth(mut self) -> Self {
        self.settings.preauth = Some(String::new());
        self
    }

    /// Any other user name is taken as well, with this password; each has an account of its own
    /// from its first login on.
    pub fn any_user(mut self, password: impl Into<String>) -> Self {
        self.settings.any_user = Some(password.into());
        self
    }

    /// Offers no STARTTLS.
    pub fn no_tls(mut self) -> Self {
        self.settings.no_tls = true;
        self
    }

    /// With this behaviour of other servers. It can be called for several.
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.settings.quirks.add(quirk);
        if quirk == Quirk::OnlyXoauth2 {
            (self.settings.no_login, self.settings.no_plain) = (true, true);
        }
        self
    }

    /// INBOX alone, without Drafts, Sent and Trash.
    pub fn inbox_only(mut self) -> Self {
        self.settings.inbox_only = true;
        self
    }

    /// The time at which the server's clock begins, so that dates are the same in each run; now,
    /// unless said otherwise.
    pub fn at(mut self, time: SystemTime) -> Self {
        self.began = Some(time);
        self
    }

    /// The server, ready for [`connect`](Server::connect) and [`listen`](Server::listen).
    #[must_use]
    pub fn start(mut self) -> Server {
        if self.users.is_empty() {
            self.users.push((USER.to_owned(), PASSWORD.to_owned()));
        }
        let first = self.users.first().cloned().unwrap_or_default();
        if self.settings.preauth.is_some() {
            self.settings.preauth = Some(first.0.clone());
        }
        let clock = self.began.map_or_else(Clock::now_on, Clock::start);
        let mut world = World::new(self.settings, clock);
        for (name, password) in &self.users {
            world.add_user(name, password);
        }
        Server::of(world, first)
    }
}
