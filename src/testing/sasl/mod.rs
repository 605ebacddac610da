//! The server's side of the mechanisms: a client's answers in, challenges and the outcome out.
//!
//! ```text
//!   begin ─> Dialogue ── answer ──> challenge, Dialogue
//!                       └──────────> the user's name, or a refusal
//! ```
//!
//! By code of its own, not the client's: a misunderstanding on one side does not hide the same on
//! the other.

mod oauth;
mod scram;
mod turn;

use super::quirks::Quirk;
use super::session::Reply;
use super::world::World;
use crate::types::Code;

pub(super) use scram::Scram;
pub(crate) use turn::Given;
pub use turn::SaslTurn;

/// The SASL mechanisms that the server knows, for
/// [`Builder::mechanisms`](super::Builder::mechanisms).
pub const MECHANISMS: &[&str] = &[
    "PLAIN",
    "LOGIN",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
    "ANONYMOUS",
];

/// Who logs in by ANONYMOUS.
pub(super) const ANONYMOUS: &str = "anonymous";

/// What binds a login to a TLS connection, by the name of its kind.
pub(crate) type Bindings = Vec<(&'static str, Vec<u8>)>;

/// Whether this mechanism shows the password, or a token, to whoever listens.
pub(crate) fn is_clear(mechanism: &str) -> bool {
    matches!(mechanism, "PLAIN" | "LOGIN" | "XOAUTH2" | "OAUTHBEARER")
}

/// Whether it needs something to bind a login to.
pub(crate) fn is_bound(mechanism: &str) -> bool {
    mechanism.ends_with("-PLUS")
}

/// What a session has for a dialogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) bindings: &'a Bindings,
    /// The mechanisms that it offers just now.
    pub(crate) offered: &'a [&'static str],
}

/// What a dialogue waits for.
#[derive(Debug)]
pub(crate) enum Dialogue {
    Plain,
    LoginUser,
    LoginPassword(Vec<u8>),
    /// The token; in the form of XOAUTH2, or of OAUTHBEARER.
    Token {
        is_bearer: bool,
    },
    External,
    Anonymous,
    Scram(Box<Scram>),
    /// One that a test has given, with the answers so far, and the challenge that they have got.
    Given {
        given: Given,
        answers: Vec<Vec<u8>>,
        challenge: Vec<u8>,
    },
    /// An answer without content, before the refusal or the user's name.
    Last(Result<String, Reply>),
}

/// What follows a client's answer.
#[derive(Debug)]
pub(crate) enum Outcome {
    Challenge(Vec<u8>, Dialogue),
    /// The name of the user who is in.
    In(String),
    Refused(Reply),
}

pub(super) fn failed() -> Reply {
    Reply::no(Some(Code::AuthenticationFailed), "Authentication failed")
}

impl Dialogue {
    /// `None`: the mechanism is not known.
    pub(crate) fn begin(mechanism: &str) -> Option<Self> {
        Some(match mechanism {
            "PLAIN" => Self::Plain,
            "LOGIN" => Self::LoginUser,
            "XOAUTH2" => Self::Token { is_bearer: false },
            "OAUTHBEARER" => Self::Token { is_bearer: true },
            "EXTERNAL" => Self::External,
            "ANONYMOUS" => Self::Anonymous,
            _ => Self::Scram(Box::new(Scram::begin(mechanism)?)),
        })
    }

    /// By a mechanism that a test has given.
    pub(crate) fn begin_given(given: Given) -> Self {
        match given.turn(&[]) {
            SaslTurn::Challenge(challenge) => Self::Given { given, answers: Vec::new(), challenge },
            SaslTurn::Accept(user) => Self::Last(Ok(user)),
            SaslTurn::Refuse => Self::Last(Err(failed())),
        }
    }

    /// What the server says first.
    pub(crate) fn prompt(&self) -> &[u8] {
        match self {
            Self::LoginUser => b"Username:",
            Self::Given { challenge, .. } => challenge,
            _ => b"",
        }
    }

    /// What follows this answer of the client.
    pub(crate) fn step(self, world: &mut World, place: Place<'_>, answer: &[u8]) -> Outcome {
        let done = match self {
            Self::Plain => plain(world, answer),
            Self::LoginUser => {
                return Outcome::Challenge(b"Password:".to_vec(), Self::LoginPassword(answer.to_vec()));
            }
            Self::LoginPassword(user) => check(world, &user, answer),
            Self::Token { is_bearer } => return oauth::step(world, is_bearer, answer),
            Self::External => external(world, answer),
            Self::Anonymous => {
                if !world.users.contains_key(ANONYMOUS) {
                    world.add_user(ANONYMOUS, "");
                }
                Ok(ANONYMOUS.to_owned())
            }
            Self::Scram(scram) => return scram.step(world, place, answer),
            Self::Given { given, mut answers, .. } => {
                answers.push(answer.to_vec());
                match given.turn(&answers) {
                    SaslTurn::Challenge(challenge) => {
                        let next = Self::Given { given, answers, challenge: challenge.clone() };
                        return Outcome::Challenge(challenge, next);
                    }
                    SaslTurn::Accept(user) => {
                        if !world.users.contains_key(&user) {
                            world.add_user(&user, "");
                        }
                        Ok(user)
                    }
                    SaslTurn::Refuse => Err(failed()),
                }
            }
            Self::Last(done) => done,
        };
        match done {
            Ok(user) => Outcome::In(user),
            Err(reply) => Outcome::Refused(reply),
        }
    }
}

/// The password of a user, who is added if any is taken.
fn password(world: &mut World, user: &[u8]) -> Option<(String, String)> {
    let name = std::str::from_utf8(user).ok().filter(|name| !name.is_empty())?;
    if let Some(any) = world.settings.any_user.clone().filter(|_| !world.users.contains_key(name)) {
        world.add_user(name, &any);
    }
    let user = world.users.get(name)?;
    Some((name.to_owned(), user.password.clone()))
}

/// Checks a user's name and password.
pub(crate) fn check(world: &mut World, user: &[u8], given: &[u8]) -> Result<String, Reply> {
    // An unknown user is added only with the right password.
    let any = world.settings.any_user.clone().filter(|any| any.as_bytes() == given);
    let is_known = std::str::from_utf8(user).is_ok_and(|name| world.users.contains_key(name));
    if (is_known || any.is_some())
        && let Some((name, password)) = password(world, user)
        && password.as_bytes() == given
    {
        return Ok(name);
    }
    let Reply { status, .. } = failed();
    let mut text = status.text;
    if world.settings.quirks.has(Quirk::EchoesLogin) {
        let said = [user, given].map(String::from_utf8_lossy);
        text = format!("{text}: LOGIN {} {}", said[0], said[1]);
    }
    Err(Reply::no(Some(Code::AuthenticationFailed), text))
}

/// `[authzid] NUL authcid NUL passwd` (RFC 4616 section 2).
fn plain(world: &mut World, answer: &[u8]) -> Result<String, Reply> {
    let mut parts = answer.split(|b| *b == 0);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(act_as), Some(user), Some(password), None) => {
            let user = check(world, user, password)?;
            acting(world, user, act_as)
        }
        _ => Err(Reply::bad("Not a valid PLAIN response")),
    }
}

/// The user as whom this one, who is in, may act: as no other, unless it is a master user.
fn acting(world: &World, user: String, act_as: &[u8]) -> Result<String, Reply> {
    if act_as.is_empty() || act_as == user.as_bytes() {
        return Ok(user);
    }
    let other = std::str::from_utf8(act_as).ok().filter(|other| world.users.contains_key(*other));
    match other.filter(|_| world.settings.masters.contains(&user)) {
        Some(other) => Ok(other.to_owned()),
        None => Err(Reply::no(Some(Code::AuthorizationFailed), "Proxy authorization is not permitted")),
    }
}

/// An optional user to act as (RFC 4422 appendix A).
fn external(world: &World, answer: &[u8]) -> Result<String, Reply> {
    match &world.settings.external {
        Some(user) if !world.users.contains_key(user) => Err(failed()),
        Some(user) => acting(world, user.clone(), answer),
        None => Err(failed()),
    }
}
