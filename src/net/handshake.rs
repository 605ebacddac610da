//! From a `Config`, or a byte stream, to a session that is logged in: dialling and TLS (`net/dial`,
//! `net/tls`), greeting, STARTTLS, capabilities, login, COMPRESS, ID, ENABLE.
//!
//! ```text
//!   greeting ─> [CAPABILITY] ─> [STARTTLS ─> TLS ─> CAPABILITY] ─> login ─> [CAPABILITY] ─> [COMPRESS] ─> [ID, ENABLE]
//! ```
//!
//! All by ordinary commands through the engine, while its pump is run from here.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;
use tracing::field::Empty;

use super::auth::Attempts;
use super::config::Security;
use super::dial::Reached;
use super::tls::{self, ChannelBinding, tls_error};
use super::{Config, Io, Pump, dial};
#[cfg(feature = "compress")]
use crate::command::Compress;
use crate::command::{Capability, Command, Enable, StartTls};
use crate::engine::{ConnectionCount, Engine, Origin, ResultSlot, Shared, Submitted};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CloseReason, Status};

/// A session that is logged in.
pub(crate) struct Connected {
    pub(crate) pump: Pump,
    pub(crate) shared: Arc<Shared>,
}

/// Dials, agrees on TLS, logs in.
pub(crate) async fn connect(config: &Config) -> Result<Connected> {
    let connecting = async {
        let mut attempts = Attempts::new(config).await?;
        match dial_and_log_in(config, &mut attempts).await {
            // It hung up on credentials that it had refused, before it saw the fresh ones.
            Err(e) if e.kind() == ErrorKind::Closed && attempts.is_renewed() => {
                tracing::debug!(target: "imap_duplex", error = %e, "once more, with the fresh credentials");
                dial_and_log_in(config, &mut attempts).await
            }
            other => other,
        }
    };
    in_span(config, connecting).await
}

/// Logs in over a byte stream that is ready.
pub(crate) async fn handshake(config: &Config, io: Box<dyn Io>) -> Result<Connected> {
    let encrypted = config.security == Security::Tls;
    let connecting = async {
        let mut attempts = Attempts::new(config).await?;
        let handshake = Handshake::new(config, io, encrypted, config.is_loopback()).over_a_stream();
        handshake.run(&mut attempts).await
    };
    in_span(config, connecting).await
}

/// Connects in a span of its own for the log, which lasts as long as the connection.
async fn in_span(config: &Config, connecting: impl Future<Output = Result<Connected>>) -> Result<Connected> {
    let span = tracing::info_span!(
        target: "imap_duplex",
        "connection",
        server = config.whom(),
        user = config.get_user(),
        received = Empty,
        sent = Empty,
        lasted = Empty,
    );
    let not_connected = |error: &Error| tracing::info!(target: "imap_duplex", %error, "not connected");
    // On the heap: it is large, and would be once more in each layer that is put around it.
    let connecting = Box::pin(connecting).instrument(span.clone());
    let mut count = ConnectionCount::connecting();
    let mut connected = connecting.await.inspect_err(|error| span.in_scope(|| not_connected(error)));
    count.connected(connected.as_ref().err());
    if let Ok(connected) = &mut connected {
        connected.pump.set_ready(span, count);
    }
    connected
}

/// Agrees on TLS and logs in over a byte stream that leads to the server.
pub(crate) async fn connect_through(config: &Config, io: Box<dyn Io>) -> Result<Connected> {
    let reached = Reached { io, local: config.is_loopback() };
    let connecting = async {
        let mut attempts = Attempts::new(config).await?;
        log_in_by(config, reached, &mut attempts).await
    };
    in_span(config, connecting).await
}

async fn dial_and_log_in(config: &Config, attempts: &mut Attempts<'_>) -> Result<Connected> {
    log_in_by(config, dial::reach(config).await?, attempts).await
}

async fn log_in_by(
    config: &Config,
    Reached { io, local }: Reached,
    attempts: &mut Attempts<'_>,
) -> Result<Connected> {
    if config.security != Security::Tls {
        return Handshake::new(config, io, false, local).run(attempts).await;
    }
    let secured = tls::wrap(config, io).await?;
    let binding = secured.channel_binding().cloned();
    let mut handshake = Handshake::new(config, secured.io, true, local);
    handshake.binding = binding;
    handshake.run(attempts).await
}

/// A connection on its way in.
pub(super) struct Handshake<'a> {
    pub(super) config: &'a Config,
    pub(super) pump: Pump,
    shared: Arc<Shared>,
    pub(super) encrypted: bool,
    /// What binds a login to this connection.
    binding: Option<ChannelBinding>,
    /// The other end is this very machine.
    pub(super) local: bool,
    /// Who is spoken to, for errors.
    pub(super) whom: String,
}

impl<'a> Handshake<'a> {
    fn new(config: &'a Config, io: Box<dyn Io>, encrypted: bool, local: bool) -> Self {
        let shared = Shared::new(&config.limits);
        let engine = Engine::new(shared.clone(), config.settings());
        let pump = Pump::new(io, engine, shared.clone(), config);
        let whom = config.whom();
        Self { config, pump, shared, encrypted, binding: None, local, whom }
    }

    /// Which port it has is not known.
    fn over_a_stream(mut self) -> Self {
        self.whom = self.config.host_name().to_owned();
        self
    }

    async fn run(mut self, attempts: &mut Attempts<'_>) -> Result<Connected> {
        let status = match timeout(self.config.timeouts.greeting, self.greeting()).await {
            Ok(greeted) => greeted?,
            Err(_) => return Err(self.silent()),
        };
        let login = tracing::info_span!(target: "imap_duplex", "login");
        Box::pin(self.log_in(status, attempts)).instrument(login).await?;
        let takes_passwords = self.encrypted || self.local || self.config.allow_plaintext_login;
        self.pump.engine.set_ready(takes_passwords);
        let can = self.pump.engine.session().capabilities();
        tracing::info!(target: "imap_duplex", server = self.whom, encrypted = self.encrypted, "ready");
        tracing::debug!(target: "imap_duplex", %can, "capabilities");
        Ok(Connected { pump: self.pump, shared: self.shared })
    }

    /// All from the greeting on. The time in which fresh credentials are asked for is none of the
    /// login's.
    async fn log_in(&mut self, greeting: Status, attempts: &mut Attempts<'_>) -> Result<()> {
        let limit = self.config.timeouts.login;
        let mut until = Instant::now() + limit;
        let greeted_in = match timeout_at(until, self.prepare(greeting)).await {
            Ok(greeted_in) => greeted_in.map_err(|error| self.during_login(error))?,
            Err(_) => return Err(self.too_slow()),
        };
        while let Some(identity) = attempts.identity().filter(|_| !greeted_in) {
            let Ok(tried) = timeout_at(until, self.attempt(attempts, identity)).await else {
                return Err(self.too_slow());
            };
            let Err(mut refusal) = tried else {
                let user = identity.user();
                tracing::info!(target: "imap_duplex", server = self.whom, user, "logged in");
                break;
            };
            refusal.error = self.during_login(refusal.error);
            attempts.renew(refusal).await?;
            until = Instant::now() + limit;
        }
        let logged_in = greeted_in || attempts.identity().is_some();
        let ending = async {
            self.know_capabilities().await?;
            self.introduce(logged_in).await
        };
        match timeout_at(until, ending).await {
            Ok(done) => done.map_err(|error| self.during_login(error)),
            Err(_) => Err(self.too_slow()),
        }
    }

    fn too_slow(&self) -> Error {
        let limit = self.config.timeouts.login;
        let message = format!("the login took longer than {limit:?}: no answer");
        self.during_login(Error::new(ErrorKind::Timeout, message))
    }

    async fn greeting(&mut self) -> Result<Status> {
        poll_fn(|cx| {
            let over = self.pump.poll(cx).is_ready();
            match self.pump.engine.lifecycle().greeting() {
                Some(greeting) if self.pump.engine.lifecycle().is_foreign() => {
                    let message = format!("{} is not an IMAP server; it sent: {}", self.whom, greeting.text);
                    let error = Error::new(ErrorKind::Protocol, message);
                    Poll::Ready(Err(
                        error.advise("is it the right port? IMAP has 993 (TLS) and 143 as a rule")
                    ))
                }
                // A greeting is OK, PREAUTH or BYE (RFC 9051 section 7.1); some servers send NO
                // where they mean BYE.
                Some(greeting) if !matches!(greeting.status, Status::Ok | Status::PreAuth) => {
                    let message = format!("{} turned us away: {}", self.whom, greeting.text);
                    let error = Error::new(ErrorKind::Closed, message).with_status(greeting.clone());
                    Poll::Ready(Err(error.closed_by(&CloseReason::Bye(greeting.clone()))))
                }
                Some(greeting) => Poll::Ready(Ok(greeting.status)),
                None if over => {
                    let whom = &self.whom;
                    Poll::Ready(Err(self.closed().while_doing(&format!("before the greeting of {whom}"))))
                }
                None => Poll::Pending,
            }
        })
        .await
    }

    /// No greeting has been received.
    fn silent(&self) -> Error {
        let waited = self.config.timeouts.greeting;
        let message = format!("no greeting of {} within {waited:?}", self.whom);
        Error::new(ErrorKind::Timeout, message).advise(if self.encrypted {
            "is it an IMAP server?"
        } else {
            "a port with TLS from the first byte is silent as long as it is spoken to in clear text: ask for TLS there"
        })
    }

    /// With who was to log in where, for what ends the connection.
    fn during_login(&self, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::Closed | ErrorKind::Protocol | ErrorKind::Timeout) {
            return error;
        }
        match self.config.get_user() {
            Some(user) => error.while_doing(&format!("as {user} at {}", self.whom)),
            None => error.while_doing(&format!("at {}", self.whom)),
        }
    }

    /// Encryption, if it does not come first, and what the server can do; whether we are logged in
    /// already.
    async fn prepare(&mut self, greeting: Status) -> Result<bool> {
        let mut greeted_in = greeting == Status::PreAuth;
        tracing::debug!(target: "imap_duplex", server = self.whom, logged_in = greeted_in, "greeted");
        if matches!(self.config.security, Security::StartTls | Security::Opportunistic) {
            self.know_capabilities().await?;
            let offered = self.can("STARTTLS");
            if greeted_in && self.config.security == Security::StartTls {
                // Someone on the way can greet so, to keep us from asking for TLS (RFC 9051 section
                // 11.1).
                let what = "reports that we are logged in already, so STARTTLS is no longer possible";
                return Err(tls_error(format!("{} {what}", self.whom)));
            }
            if offered && !greeted_in {
                self.start_tls().await?;
                greeted_in = false;
            } else if self.config.security == Security::StartTls {
                let error = tls_error(format!("{} offers no STARTTLS, and TLS was asked for", self.whom));
                return Err(error.advise("it may have TLS from the first byte, on port 993"));
            }
        }
        self.know_capabilities().await?;
        Ok(greeted_in)
    }

    /// Asks for the capabilities, unless the server has sent them unasked. A server whose list
    /// can't be parsed has no known capability.
    async fn know_capabilities(&mut self) -> Result<()> {
        if !self.pump.engine.session().capabilities().is_empty() {
            return Ok(());
        }
        match self.ask(Capability).await {
            Err(e) if e.kind() != ErrorKind::Protocol => Err(e),
            _ => Ok(()),
        }
    }

    /// What binds a login to this connection, where TLS provides it.
    pub(super) fn channel_binding(&self) -> Option<&ChannelBinding> {
        self.binding.as_ref()
    }

    pub(super) fn can(&self, what: &str) -> bool {
        self.pump.engine.session().can(what)
    }

    async fn start_tls(&mut self) -> Result<()> {
        self.ask(StartTls).await.map_err(|e| e.with_kind(ErrorKind::Tls))?;
        let io = self.pump.take_io().map_err(|count| {
            tls_error(format!("{count} bytes came in clear text after the answer to STARTTLS"))
        })?;
        let secured = tls::wrap(self.config, io).await?;
        self.binding = secured.channel_binding().cloned();
        self.pump.put_io(secured.io);
        self.encrypted = true;
        self.know_capabilities().await
    }

    /// ID first, for there are servers that want it before any SELECT; then ENABLE, which needs a
    /// login; both in one write.
    async fn introduce(&mut self, logged_in: bool) -> Result<()> {
        #[cfg(feature = "compress")]
        self.compress().await?;
        let id = self.config.id.clone().filter(|_| self.can("ID")).map(|id| self.submit(id));
        let mut wanted: Vec<String> =
            self.config.enable.iter().filter(|name| self.can(name)).cloned().collect();
        if wanted.iter().any(|name| name.eq_ignore_ascii_case("QRESYNC")) {
            // One contains the other (RFC 7162 section 3.2.3).
            wanted.retain(|name| !name.eq_ignore_ascii_case("CONDSTORE"));
        }
        let enable = (logged_in && self.can("ENABLE") && !wanted.is_empty())
            .then(|| self.submit(Enable::at_login(wanted)));
        // A refusal of either is no reason not to go on; a lost connection is.
        if let Some(slot) = id {
            self.wait(&slot).await.map(drop).or_else(forgive)?;
        }
        if let Some(slot) = enable {
            self.wait(&slot).await.map(drop).or_else(forgive)?;
        }
        Ok(())
    }

    pub(super) async fn ask<C: Command>(&mut self, command: C) -> Result<C::Output> {
        let slot = self.submit(command);
        self.wait(&slot).await
    }

    fn submit<C: Command>(&self, command: C) -> Arc<ResultSlot<C>> {
        let class = command.class();
        let (submitted, slot) = Submitted::new(command);
        let (_, refused) = self.shared.submit(Box::new(submitted), class, None, None, Origin::Handshake);
        if let Some(error) = refused {
            slot.refuse(error);
        }
        slot
    }

    async fn wait<C: Command>(&mut self, slot: &ResultSlot<C>) -> Result<C::Output> {
        poll_fn(|cx| {
            let over = self.pump.poll(cx).is_ready();
            match slot.poll_result(cx) {
                Poll::Pending if over => Poll::Ready(Err(self.closed())),
                result => result,
            }
        })
        .await
    }

    fn closed(&self) -> Error {
        match self.pump.engine.lifecycle().closed() {
            Some(reason) => self.blame_client_certificate(Error::closed(reason)),
            None => Error::protocol("the server asks for TLS at the wrong time"),
        }
    }
}

#[cfg(feature = "compress")]
impl Handshake<'_> {
    /// Compresses both directions, if that is wanted and the server can. After the login, so that
    /// no password is compressed together with what others may have chosen (RFC 4978 section 5).
    async fn compress(&mut self) -> Result<()> {
        if !self.config.compress || !self.can("COMPRESS=DEFLATE") {
            return Ok(());
        }
        let asked = self.ask(Compress).await;
        tracing::info!(target: "imap_duplex", server = self.whom, compressed = asked.is_ok(), "compression");
        asked.or_else(forgive)
    }
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
impl Handshake<'_> {
    fn blame_client_certificate(&self, error: Error) -> Error {
        error
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
impl Handshake<'_> {
    /// By TLS 1.3 a server that does not take the client's certificate, or misses one, says so only
    /// now.
    fn blame_client_certificate(&self, error: Error) -> Error {
        if !self.encrypted {
            return error;
        }
        let text = error.to_string();
        tls::about_client_certificates(error, &text, self.config.has_client_certificate())
    }
}

fn forgive(error: Error) -> Result<()> {
    if error.kind() == ErrorKind::Closed { Err(error) } else { Ok(()) }
}
