//! The configuration of a server before it starts.

use std::time::{Duration, SystemTime};

use super::capability::Extensions;
use super::clock::Clock;
use super::quirks::Quirk;
use super::sasl::{self, Given, SaslTurn};
use super::server::Server;
use super::world::{Settings, World};

/// The user of a server without configured users.
pub(super) const USER: &str = "alice";
/// The password of that user.
pub(super) const PASSWORD: &str = "secret";

/// Configures a [`Server`]; from [`Server::builder`].
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
    /// Adds a user. [`Server`]'s own methods concern the first one; without any there is `alice`
    /// with the password `secret`.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.users.push((name.into(), password.into()));
        self
    }

    /// Removes these extensions, named as in CAPABILITY, and those that need them: a server without
    /// `CONDSTORE` has no `QRESYNC`, and one without `MOVE` is not IMAP4rev2. Their commands are
    /// answered with BAD.
    ///
    /// `STARTTLS` is accepted as well, for [`no_tls`](Self::no_tls), `LOGIN`, which advertises
    /// LOGINDISABLED, and `AUTH=PLAIN`; both commands are answered with NO then.
    ///
    /// # Panics
    /// If the server has no such extension, or neither `IMAP4rev1` nor `IMAP4rev2` is left.
    #[track_caller]
    pub fn without<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            match &*name.to_ascii_uppercase() {
                "STARTTLS" => self.settings.no_tls = true,
                "LOGIN" => self.settings.no_login = true,
                "AUTH=PLAIN" => self.settings.mechanisms.retain(|name| *name != "PLAIN"),
                _ => {
                    if let Err(name) = self.settings.extensions.remove(name) {
                        panic!("{name} is no extension that this server has");
                    }
                }
            }
        }
        self.has_revision()
    }

    /// Adds these extensions, and those that they need. A server has all that it can, but for those
    /// of one provider: `X-GM-EXT-1` (Gmail's labels, searches and identifiers) and `XLIST`.
    ///
    /// With `X-GM-EXT-1` each mailbox is a label, and a message has the labels of the mailboxes
    /// that hold it: a label that is added copies the message there, one that is taken off removes
    /// it. What has lost its last label, with the label's mailbox if that is deleted, is in
    /// `[Gmail]/All Mail`. `X-GM-RAW` takes words, phrases in quotes, `-` before either, and
    /// `from:`, `to:`, `cc:`, `bcc:`, `subject:`, `label:`, `in:`, `is:`, `has:attachment` and
    /// `rfc822msgid:`.
    ///
    /// ```
    /// use imap_duplex::testing::Server;
    /// let gmail = Server::builder().with(["X-GM-EXT-1"]).start();
    /// # let _ = gmail;
    /// ```
    ///
    /// # Panics
    /// If the server has no such extension.
    #[track_caller]
    pub fn with<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            if let Err(name) = self.settings.extensions.add(name) {
                panic!("{name} is no extension that this server has");
            }
        }
        self
    }

    #[track_caller]
    fn has_revision(self) -> Self {
        assert!(
            self.settings.extensions.has_revision(),
            "neither IMAP4rev1 nor IMAP4rev2 is left: a server has to speak one of them"
        );
        self
    }

    /// Keeps only these extensions, and those that they need. The list must include `IMAP4rev1` or
    /// `IMAP4rev2`.
    ///
    /// # Panics
    /// If the server has no such extension, or neither `IMAP4rev1` nor `IMAP4rev2` is in the list.
    #[track_caller]
    pub fn only<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        match Extensions::only(names) {
            Ok(extensions) => self.settings.extensions = extensions,
            Err(name) => panic!("{name} is no extension that this server has"),
        }
        self.has_revision()
    }

    /// Advertises these capabilities, before and after login, whatever the server supports.
    pub fn claim<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.settings.claimed = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Offers these SASL mechanisms in place of PLAIN alone: some or all of
    /// [`MECHANISMS`](super::MECHANISMS). The command LOGIN stays, unless
    /// [`without`](Self::without) removes it.
    ///
    /// Those that show a password or a token are offered only where LOGIN is (see
    /// [`require_tls`](Self::require_tls)), those with `-PLUS` only over TLS. XOAUTH2 and
    /// OAUTHBEARER take the token of [`Account::set_token`](super::Account::set_token), EXTERNAL
    /// needs
    /// [`external_user`](Self::external_user), ANONYMOUS makes a user `anonymous`.
    ///
    /// ```
    /// use imap_duplex::testing::Server;
    /// let server = Server::builder().mechanisms(["SCRAM-SHA-256", "OAUTHBEARER"]).start();
    /// server.set_token("ya29.a0Ad52N3");
    /// ```
    ///
    /// # Panics
    /// If a mechanism is not known.
    #[track_caller]
    pub fn mechanisms<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let known = |name: &str| sasl::MECHANISMS.iter().find(|known| known.eq_ignore_ascii_case(name));
        self.settings.mechanisms = names
            .into_iter()
            .map(|name| match known(name) {
                Some(known) => *known,
                None => panic!("{name} is no mechanism that this server knows"),
            })
            .collect();
        self
    }

    /// Offers a mechanism that the server does not know, or knows otherwise, and does in it what
    /// the closure says: it gets the client's answers so far, none of them at first.
    ///
    /// ```
    /// use imap_duplex::testing::{SaslTurn, Server};
    /// // The example of RFC 2195.
    /// let server = Server::builder().sasl("CRAM-MD5", |answers| match answers {
    ///     [] => SaslTurn::Challenge(b"<1896.697170952@postoffice.reston.mci.net>".to_vec()),
    ///     [answer] if answer == b"tim b913a602c7eda7a495b4e6e7334d3890" => {
    ///         SaslTurn::Accept("tim".into())
    ///     }
    ///     _ => SaslTurn::Refuse,
    /// });
    /// # let _ = server.start();
    /// ```
    pub fn sasl(
        mut self,
        name: &str,
        turns: impl Fn(&[Vec<u8>]) -> SaslTurn + Send + Sync + 'static,
    ) -> Self {
        self.settings.given.push(Given::new(name, turns));
        self
    }

    /// Whom EXTERNAL lets in: each connection counts as if a client certificate had shown this
    /// user.
    pub fn external_user(mut self, name: impl Into<String>) -> Self {
        self.settings.external = Some(name.into());
        self
    }

    /// Lets this user act as any other that there is, by an authorization identity (RFC 4422
    /// section 3.4.1).
    ///
    /// ```
    /// use imap_duplex::testing::Server;
    /// let server = Server::builder().user("admin", "secret").master_user("admin").start();
    /// # let _ = server;
    /// ```
    pub fn master_user(mut self, name: impl Into<String>) -> Self {
        self.settings.masters.push(name.into());
        self
    }

    /// What XOAUTH2 and OAUTHBEARER say of a token that they refuse, as a rule JSON; by default
    /// `{"status":"401","schemes":"bearer","scope":"https://mail.example.org/"}`, with OAUTHBEARER
    /// the status `invalid_token`.
    pub fn token_failure(mut self, json: impl Into<String>) -> Self {
        self.settings.token_failure = Some(json.into());
        self
    }

    /// The largest message that clients may append, in bytes; 64 MiB by default (APPENDLIMIT, RFC
    /// 7889). One APPEND may have several messages (MULTIAPPEND), each of this size, but at most
    /// four times this size together: a literal beyond that is answered with NO and TOOBIG, or, if
    /// it is non-synchronizing, ends the connection.
    pub fn append_limit(mut self, bytes: usize) -> Self {
        self.settings.append_limit = bytes;
        self
    }

    /// The most messages that one command may be about (MESSAGELIMIT, RFC 9738), at least 1; any
    /// by default. FETCH, STORE, SEARCH, MOVE and UID EXPUNGE deal with the newest and say how far
    /// they came; COPY, SORT, THREAD and APPEND are refused.
    pub fn message_limit(mut self, messages: u32) -> Self {
        self.settings.message_limit = Some(messages.max(1));
        self
    }

    /// Refuses plaintext passwords: LOGINDISABLED until TLS is active.
    pub fn require_tls(mut self) -> Self {
        self.settings.require_tls = true;
        self
    }

    /// Greets with PREAUTH: each session is logged in as the first user.
    pub fn preauth(mut self) -> Self {
        self.settings.preauth = Some(String::new());
        self
    }

    /// Accepts any other user name, too, with this password; each has an account of its own from
    /// its first login on.
    pub fn any_user(mut self, password: impl Into<String>) -> Self {
        self.settings.any_user = Some(password.into());
        self
    }

    /// As whom the server that sends mail logs in: it alone may fetch URLs that are authorized for
    /// `submit+…` (URLAUTH, RFC 4467 section 3). No user by default.
    pub fn submission_user(mut self, name: impl Into<String>) -> Self {
        self.settings.submission_user = Some(name.into());
        self
    }

    /// Does not offer STARTTLS.
    pub fn no_tls(mut self) -> Self {
        self.settings.no_tls = true;
        self
    }

    /// Imitates this behaviour of other servers. Can be called repeatedly.
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.settings.quirks.add(quirk);
        if quirk == Quirk::OnlyXoauth2 {
            self.settings.no_login = true;
            self.settings.mechanisms.clear();
        }
        self
    }

    /// How many sessions a user may have at the same time: further logins are answered with NO and
    /// LIMIT, as Stalwart does.
    pub fn session_limit(mut self, sessions: usize) -> Self {
        self.settings.max_sessions = Some(sessions);
        self
    }

    /// Throttles a user who logs in more often than this within this time: NO with UNAVAILABLE, and
    /// how long to wait, as Exchange says it.
    pub fn login_limit(mut self, logins: usize, within: Duration) -> Self {
        self.settings.max_logins = Some((logins, within));
        self
    }

    /// New users have INBOX only, without Drafts, Sent and Trash.
    pub fn inbox_only(mut self) -> Self {
        self.settings.inbox_only = true;
        self
    }

    /// The start time of the server's clock, so that dates are the same in each run; now by
    /// default.
    pub fn at(mut self, time: SystemTime) -> Self {
        self.began = Some(time);
        self
    }

    /// Starts the server, for [`connect`](Server::connect) and [`listen`](Server::listen).
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
