//! The attempts to log in: by the best way, by the next one where the first was refused before
//! anything was shown, and once more with fresh credentials where those at hand are refused.
//!
//! In: the `Config`'s identity, the mechanisms offered. Out: a session that is logged in, or a
//! `Refusal`.

use std::sync::Arc;

use super::choice::{self, Offer, Way};
use super::credentials::{CredentialReason, CredentialRequest, Credentials, Identity};
use super::custom_mechanism::{OwnMechanism, SaslPlace};
use super::exchange::{self, Notes, Parts};
use super::mechanism::{Material, Mechanism};
use super::refusal::{self, Refusal};
use crate::command::{Authenticate, Exchange, Login, Secret};
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::net::Config;
use crate::net::handshake::Handshake;

/// The credentials of one connect, which may take two connections.
#[derive(Debug)]
pub(in crate::net) struct Attempts<'a> {
    config: &'a Config,
    credentials: Option<Credentials>,
    /// Credentials have been asked for again.
    is_renewed: bool,
}

impl<'a> Attempts<'a> {
    /// Asks for the credentials, before anything is dialled: a connection should not wait for them.
    pub(in crate::net) async fn new(config: &'a Config) -> Result<Self> {
        let mut attempts = Self { config, credentials: None, is_renewed: false };
        match &config.identity {
            Some(Identity::Known { credentials, .. }) => attempts.credentials = Some(credentials.clone()),
            Some(Identity::Asked { .. }) => {
                attempts.credentials = attempts.ask(CredentialReason::First, None).await?;
            }
            Some(Identity::Elsewhere { .. } | Identity::Anonymous { .. } | Identity::Own { .. }) | None => {}
        }
        Ok(attempts)
    }

    /// Whether anyone is to log in.
    pub(in crate::net) fn identity(&self) -> Option<&'a Identity> {
        self.config.identity.as_ref()
    }

    /// Whether fresh credentials have been asked for: a server that hung up on those before may
    /// take these on another connection.
    pub(in crate::net) fn is_renewed(&self) -> bool {
        self.is_renewed
    }

    async fn ask(&self, reason: CredentialReason, error: Option<&Error>) -> Result<Option<Credentials>> {
        let Some(Identity::Asked { user, provider }) = &self.config.identity else { return Ok(None) };
        let (limit, host) = (self.config.timeouts.login, self.config.host_name());
        let request = CredentialRequest {
            reason,
            user: user.clone(),
            host: self.config.host.clone(),
            error: error.cloned(),
        };
        match tokio::time::timeout(limit, provider.ask(request)).await {
            Ok(Ok(credentials)) => Ok(Some(credentials)),
            Ok(Err(why)) => {
                let what = format!("no credentials for {user} at {host} were given");
                let error = Error::new(ErrorKind::Login, what);
                let error = match is_away(&*why) {
                    true => error.with_remedy(Remedy::Later { after: None }),
                    false => error
                        .with_remedy(Remedy::Credentials)
                        .advise("log in at the provider again, if its access has ended"),
                };
                Err(error.because_of(Arc::from(why)))
            }
            Err(_) => {
                let what = format!("no credentials for {user} at {host} were given within {limit:?}");
                Err(Error::new(ErrorKind::Timeout, what))
            }
        }
    }

    /// Asks for fresh credentials, once, unless that was done for an earlier connect.
    ///
    /// # Errors
    /// The refusal, if there are none, or if they are those that were refused.
    pub(in crate::net) async fn renew(&mut self, refusal: Refusal) -> Result<()> {
        let Refusal { error, reason } = refusal;
        let Some(reason) = reason.filter(|_| self.config.may_refresh && !self.is_renewed) else {
            return Err(error);
        };
        let Some(fresh) = self.ask(reason, Some(&error)).await? else { return Err(error) };
        self.is_renewed = true;
        if self.credentials.as_ref().is_some_and(|refused| refused.is_same(&fresh)) {
            return Err(error);
        }
        tracing::debug!(target: "imap_duplex", ?reason, "fresh credentials");
        self.credentials = Some(fresh);
        Ok(())
    }

    fn material(&self, identity: &Identity) -> Material {
        match (identity, &self.credentials) {
            (Identity::Elsewhere { .. }, _) => Material::Elsewhere,
            (Identity::Anonymous { .. }, _) => Material::Nothing,
            (Identity::Own { .. }, _) => Material::Own,
            (_, Some(credentials)) => credentials.material(),
            (_, None) => Material::Password,
        }
    }

    /// The mechanisms of the user's own, those of the `Config` first.
    fn own(&self) -> Vec<&OwnMechanism> {
        let own = match &self.credentials {
            Some(Credentials::Sasl(own)) => Some(own),
            _ => None,
        };
        self.config.sasl.iter().chain(own).collect()
    }
}

impl Handshake<'_> {
    /// Logs in with the credentials at hand.
    pub(in crate::net) async fn attempt(
        &mut self,
        attempts: &Attempts<'_>,
        identity: &Identity,
    ) -> Result<(), Refusal> {
        let material = attempts.material(identity);
        let own = attempts.own();
        let offered: Vec<String> =
            self.pump.engine.session().capabilities().auth_mechanisms().map(str::to_owned).collect();
        let offer = Offer {
            mechanisms: &offered,
            login_disabled: self.can("LOGINDISABLED"),
            can_bind: self.channel_binding().is_some(),
            acts: self.config.get_act_as().is_some(),
        };
        let own_names = own.iter().map(|own| own.name());
        let mut ways = if self.config.mechanism.is_none() { offer.own_ways(own_names) } else { Vec::new() };
        // Each that is left has been found to be of no use before anything was sent.
        while let Some(Way::Own(index)) = ways.first().copied() {
            let Some(mechanism) = own.get(index) else { break };
            ways.remove(0);
            let is_last = ways.is_empty() && offer.ways(material, None).is_empty();
            match self.take_own(mechanism, identity, material, is_last).await {
                Some(done) => return done,
                None => continue,
            }
        }
        self.check_secrecy(secret_name(material), identity)?;
        let ways = offer.ways(material, self.config.mechanism);
        let mut way = match ways.first() {
            Some(way) => *way,
            None => return Err(self.no_way(&offer, material, &own).into()),
        };
        loop {
            let notes = Notes::default();
            let secret = attempts.credentials.as_ref().and_then(Credentials::secret).cloned();
            let secret = secret.unwrap_or_else(|| "".into());
            let Err(error) = self.take(way, &offer, identity, &secret, &notes).await else { return Ok(()) };
            if let Some(next) = self.next_way(&ways, way, &error, &notes) {
                tracing::debug!(target: "imap_duplex", refused = ?way, next = ?next, "another way to log in");
                way = next;
                continue;
            }
            return Err(refusal::sort(error, &notes, material, &self.whom, identity.shown()));
        }
    }

    /// What must stay secret goes over an encrypted connection, to this very machine, or where the
    /// user allows it. That holds for SCRAM, too: its messages are enough to try passwords with.
    fn check_secrecy(&self, what: Option<&str>, identity: &Identity) -> Result<()> {
        let Some(what) = what else { return Ok(()) };
        if self.encrypted || self.local || self.config.allow_plaintext_login {
            return Ok(());
        }
        let message = format!(
            "the connection to {} is not encrypted, and the {what} of {} is not sent in clear text",
            self.whom,
            identity.shown()
        );
        Err(Error::new(ErrorKind::Insecure, message))
    }

    /// Logs in by a mechanism of the user's own; `None` if it can't be used now and there is
    /// another way. What the server refuses is final: what it was shown only the mechanism knows.
    async fn take_own(
        &mut self,
        mechanism: &OwnMechanism,
        identity: &Identity,
        material: Material,
        is_last: bool,
    ) -> Option<Result<(), Refusal>> {
        let name = mechanism.name().to_ascii_uppercase();
        if mechanism.needs_encryption()
            && let Err(error) = self.check_secrecy(Some(&format!("login by {name}")), identity)
        {
            return Some(Err(error.into()));
        }
        let notes = Notes::default();
        let place = SaslPlace {
            host: self.config.host_name().to_owned(),
            port: self.config.port_number(),
            is_encrypted: self.encrypted,
            binding: self.channel_binding().cloned(),
            act_as: self.config.act_as.clone(),
        };
        let first = match mechanism.begin(&place, &notes) {
            Ok(first) => first,
            Err(error) if !is_last => {
                tracing::debug!(target: "imap_duplex", mechanism = name, "it can't be used: {error}");
                return None;
            }
            Err(error) => return Some(Err(error.into())),
        };
        tracing::debug!(target: "imap_duplex", mechanism = name, "logging in");
        let again = || mechanism.begin(&place, &notes);
        let Err(error) = self.authenticate(first, again, &notes).await else { return Some(Ok(())) };
        let is_refused = matches!(error.kind(), ErrorKind::No | ErrorKind::Bad);
        let error = if is_refused { error.moreover(&format!("the mechanism was {name}")) } else { error };
        Some(Err(refusal::sort(error, &notes, material, &self.whom, identity.shown())))
    }

    /// Another way in, where this one was refused before anything was shown, or the binding may be
    /// what the server can't use. Not where the user has named the mechanism, and not where the
    /// server says that the binding is another one: then someone decrypts on the way.
    fn next_way(&self, ways: &[Way], way: Way, error: &Error, notes: &Notes) -> Option<Way> {
        let Way::Sasl(mechanism) = way else { return None };
        let is_refused = matches!(error.kind(), ErrorKind::No | ErrorKind::Bad);
        if self.config.mechanism.is_some() || !mechanism.is_scram() || !is_refused {
            return None;
        }
        // The server asks to try later: another mechanism would not help.
        if matches!(error.remedy(), Some(Remedy::Later { .. })) {
            return None;
        }
        match notes.word() {
            Some(word) if super::scram_check::lacks_binding(&word) => choice::after(ways, mechanism, None),
            Some(_) => None,
            None if notes.has_shown() => {
                // Cyrus knows but tls-unique, which TLS 1.3 does not have, and finds out only now.
                let may_lack_binding = mechanism.is_bound() && error.code().is_none();
                choice::without_binding(ways, mechanism).filter(|_| may_lack_binding)
            }
            None => choice::after(ways, mechanism, error.code()),
        }
    }

    async fn take(
        &mut self,
        way: Way,
        offer: &Offer<'_>,
        identity: &Identity,
        secret: &Secret,
        notes: &Notes,
    ) -> Result<()> {
        let user = match identity {
            Identity::Anonymous { trace } => trace.clone(),
            _ => identity.user().unwrap_or_default().to_owned(),
        };
        let Way::Sasl(mechanism) = way else {
            tracing::debug!(target: "imap_duplex", command = "LOGIN", "logging in");
            return self.ask(Login::connecting(user, secret.clone())).await;
        };
        let is_bound = mechanism.is_bound() || mechanism.is_scram() && offer.shows_downgrade();
        let binding = self.channel_binding().filter(|_| is_bound).cloned();
        let bound_by = binding.as_ref().filter(|_| mechanism.is_bound()).map(|binding| binding.name());
        tracing::debug!(target: "imap_duplex", %mechanism, bound_by, "logging in");
        let parts = Parts {
            mechanism,
            user,
            act_as: self.config.act_as.clone(),
            secret: secret.clone(),
            host: self.config.host_name().to_owned(),
            port: self.config.port_number(),
            binding,
        };
        let first = exchange::begin(parts.clone(), notes.clone())?;
        self.authenticate(first, || exchange::begin(parts.clone(), notes.clone()), notes).await
    }

    async fn authenticate(
        &mut self,
        first: Box<dyn Exchange>,
        again: impl Fn() -> Result<Box<dyn Exchange>>,
        notes: &Notes,
    ) -> Result<()> {
        let goes_in_line = first.is_client_first() && self.can("SASL-IR");
        match self.ask(Authenticate::new(first)).await {
            // Some servers advertise SASL-IR and refuse it: once more without it.
            Err(e) if e.kind() == ErrorKind::Bad && goes_in_line && !notes.is_beyond_first() => {
                self.ask(Authenticate::new(again()?).without_initial_response()).await
            }
            other => other,
        }
    }

    /// Why there is no way in, with those that there are.
    fn no_way(&self, offer: &Offer<'_>, material: Material, own: &[&OwnMechanism]) -> Error {
        let (whom, offered) = (&self.whom, offer.mechanisms.join(", "));
        let other = if offered.is_empty() { String::new() } else { format!("; it offers {offered}") };
        let setup = |what: String| Error::new(ErrorKind::Login, what).with_remedy(Remedy::Setup);
        let as_oneself = Offer { acts: false, ..*offer };
        if offer.acts && !as_oneself.ways(material, self.config.mechanism).is_empty() {
            let what = format!("{whom} offers no mechanism by which one user can act as another{other}");
            return setup(what).advise("SCRAM, PLAIN, OAUTHBEARER and EXTERNAL can name whom to act as");
        }
        match self.config.mechanism {
            Some(named) if named.material() != material => {
                let what = |material| match material {
                    Material::Password => "a password",
                    Material::Token => "a token",
                    Material::Elsewhere => "whom the connection shows",
                    Material::Nothing => "no user",
                    Material::Own => "a mechanism of your own",
                };
                let wanted = what(named.material());
                let message =
                    format!("{named} logs in by {wanted}, and what was given is {}", what(material));
                return setup(message).advise(OTHER);
            }
            Some(named) if named.is_bound() && offer.has(named) => {
                let what =
                    format!("{named} can't be used at {whom}: nothing binds a login to this connection");
                return setup(what).advise("it needs TLS 1.3, made by this library");
            }
            Some(named) if self.encrypted || !offer.login_disabled => {
                let error = setup(format!("{whom} offers no {named}{other}"));
                return error.advise(if offered.is_empty() { NO_WAY } else { OTHER });
            }
            _ => {}
        }
        let (what, hint) = match material {
            Material::Password => ("password (LOGINDISABLED)", password_hint(&offered)),
            Material::Token => ("token", "a password may be what it wants"),
            Material::Elsewhere => {
                ("login by EXTERNAL", "was a client certificate sent, and is it one that the server trusts?")
            }
            Material::Nothing => ("anonymous login", "a user and a password are needed"),
            Material::Own => return setup(no_own(whom, own, &other)).advise(OWN),
        };
        if !self.encrypted && offer.login_disabled {
            let what = what.replace(" (LOGINDISABLED)", "");
            let message = format!("{whom} takes no {what} without encryption (LOGINDISABLED){other}");
            return Error::new(ErrorKind::Insecure, message);
        }
        let none = if offered.is_empty() { ", and offers no way to log in" } else { "" };
        let error = setup(format!("{whom} takes no {what}{other}{none}"));
        error.advise(if offered.is_empty() && material == Material::Password { NO_WAY } else { hint })
    }
}

/// What must stay secret.
fn secret_name(material: Material) -> Option<&'static str> {
    match material {
        Material::Password => Some("password"),
        Material::Token => Some("token"),
        Material::Elsewhere | Material::Nothing | Material::Own => None,
    }
}

fn no_own(whom: &str, own: &[&OwnMechanism], other: &str) -> String {
    match own {
        [] => "there is no mechanism of your own to log in by: a stored Config keeps none".to_owned(),
        own => {
            let names: Vec<_> = own.iter().map(|own| own.name().to_ascii_uppercase()).collect();
            format!("{whom} does not offer {}{other}", names.join(" or "))
        }
    }
}

const OWN: &str = "give `Config::sasl` one that the server offers, or a password or token beside it";
const OTHER: &str = "name another mechanism, or none: then the best for what was given is used";
const NO_WAY: &str = "only the server's operator can change that: ask for another port or host for IMAP";

fn password_hint(offered: &str) -> &'static str {
    if [Mechanism::OauthBearer, Mechanism::Xoauth2].iter().any(|token| offered.contains(token.name())) {
        "it wants a token of OAuth 2.0 in place of a password"
    } else {
        "none of these takes a password in a way that is known here"
    }
}

/// Whether a provider of credentials has failed because it can't be reached: its error, or a cause
/// of it, is one of the network.
fn is_away(why: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind as Io;
    let mut causes = std::iter::successors(Some(why), |error| error.source());
    causes.any(|cause| match cause.downcast_ref::<std::io::Error>() {
        // A name that can't be looked up has no kind of its own.
        Some(error) => !matches!(
            error.kind(),
            Io::NotFound
                | Io::PermissionDenied
                | Io::AlreadyExists
                | Io::InvalidInput
                | Io::InvalidData
                | Io::Unsupported
                | Io::OutOfMemory
        ),
        None => cause.downcast_ref::<Error>().is_some_and(Error::is_transient),
    })
}
