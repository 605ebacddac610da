//! Which commands users may not send by themselves, and what does it instead.

use crate::error::{Error, Result};

/// What a user's own command may not be: it would change session, selection or notifications behind
/// the engine's back.
const RESERVED: [(&str, &str); 14] = [
    ("AUTHENTICATE", "user and password go into `Config::login`; mechanisms of your own are not there yet"),
    ("CLOSE", "`Mailbox::close` does it"),
    ("COMPRESS", "compression is not there yet"),
    ("DONE", "`Mailbox::idle` is ended by dropping its token"),
    ("ENABLE", "name what is to be enabled in `Config::enable`"),
    ("EXAMINE", "`Sender::examine` does it"),
    ("IDLE", "the connection idles by itself; by hand `Mailbox::idle` does it"),
    ("LOGIN", "user and password go into `Config::login`"),
    ("LOGOUT", "`Sender::logout` does it"),
    ("NOTIFY", "`Sender::notify` does it"),
    ("SELECT", "`Sender::select` does it"),
    ("STARTTLS", "`Config::starttls` does it"),
    ("UNAUTHENTICATE", "connect again for another user"),
    ("UNSELECT", "`Mailbox::unselect` does it"),
];

/// Refuses a user's own command that the engine must know of.
pub(in crate::engine) fn check(verb: &str) -> Result<()> {
    let Some((_, instead)) = RESERVED.iter().find(|(reserved, _)| *reserved == verb) else { return Ok(()) };
    let why = "it can't be sent as a command of your own, for it would change the session unseen";
    Err(Error::unsupported(why).advise(*instead))
}
