//! What is offered before the login, tried on connections of their own, so that the one on which
//! all else is tried is not in danger.
//!
//! Passwords go no other way than the command line allows: each login is encrypted if the first one
//! was. No password is sent where none is needed.

use imap_duplex::{
    Config, Error, Mechanism, OwnMechanism, Result, SaslExchange, SaslMechanism, SaslPlace, Sent,
};

use crate::checks::{Outcome, count, says_later};
use crate::support::auth::Means;
use crate::support::failure::Failure;
use crate::support::server::Server;
use crate::trials::beside;
use crate::trips;

/// Who logs in anonymously; and with the command LOGIN where that is not to be sent.
const STRANGER: &str = "imap-duplex-probe";

/// The capabilities before the login.
pub(crate) struct Offered {
    /// Without encryption; none if the connection is encrypted from the start.
    clear: Vec<String>,
    /// As the connection is when someone logs in.
    ready: Vec<String>,
    /// Someone is logged in from the start: the greeting is PREAUTH.
    is_preauth: bool,
}

/// What is said of a capability, if nothing is wrong.
enum Said {
    Worked(String),
    Skipped(String),
}

/// Asks for the capabilities. Without a login.
pub(crate) async fn offered(server: &Server) -> Result<Offered, Failure> {
    let capabilities = async |config: Config| {
        let imap = beside(server, config.compress(false)).await.map_err(|error| server.explain(&error))?;
        let names = imap.capabilities().iter().map(str::to_owned).collect();
        // Refused, unsent, where no one is logged in.
        let is_preauth = imap.list("").await.is_ok();
        let _ = imap.logout().await;
        Ok::<(Vec<String>, bool), Failure>((names, is_preauth))
    };
    let clear = match server.is_tls() {
        true => Vec::new(),
        false => capabilities(server.no_login.clone().plaintext()).await?.0,
    };
    let (ready, is_preauth) = capabilities(server.no_login.clone()).await?;
    Ok(Offered { clear, ready, is_preauth })
}

impl Offered {
    /// Each once, in the server's order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = self.clear.clone();
        names.extend(self.ready.iter().filter(|name| !has(&self.clear, name)).cloned());
        names
    }
}

fn has(names: &[String], wanted: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(wanted))
}

/// Whether it is about the login, which is over when all else is tried.
pub(crate) fn is_of_login(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("AUTH=")
        || matches!(&*name, "STARTTLS" | "SASL-IR" | "LOGINDISABLED" | "LOGIN-REFERRALS")
}

/// Tries a capability that is offered before the login.
pub(crate) async fn try_out(server: &Server, offered: &Offered, name: &str) -> (&'static str, Outcome) {
    trips::take();
    let name = name.to_ascii_uppercase();
    let (command, said) = match &*name {
        _ if !has(&offered.clear, &name) && !has(&offered.ready, &name) => {
            ("", Ok(Said::Skipped("it is there after the login alone, when it says nothing".to_owned())))
        }
        "STARTTLS" => ("STARTTLS", encrypt(server).await),
        name if offered.is_preauth && is_of_login(name) => {
            ("", Ok(Said::Skipped("the server takes no login: its greeting is PREAUTH".to_owned())))
        }
        "SASL-IR" => ("AUTHENTICATE", first_in_line(server, offered).await),
        "LOGINDISABLED" => ("LOGIN", refused(server, offered).await),
        "LOGIN-REFERRALS" => ("AUTHENTICATE", log_in(server, server.config.clone()).await),
        "ID" => ("ID", identify(server).await),
        _ => match name.strip_prefix("AUTH=") {
            Some(mechanism) => ("AUTHENTICATE", authenticate(server, offered, mechanism).await),
            None => ("", Ok(Said::Skipped("it is there before the login alone".to_owned()))),
        },
    };
    let round_trips = trips::take();
    let outcome = match said {
        Ok(Said::Worked(answer)) => Outcome::Worked { round_trips, answer },
        Ok(Said::Skipped(why)) => Outcome::Skipped { why },
        // Which says nothing of the capability.
        Err(error) if says_later(&error) => Outcome::Skipped { why: format!("{error:#}") },
        Err(error) => Outcome::Failed { round_trips, why: format!("{error:#}") },
    };
    (command, outcome)
}

/// Without a login: what is offered then is what counts.
async fn encrypt(server: &Server) -> Result<Said> {
    let imap = beside(server, server.no_login.clone().starttls()).await?;
    let known = imap.capabilities().iter().count();
    imap.logout().await?;
    Ok(Said::Worked(format!("encrypted, with {}", count(known, "capability", "capabilities"))))
}

async fn identify(server: &Server) -> Result<Said> {
    let imap = beside(server, server.no_login.clone()).await?;
    let id = imap.id(imap_duplex::command::Id::nothing()).await?;
    imap.logout().await?;
    Ok(Said::Worked(count(id.len(), "field", "fields")))
}

async fn log_in(server: &Server, config: Config) -> Result<Said> {
    beside(server, config).await?.logout().await?;
    Ok(Said::Worked("logged in".to_owned()))
}

/// Logs in by this mechanism, if there is what it needs.
async fn authenticate(server: &Server, offered: &Offered, name: &str) -> Result<Said> {
    let skip = |why: &str| Ok(Said::Skipped(why.to_owned()));
    let Ok(mechanism) = name.parse::<Mechanism>() else {
        return skip("the library has no code for it: it takes a `SaslMechanism` of one's own");
    };
    if !has(&offered.ready, &format!("AUTH={name}")) {
        return skip("it is offered without encryption alone, and this login is encrypted");
    }
    let config = match by(server, mechanism) {
        Ok(config) => config,
        Err(why) => return skip(why),
    };
    match log_in(server, config).await {
        Err(error) if may_be_refused(mechanism, &error) => {
            let why = match error.status() {
                Some(_) if mechanism == Mechanism::External => "the certificate may be no user's",
                Some(_) => "the server may not keep this user's password in the form that it needs",
                None => "it can't be used here",
            };
            Ok(Said::Skipped(format!("{why}: {error:#}")))
        }
        tried => tried,
    }
}

/// Whether a refusal is no fault. A server offers mechanisms before it knows who logs in: of
/// some users it has no hash for SCRAM, and to some certificates there is no user. And it does not
/// know what binds a login at the client.
fn may_be_refused(mechanism: Mechanism, error: &Error) -> bool {
    let name = mechanism.name();
    let is_no = error.status().is_some_and(|status| status.status == imap_duplex::types::Status::No);
    match error.status() {
        Some(_) => is_no && (name.starts_with("SCRAM-") || mechanism == Mechanism::External),
        None => name.ends_with("-PLUS") && error.sent() == Sent::No && error.close_reason().is_none(),
    }
}

/// Who logs in by this mechanism; or why it is not tried.
fn by(server: &Server, mechanism: Mechanism) -> Result<Config, &'static str> {
    let (config, user) = (server.no_login.clone().mechanism(mechanism), server.user.clone());
    match (mechanism, &server.means) {
        (Mechanism::Anonymous, _) => Ok(config.anonymous(STRANGER)),
        (Mechanism::External, Means::Certificate) => Ok(config.external((!user.is_empty()).then_some(user))),
        (Mechanism::External, _) if config.has_client_certificate() => Ok(config.external(user)),
        (Mechanism::External, _) => Err("it needs a client certificate, and none is given"),
        (Mechanism::OauthBearer | Mechanism::Xoauth2, Means::Token(token)) => {
            Ok(config.token(user, token.clone()))
        }
        (Mechanism::OauthBearer | Mechanism::Xoauth2, _) => Err("it needs a token, and none is given"),
        (_, Means::Password(password)) => Ok(config.login(user, password.clone())),
        _ => Err("it needs a password, and none is given"),
    }
}

/// Logs in with the first message in the line of the command, and without if it can: what the
/// library does by itself where the server refuses the message is no success.
async fn first_in_line(server: &Server, offered: &Offered) -> Result<Said> {
    use Mechanism::{OauthBearer, Plain, ScramSha1, ScramSha256, Xoauth2};
    let is_offered = |one: &Mechanism| has(&offered.ready, &format!("AUTH={one}"));
    let all = [Plain, Xoauth2, OauthBearer, ScramSha256, ScramSha1];
    let usable = all.into_iter().filter(is_offered).find_map(|one| Some((one, by(server, one).ok()?)));
    let Some((mechanism, config)) = usable else {
        return Ok(Said::Skipped("no mechanism by which the client speaks first can be used".to_owned()));
    };
    if mechanism != Plain {
        log_in(server, config).await?;
        return Ok(Said::Worked(format!("logged in by {mechanism}")));
    }
    let Means::Password(password) = &server.means else {
        return Ok(Said::Skipped("no password is given".to_owned()));
    };
    log_in(server, config).await?;
    let with = trips::so_far();
    let late = LatePlain { user: server.user.clone(), password: password.clone() };
    log_in(server, server.no_login.clone().sasl(OwnMechanism::from(late))).await?;
    let without = trips::so_far() - with;
    if with < without {
        return Ok(Said::Worked(format!("{mechanism} in {with} round trips, without it {without}")));
    }
    Err(Error::protocol(format!(
        "the first message in the line saves nothing: {with} round trips, {without}"
    )))
}

/// LOGIN is not to be sent, and the library does not: what it would send is no password.
async fn refused(server: &Server, offered: &Offered) -> Result<Said> {
    let config = server.no_login.clone();
    let config = if has(&offered.ready, "LOGINDISABLED") { config } else { config.plaintext() };
    let imap = beside(server, config).await?;
    let refused = imap.login(STRANGER, "").await;
    let end = imap.logout().await;
    match refused {
        Err(error) if error.sent() == Sent::No => end.map(|()| Said::Worked("no LOGIN is sent".to_owned())),
        Err(error) => Err(error),
        Ok(_) => Err(Error::protocol("the server takes LOGIN all the same")),
    }
}

/// PLAIN, as if the server spoke first: what is in the line of the command with SASL-IR comes after
/// it.
struct LatePlain {
    user: String,
    password: imap_duplex::command::Secret,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl SaslMechanism for LatePlain {
    fn name(&self) -> &str {
        "PLAIN"
    }

    fn user(&self) -> Option<&str> {
        Some(&self.user)
    }

    fn begin(&self, _: &SaslPlace) -> Result<Box<dyn SaslExchange>, BoxError> {
        let message = format!("\0{}\0{}", self.user, self.password.expose());
        Ok(Box::new(OneMessage(Some(message))))
    }
}

struct OneMessage(Option<String>);

impl SaslExchange for OneMessage {
    fn step(&mut self, _: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self.0.take().unwrap_or_default().into_bytes())
    }

    fn is_done(&self) -> bool {
        self.0.is_none()
    }
}
