//! Authentication of the client: LOGIN, AUTHENTICATE, STARTTLS; and the server's description:
//! CAPABILITY, ENABLE, ID (RFC 9051 sections 6.1 and 6.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::testing::capability::Facts;
use crate::testing::quirks::Quirk;
use crate::testing::sasl::{self, Dialogue, Outcome, Place};
use crate::testing::search::Collation;
use crate::testing::world::World;
use crate::types::{Answer, Capabilities, Code};
use crate::wire::request::{SaslAnswer, sasl_answer};
use crate::wire::response::Response;

use super::reply::{Allows, Done, Reply, either};
use super::{BESIDE_MESSAGE, Enabled, MESSAGES_AT_ONCE, Mode, Session};

impl Session {
    /// The current capabilities.
    pub(super) fn capabilities(&self, world: &World) -> Capabilities {
        if let Some(claimed) = &world.settings.claimed {
            return claimed.iter().collect();
        }
        let facts = Facts {
            logged_in: self.user.is_some(),
            starttls: self.can_tls && !self.secure,
            login_disabled: world.settings.require_tls && !self.secure,
            no_login: world.settings.no_login,
            mechanisms: world
                .settings
                .given
                .iter()
                .map(|given| given.name.clone())
                .chain(self.offered(world).into_iter().map(str::to_owned))
                .collect(),
            append_limit: world.settings.append_limit,
            message_limit: world.settings.message_limit,
        };
        let mut names = world.settings.extensions.advertised(&facts);
        self.quirks.change_capabilities(&mut names, facts.logged_in);
        names.iter().collect()
    }

    pub(super) fn log_in(&mut self, world: &mut World, user: String) {
        if let Some(line) = world.line(self.id) {
            line.user = Some(user.clone());
        }
        let messages = world.settings.append_limit.saturating_mul(MESSAGES_AT_ONCE);
        self.framer.set_limit(messages.saturating_add(BESIDE_MESSAGE));
        self.framer.set_plus_limit(world.settings.extensions.plus_limit());
        self.user = Some(user);
    }

    /// UNAUTHENTICATE (RFC 8437): all but TLS is as it was before the login; compression ends
    /// behind the OK.
    pub(super) fn unauthenticate(&mut self, world: &mut World, tag: &str) -> Option<Done> {
        self.unselect(world);
        if let Some(line) = world.line(self.id) {
            (line.user, line.watch, line.condstore) = (None, None, false);
            line.queue.clear();
        }
        let plus = world.settings.extensions.plus_limit();
        self.limit_before_login(plus);
        let rev2 = !world.has("IMAP4rev1");
        self.enabled = Enabled { rev2, utf8: rev2, ..Enabled::default() };
        self.user = None;
        self.collation = Collation::default();
        let code = Code::Capability(self.capabilities(world));
        self.end(world, tag, Allows::Flags, Reply::ok_with(code, "Logged out"));
        if std::mem::take(&mut self.compressed) {
            // RFC 8437 section 4.1.
            self.out.end_compression();
            if let Some(line) = world.line(self.id) {
                line.compressed = false;
            }
        }
        None
    }

    /// Ends a login: the user is in, or not.
    fn admit(&mut self, world: &mut World, user: Result<String, Reply>) -> Done {
        let user = user?;
        world.has_place(&user)?;
        self.log_in(world, user);
        // RFC 9051 section 6.2.3: the capabilities have changed, and are sent without being
        // requested.
        let code = Code::Capability(self.capabilities(world));
        Ok(Reply::ok_with(code, "Logged in"))
    }

    pub(super) fn login(&mut self, world: &mut World, user: &[u8], password: &[u8]) -> Done {
        if world.settings.no_login {
            return Err(Reply::no(Some(Code::Cannot), "LOGIN is disabled"));
        }
        if world.settings.require_tls && !self.secure {
            return Err(Reply::no(Some(Code::PrivacyRequired), "Not without TLS"));
        }
        let user = sasl::check(world, user, password);
        self.admit(world, user)
    }

    /// The mechanisms that can be used just now.
    fn offered(&self, world: &World) -> Vec<&'static str> {
        let is_secret = !world.settings.require_tls || self.secure;
        let is_usable = |name: &&str| {
            (is_secret || !sasl::is_clear(name)) && (!self.bindings.is_empty() || !sasl::is_bound(name))
        };
        world.settings.mechanisms.iter().copied().filter(is_usable).collect()
    }

    /// AUTHENTICATE, with or without an initial response (RFC 4959).
    pub(super) fn authenticate(
        &mut self,
        world: &mut World,
        tag: &str,
        mechanism: &str,
        initial: Option<Vec<u8>>,
    ) -> Option<Done> {
        if let Some(given) = world.settings.given.iter().find(|given| given.name == mechanism) {
            let dialogue = Dialogue::begin_given(given.clone());
            return self.first_turn(world, tag, dialogue, initial);
        }
        let is_known = world.settings.mechanisms.contains(&mechanism);
        let dialogue = Dialogue::begin(mechanism).filter(|_| is_known);
        let Some(dialogue) = dialogue else {
            return Some(Err(Reply::no(Some(Code::Cannot), "This mechanism is not known here")));
        };
        if !self.offered(world).contains(&mechanism) {
            return Some(Err(Reply::no(Some(Code::PrivacyRequired), "Not without TLS")));
        }
        self.first_turn(world, tag, dialogue, initial)
    }

    fn first_turn(
        &mut self,
        world: &mut World,
        tag: &str,
        dialogue: Dialogue,
        initial: Option<Vec<u8>>,
    ) -> Option<Done> {
        let is_servers = matches!(dialogue, Dialogue::Given { .. }) && !dialogue.prompt().is_empty();
        let takes_initial =
            !is_servers && world.has("SASL-IR") && !self.quirks.has(Quirk::RefusesInitialResponse);
        match initial {
            Some(_) if !takes_initial => Some(Err(Reply::bad("No continuation was requested yet"))),
            Some(answer) => self.sasl(world, tag, dialogue, &answer),
            None => {
                self.challenge(dialogue.prompt());
                self.mode = Mode::Sasl(tag.to_owned(), dialogue);
                None
            }
        }
    }

    fn challenge(&mut self, challenge: &[u8]) {
        let text = BASE64.encode(challenge).into();
        self.write(&Response::Continuation { text });
    }

    /// An answer of the client; `None`: the command ends later.
    fn sasl(&mut self, world: &mut World, tag: &str, dialogue: Dialogue, answer: &[u8]) -> Option<Done> {
        let offered = self.offered(world);
        let place = Place { bindings: &self.bindings, offered: &offered };
        match dialogue.step(world, place, answer) {
            Outcome::Challenge(challenge, dialogue) => {
                self.challenge(&challenge);
                self.mode = Mode::Sasl(tag.to_owned(), dialogue);
                None
            }
            Outcome::In(user) => Some(self.admit(world, Ok(user))),
            Outcome::Refused(reply) => Some(Err(reply)),
        }
    }

    /// The line that answers a challenge.
    pub(super) fn sasl_line(&mut self, tag: &str, dialogue: Dialogue, line: &[u8]) {
        let shared = self.shared.clone();
        let mut world = shared.lock();
        let done = match sasl_answer(line) {
            Some(SaslAnswer::Answer(answer)) => self.sasl(&mut world, tag, dialogue, &answer),
            // RFC 9051 section 6.2.2.
            Some(SaslAnswer::Cancel) => Some(Err(Reply::bad("Cancelled"))),
            None => Some(Err(Reply::bad("Base64 was expected"))),
        };
        if let Some(done) = done {
            self.end(&mut world, tag, Allows::All, either(done));
        }
    }

    /// STARTTLS (RFC 9051 section 6.2.1).
    pub(super) fn start_tls(&mut self, world: &mut World, tag: &str) -> Option<Done> {
        if !self.can_tls || self.secure || self.user.is_some() {
            return Some(Err(Reply::bad("TLS can't be begun here")));
        }
        self.end(world, tag, Allows::All, Reply::ok("Begin TLS"));
        self.out.start_tls();
        self.mode = Mode::Tls;
        None
    }

    /// ENABLE: lists only what it has newly enabled (RFC 5161 section 3.1).
    pub(super) fn enable(&mut self, world: &mut World, names: &[String]) -> Done {
        let mut enabled = Vec::new();
        for name in names {
            let known = match &**name {
                "CONDSTORE" => world.has("CONDSTORE"),
                "QRESYNC" => world.has("QRESYNC"),
                "UTF8=ACCEPT" => world.has("UTF8=ACCEPT"),
                "IMAP4REV2" => world.has("IMAP4rev2"),
                "UIDONLY" => world.has("UIDONLY"),
                _ => false,
            };
            if !known || enabled.contains(name) {
                continue;
            }
            match &**name {
                // RFC 6855 section 3, and no numbers lose their meaning.
                "UTF8=ACCEPT" | "UIDONLY" if self.selected.is_some() => {
                    return Err(Reply::bad("Not while a mailbox is selected"));
                }
                "UTF8=ACCEPT" => (self.enabled.utf8, self.enabled.utf8_accept) = (true, true),
                "IMAP4REV2" => (self.enabled.rev2, self.enabled.utf8) = (true, true),
                "UIDONLY" => self.enabled.uid_only = true,
                "QRESYNC" => {
                    self.enabled.qresync = true;
                    self.enable_condstore(world);
                }
                _ => self.enable_condstore(world),
            }
            enabled.push(name.clone());
        }
        let enabled =
            enabled.into_iter().map(|name| if name == "IMAP4REV2" { "IMAP4rev2".into() } else { name });
        self.answer("ENABLED", Answer::Enabled(enabled.collect()));
        Ok(Reply::ok("Enabled"))
    }

    /// The first command that uses mod-sequences enables them (RFC 7162 section 3.1).
    pub(super) fn enable_condstore(&mut self, world: &mut World) {
        if self.enabled.condstore {
            return;
        }
        self.enabled.condstore = true;
        if let Some(line) = world.line(self.id) {
            line.condstore = true;
        }
        // RFC 7162 section 3.1.1: with a mailbox selected, its HIGHESTMODSEQ is sent.
        if let Some(code) = self.highest_mod_seq(world) {
            self.status(crate::types::Status::Ok, Some(code), "Highest");
        }
    }

    pub(super) fn id(&mut self) -> Reply {
        let field = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        self.answer(
            "ID",
            Answer::Id(vec![
                field("name", "imap-duplex test server"),
                field("version", env!("CARGO_PKG_VERSION")),
            ]),
        );
        Reply::ok("ID done")
    }
}

impl World {
    /// Whether this user may have one session more, which begins now.
    fn has_place(&mut self, user: &str) -> Result<(), Reply> {
        let sessions = self.lines.values().filter(|line| line.user.as_deref() == Some(user)).count();
        if self.settings.max_sessions.is_some_and(|max| sessions >= max) {
            return Err(Reply::no(Some(Code::Limit), "Too many sessions"));
        }
        let Some((max, within)) = self.settings.max_logins else { return Ok(()) };
        let (now, Some(user)) = (self.clock.running_for(), self.users.get_mut(user)) else { return Ok(()) };
        user.logins.retain(|at| now.saturating_sub(*at) < within);
        match user.logins.front() {
            Some(first) if user.logins.len() >= max => {
                let left = within.saturating_sub(now.saturating_sub(*first)).as_millis();
                let text = format!("Request is throttled. Suggested Backoff Time: {left} milliseconds");
                Err(Reply::no(Some(Code::Unavailable), text))
            }
            _ => {
                user.logins.push_back(now);
                Ok(())
            }
        }
    }
}
