//! The messages of the mechanisms: those of rsasl, and OAUTHBEARER; and what became known in them.
//!
//! In: a mechanism, the user, the secret, what binds the login to the connection. Out: an
//! [`Exchange`] that AUTHENTICATE can run, and [`Notes`] that outlast it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::anonymous::{ANONYMOUS, AnonymousToken};
use rsasl::mechanisms::external::EXTERNAL;
use rsasl::mechanisms::login::LOGIN;
use rsasl::mechanisms::plain::PLAIN;
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::mechanisms::xoauth2::XOAUTH2;
use rsasl::mechanisms::xoauth2::properties::XOAuth2Error;
use rsasl::prelude::{
    ChannelBindingCallback, Mechanism as Implementation, Mechname, Registry, SASLClient, SASLConfig, Session,
    SessionError, State,
};
use rsasl::property::{AuthId, AuthzId, OAuthBearerToken, OverrideCBType, Password};
use rsasl::validate::NoValidation;
use zeroize::Zeroizing;

use super::mechanism::Mechanism;
use super::oauth::{self, Verdict};
use super::scram_check::{self, Last};
use crate::command::{Exchange, Secret};
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::net::tls::ChannelBinding;

/// All that rsasl has for us; its own list has no -PLUS.
static IMPLEMENTATIONS: &[Implementation] = &[
    SCRAM_SHA256_PLUS,
    SCRAM_SHA1_PLUS,
    SCRAM_SHA256,
    SCRAM_SHA1,
    PLAIN,
    LOGIN,
    XOAUTH2,
    EXTERNAL,
    ANONYMOUS,
];

/// What one login is made of.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) mechanism: Mechanism,
    /// Who logs in; for EXTERNAL and ANONYMOUS it may be empty.
    pub(super) user: String,
    /// Whom the user is to act as, if that is another one.
    pub(super) act_as: Option<String>,
    /// Empty for EXTERNAL and ANONYMOUS.
    pub(super) secret: Secret,
    pub(super) host: String,
    pub(super) port: u16,
    /// What binds the login, or would have if the server had offered that.
    pub(super) binding: Option<ChannelBinding>,
}

/// What became known in an exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    has_shown: bool,
    is_beyond_first: bool,
    verdict: Option<Verdict>,
    word: Option<String>,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything was shown by which a server can judge the password.
    pub(super) fn has_shown(&self) -> bool {
        self.lock().has_shown
    }

    /// Whether the server has taken the first message.
    pub(super) fn is_beyond_first(&self) -> bool {
        self.lock().is_beyond_first
    }

    /// The server has answered the first message, or has spoken first.
    pub(super) fn go_beyond_first(&self) {
        self.lock().is_beyond_first = true;
    }

    /// What the server said of a token.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.lock().verdict.clone()
    }

    /// The word by which a server refused in SCRAM.
    pub(super) fn word(&self) -> Option<String> {
        self.lock().word.clone()
    }
}

/// Begins an exchange.
pub(super) fn begin(parts: Parts, notes: Notes) -> Result<Box<dyn Exchange>> {
    // In some of the messages these part one thing from the next.
    if parts.act_as.as_ref().is_some_and(|user| user.contains(char::is_control)) {
        return Err(Error::invalid("the name of the user to act as has a control character"));
    }
    if parts.user.contains(char::is_control) {
        return Err(Error::invalid("the name of the user has a control character"));
    }
    if matches!(parts.mechanism, Mechanism::OauthBearer | Mechanism::Xoauth2) {
        oauth::check_token(parts.secret.expose())?;
    }
    if parts.mechanism == Mechanism::OauthBearer {
        return Ok(Box::new(Bearer { parts, notes, progress: Progress::Nothing }));
    }
    let mechanism = parts.mechanism;
    let failed =
        |e: &dyn std::fmt::Display| Error::new(ErrorKind::Login, format!("{mechanism} can't be used: {e}"));
    let names = parts.user.len() + parts.act_as.as_ref().map_or(0, String::len);
    // In SCRAM a character of a name may take three.
    let (secret, room) = (parts.secret.clone(), 3 * names + 512);
    let bound = Bound(parts.binding.clone());
    let name = Mechname::parse(mechanism.name().as_bytes()).map_err(|e| failed(&e))?;
    let config = SASLConfig::builder()
        .with_registry(Registry::with_mechanisms(IMPLEMENTATIONS))
        .with_callback(Answers::new(parts))
        .map_err(|e| failed(&e))?;
    let session = SASLClient::with_cb(config, bound).start_suggested(&[name]).map_err(|e| failed(&e))?;
    if session.get_mechname() != name {
        return Err(failed(&"another one was chosen"));
    }
    Ok(Box::new(Running { mechanism, session, secret, room, notes, progress: Progress::Nothing }))
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing has been said.
    Nothing,
    /// This many messages of the client.
    Said(usize),
    /// The server refuses: its tagged response follows.
    Refused,
    /// All has been said.
    Over,
    /// It was given up.
    Failed,
}

pub(super) fn too_much() -> Error {
    Error::protocol("the server sent a challenge after the exchange had ended")
}

/// An exchange that rsasl runs.
struct Running {
    mechanism: Mechanism,
    session: Session<NoValidation, Bound>,
    secret: Secret,
    /// What an answer may have beside the secret.
    room: usize,
    notes: Notes,
    progress: Progress,
}

impl Running {
    /// Looks at a server's message before rsasl does; whether it ends the exchange.
    fn look_at(&self, message: &[u8]) -> Result<bool> {
        match (self.mechanism, self.progress) {
            (mechanism, Progress::Said(said)) if mechanism.is_scram() => {
                if said == 1 && !message.starts_with(b"e=") {
                    scram_check::check_first(message)?;
                } else if let Last::Refusal(word) = scram_check::last(message)? {
                    self.notes.lock().word = Some(word);
                    return Ok(true);
                }
            }
            (Mechanism::Xoauth2, Progress::Said(_)) if !message.is_empty() => {
                self.notes.lock().verdict = Some(Verdict::read(message, self.secret.expose()));
            }
            _ => {}
        }
        Ok(false)
    }

    fn failed(&self, error: &SessionError) -> Error {
        if matches!(error, SessionError::MutualAuthenticationFailed) {
            let error = Error::new(ErrorKind::Login, "the server has not shown that it knows the password");
            return error.advise(NO_PROOF).with_remedy(Remedy::Setup);
        }
        // rsasl's errors contain no secrets: they name the property that was missing or malformed.
        Error::new(ErrorKind::Login, format!("{} failed: {error}", self.mechanism))
    }

    fn go_on(&mut self, challenge: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        let said = match self.progress {
            Progress::Nothing => 0,
            Progress::Said(said) => said,
            Progress::Refused | Progress::Over | Progress::Failed => return Err(too_much()),
        };
        self.notes.lock().is_beyond_first |= said > 0;
        if let Some(message) = challenge
            && self.look_at(message)?
        {
            self.progress = Progress::Refused;
            return Ok(Zeroizing::new(Vec::new()));
        }
        // What a server says of a token has been noted. It may be anything, and rsasl takes text.
        let is_verdict =
            self.mechanism == Mechanism::Xoauth2 && challenge.is_some_and(|text| !text.is_empty());
        let challenge = if is_verdict { Some(&b"{}"[..]) } else { challenge };
        // In one piece: a buffer that grows leaves copies behind.
        let room = self.secret.expose().len() + self.room;
        let mut answer = Zeroizing::new(Vec::with_capacity(room));
        let state = self.session.step(challenge, &mut *answer).map_err(|e| self.failed(&e))?;
        self.progress =
            if matches!(state, State::Finished(_)) { Progress::Over } else { Progress::Said(said + 1) };
        if !self.mechanism.is_scram() || said > 0 {
            self.notes.lock().has_shown = true;
        }
        Ok(answer)
    }
}

const NO_PROOF: &str = "it may be another server than it says: do not log in there by other means";

impl Exchange for Running {
    fn mechanism(&self) -> &str {
        self.mechanism.name()
    }

    fn is_client_first(&self) -> bool {
        self.session.are_we_first()
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn is_over(&self) -> bool {
        match self.progress {
            Progress::Nothing | Progress::Failed => false,
            Progress::Said(_) => self.mechanism == Mechanism::Xoauth2,
            Progress::Refused | Progress::Over => true,
        }
    }

    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        // After an error rsasl is not to be asked again.
        self.go_on(challenge).inspect_err(|_| self.progress = Progress::Failed)
    }

    fn accepted(&mut self) -> Result<()> {
        if self.mechanism.is_scram() && self.progress != Progress::Over {
            let what = "the server says OK, and has not shown that it knows the password";
            let error = Error::new(ErrorKind::Login, what);
            return Err(error.advise(NO_PROOF).with_remedy(Remedy::Setup));
        }
        Ok(())
    }
}

/// OAUTHBEARER.
struct Bearer {
    parts: Parts,
    notes: Notes,
    progress: Progress,
}

impl Exchange for Bearer {
    fn mechanism(&self) -> &str {
        self.parts.mechanism.name()
    }

    fn is_client_first(&self) -> bool {
        true
    }

    fn secret(&self) -> &Secret {
        &self.parts.secret
    }

    fn is_over(&self) -> bool {
        self.progress != Progress::Nothing
    }

    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        match self.progress {
            Progress::Nothing => {
                self.progress = Progress::Said(1);
                self.notes.lock().has_shown = true;
                let Parts { user, act_as, secret, host, port, .. } = &self.parts;
                // RFC 7628 section 3.1: the token shows who logs in, so what is named is whom they
                // act as.
                let named = act_as.as_ref().unwrap_or(user);
                Ok(oauth::bearer(named, secret.expose(), host, *port))
            }
            Progress::Said(_) => {
                self.progress = Progress::Refused;
                let message = challenge.unwrap_or_default();
                self.notes.lock().is_beyond_first = true;
                self.notes.lock().verdict = Some(Verdict::read(message, self.parts.secret.expose()));
                Ok(Zeroizing::new(vec![oauth::END]))
            }
            Progress::Refused | Progress::Over | Progress::Failed => Err(too_much()),
        }
    }

    fn accepted(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What rsasl asks for.
struct Answers {
    mechanism: Mechanism,
    user: String,
    act_as: Option<String>,
    secret: Secret,
    binding: Option<&'static str>,
}

impl Answers {
    fn new(parts: Parts) -> Self {
        let Parts { mechanism, user, act_as, secret, binding, .. } = parts;
        let binding = binding.map(|binding| binding.name());
        if mechanism.is_scram() {
            let secret = Secret::from(scram_check::prepared(secret.expose()));
            return Self { mechanism, user: scram_check::prepared(&user), act_as, secret, binding };
        }
        Self { mechanism, user, act_as, secret, binding }
    }
}

impl SessionCallback for Answers {
    fn callback(
        &self,
        _: &SessionData,
        _: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        match self.mechanism {
            Mechanism::External => {
                let act_as = self.act_as.as_ref().unwrap_or(&self.user);
                if !act_as.is_empty() {
                    request.satisfy::<AuthzId>(act_as)?;
                }
            }
            Mechanism::Anonymous => {
                request.satisfy::<AnonymousToken>(&self.user)?;
            }
            _ => {
                let secret = self.secret.expose();
                request
                    .satisfy::<AuthId>(&self.user)?
                    .satisfy::<Password>(secret.as_bytes())?
                    .satisfy::<OAuthBearerToken>(secret)?;
                if let Some(act_as) = &self.act_as {
                    request.satisfy::<AuthzId>(act_as)?;
                }
                if let Some(name) = self.binding {
                    request.satisfy::<OverrideCBType>(name)?;
                }
            }
        }
        // rsasl sends the empty answer that the server waits for only if this property is read. The
        // server's text is in `Notes` already.
        let _ = request.get_action::<XOAuth2Error>();
        Ok(())
    }

    fn enable_channel_binding(&self) -> bool {
        self.binding.is_some()
    }
}

/// What binds a login to the connection, for rsasl.
struct Bound(Option<ChannelBinding>);

impl ChannelBindingCallback for Bound {
    fn get_cb_data(&self, name: &str) -> Option<&[u8]> {
        self.0.as_ref().filter(|binding| binding.name() == name).map(ChannelBinding::data)
    }
}

#[cfg(test)]
mod tests;
