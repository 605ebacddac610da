//! LOGIN, AUTHENTICATE and STARTTLS (RFC 9051 section 6.2). Sent while connecting, as `Config`
//! says; LOGIN also by hand, behind UNAUTHENTICATE.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::line::Secret;
use super::{Class, Command, Effect, Flow, Line, LoginState, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Done;

/// `LOGIN`: user and password as they are (RFC 9051 section 6.2.3). From
/// [`Sender::login`](crate::Sender::login).
#[derive(Clone, Debug)]
#[must_use]
pub struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret,
    /// While connecting it has been decided already whether the connection is safe.
    by_hand: bool,
}

impl Login {
    /// As this user, with this password.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Login;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.unauthenticate().await?;
    /// imap.submit(Login::new("bob", "correct horse")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { user: user.into(), password: password.into(), by_hand: true }
    }

    /// As a part of connecting.
    pub(crate) fn connecting(user: String, password: Secret) -> Self {
        Self { user, password, by_hand: false }
    }
}

impl Command for Login {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "LOGIN"
    }

    fn class(&self) -> Class {
        Class::barrier().with_effect(Effect::Login)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if self.by_hand && session.login == LoginState::LoggedIn {
            return Err(
                Error::invalid("someone is logged in already").advise("`Sender::unauthenticate` first")
            );
        }
        if self.by_hand && !session.takes_passwords {
            let why = "the connection is not encrypted, and the password is not sent in clear text";
            return Err(Error::new(ErrorKind::Insecure, why));
        }
        if session.can("LOGINDISABLED") {
            let message = "the server takes no passwords on this connection (LOGINDISABLED)";
            return Err(Error::new(ErrorKind::Insecure, message)
                .advise("encrypt the connection, or log in by another mechanism"));
        }
        line.word("LOGIN").private(self.user.as_bytes()).secret(self.password.expose().as_bytes());
        Ok(Flow::Last)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

/// The client's side of one SASL mechanism's exchange (RFC 4422).
pub(crate) trait Exchange: Send + 'static {
    /// The mechanism's name: `PLAIN`.
    fn mechanism(&self) -> &str;

    /// Whether the client sends the first message.
    fn is_client_first(&self) -> bool;

    /// What must not be quoted.
    fn secret(&self) -> &Secret;

    /// Whether nothing that it sends may be quoted, because only the mechanism knows what in it is
    /// secret.
    fn conceals_all(&self) -> bool {
        false
    }

    /// Whether the exchange is complete, so that the server may have accepted the login.
    fn is_over(&self) -> bool;

    /// The answer to the server's challenge; `None` asks for the first message, if the client sends
    /// it.
    ///
    /// # Errors
    /// An error gives the exchange up.
    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>>;

    /// The server has said OK.
    ///
    /// # Errors
    /// If it has not shown by then what the mechanism has it show.
    fn accepted(&mut self) -> Result<()>;
}

/// `AUTHENTICATE`: logs in by a SASL mechanism (RFC 9051 section 6.2.2).
#[must_use]
pub(crate) struct Authenticate {
    exchange: Box<dyn Exchange>,
    spoken: bool,
    /// Whether the first answer may go in the same line (SASL-IR).
    initial: bool,
}

impl Authenticate {
    /// By this exchange.
    pub(crate) fn new(exchange: Box<dyn Exchange>) -> Self {
        Self { exchange, spoken: false, initial: true }
    }

    /// Waits for the server's `+` with the first answer, though SASL-IR is offered: some servers
    /// refuse it.
    pub(crate) fn without_initial_response(mut self) -> Self {
        self.initial = false;
        self
    }

    fn conceal<'a>(&self, message: &[u8], line: &'a mut Line) -> &'a mut Line {
        if self.exchange.conceals_all() {
            line.conceal(message);
        }
        line.conceal(self.exchange.secret().expose().as_bytes())
    }
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticate").field("mechanism", &self.exchange.mechanism()).finish_non_exhaustive()
    }
}

impl Command for Authenticate {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "AUTHENTICATE"
    }

    fn class(&self) -> Class {
        Class::barrier().with_challenges().with_effect(Effect::Login)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("AUTHENTICATE").atom(self.exchange.mechanism());
        // SASL-IR: the first answer in the same line (RFC 4959 section 3).
        if self.initial && self.exchange.is_client_first() && session.can("SASL-IR") {
            let first = self.exchange.step(None)?;
            self.spoken = true;
            let text = Zeroizing::new(if first.is_empty() { "=".to_owned() } else { BASE64.encode(&*first) });
            self.conceal(&first, line).hidden(&text);
        }
        Ok(Flow::Last)
    }

    fn challenge(&mut self, text: &[u8], line: &mut Line) -> Result<()> {
        let challenge = BASE64
            .decode(text.trim_ascii())
            .map_err(|e| Error::protocol("the server's challenge is not base64").because(e))?;
        let first = !std::mem::replace(&mut self.spoken, true);
        let empty = first && self.exchange.is_client_first() && challenge.is_empty();
        let answer = self.exchange.step(if empty { None } else { Some(&challenge) })?;
        let text = Zeroizing::new(BASE64.encode(&*answer));
        self.conceal(&answer, line).hidden(&text);
        Ok(())
    }

    fn awaits_challenge(&self) -> bool {
        !self.exchange.is_over()
    }

    fn finish(mut self, _: Done, _: Vec<()>) -> Result<()> {
        self.exchange.accepted()
    }
}

/// `STARTTLS`: asks for encryption; after its OK the connection uses TLS (RFC 9051 section 6.2.1).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct StartTls;

impl Command for StartTls {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "STARTTLS"
    }

    fn class(&self) -> Class {
        Class::barrier().with_effect(Effect::StartTls)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("STARTTLS") {
            return Err(Error::new(ErrorKind::Tls, "the server does not offer it"));
        }
        line.word("STARTTLS");
        Ok(Flow::Last)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}
