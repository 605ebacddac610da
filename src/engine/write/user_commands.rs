//! Lines of users' own commands: verbs that are refused, and verbs that contradict the declared
//! [`Class`].
//!
//! In: the name that was written, and the class by which it was admitted. Out: the error with which
//! it ends, unsent.

use crate::command::{Class, CommandName, FlagUse, LoginState, Messages, Session, UNCLAIMABLE};
use crate::engine::schedule::outside_mailbox;
use crate::error::{Error, Result};

/// What a user's own command may not be: it would change session, selection, notifications or what
/// is kept up to date behind the engine's back. These are all such commands of RFC 9051 and of the
/// extensions in docs/commands.md; what others change is not known.
const RESERVED: [(&str, &str); 17] = [
    (
        "AUTHENTICATE",
        "user and password go into `Config::login`; a mechanism of your own into `Config::sasl`",
    ),
    ("CANCELUPDATE", "`Mailbox::cancel_updates` does it"),
    ("CLOSE", "`Mailbox::close` does it"),
    ("COMPARATOR", "`Sender::comparator` does it"),
    ("COMPRESS", "`Config::compress` does it, or `Sender::compress`"),
    ("DONE", "`Mailbox::idle` is ended by dropping its token"),
    ("ENABLE", "name it in `Config::enable`, or in `Sender::enable`"),
    ("EXAMINE", "`Sender::examine` does it"),
    ("IDLE", "the connection idles by itself; by hand `Mailbox::idle` does it"),
    ("LANGUAGE", "`Sender::language` does it"),
    ("LOGIN", "user and password go into `Config::login`, or into `Sender::login`"),
    ("LOGOUT", "`Sender::logout` does it"),
    ("NOTIFY", "`Sender::notify` does it"),
    ("SELECT", "`Sender::select` does it"),
    ("STARTTLS", "`Config::starttls` does it"),
    ("UNAUTHENTICATE", "`Sender::unauthenticate` does it"),
    ("UNSELECT", "`Mailbox::unselect` does it"),
];

/// What the name of a command obliges its class to say, so that what is sent beside it stays sound.
struct Duty {
    name: &'static str,
    /// It may be answered by one of these.
    answered_by: &'static [&'static str],
    /// It changes messages or their flags.
    changes: bool,
    /// The server may not send EXPUNGE while it runs by number (RFC 9051 section 7.5.1, RFC 5256
    /// section 3).
    expunge_free: bool,
}

const fn duty(name: &'static str, answered_by: &'static [&'static str]) -> Duty {
    Duty { name, answered_by, changes: false, expunge_free: false }
}

impl Duty {
    const fn expunge_free(self) -> Self {
        Self { expunge_free: true, ..self }
    }

    const fn changes(self) -> Self {
        Self { changes: true, ..self }
    }
}

const DUTIES: [Duty; 14] = [
    duty("FETCH", &["FETCH"]).expunge_free(),
    duty("STORE", &["FETCH"]).expunge_free().changes(),
    duty("SEARCH", &["SEARCH", "ESEARCH"]).expunge_free(),
    duty("SORT", &["SORT", "ESEARCH"]).expunge_free(),
    duty("THREAD", &["THREAD"]).expunge_free(),
    duty("EXPUNGE", &[]).changes(),
    duty("MOVE", &[]).changes(),
    duty("REPLACE", &[]).changes(),
    duty("COPY", &[]),
    duty("LIST", &["LIST"]),
    duty("LSUB", &["LSUB"]),
    duty("STATUS", &["STATUS"]),
    duty("ID", &["ID"]),
    duty("CAPABILITY", &["CAPABILITY"]),
];

/// The commands about messages among these, which need a selected mailbox; others say `UID`.
const OF_MESSAGES: usize = 9;

/// Refuses a line of a user's own command that would change the session, or that its class does not
/// fit. `selected`: it was submitted through a mailbox.
pub(crate) fn check(
    name: &CommandName,
    class: &Class,
    selected: bool,
    messages: Option<&Messages>,
) -> Result<()> {
    let CommandName { name, by_uid } = name;
    if let Some((_, instead)) = RESERVED.iter().find(|(reserved, _)| reserved == name) {
        let why = "it can't be sent as a command of your own, for it would change the session unseen";
        return Err(Error::unsupported(why).advise(*instead));
    }
    if let Some(keyword) = class.keywords.iter().find(|keyword| !is_claimable(keyword)) {
        let why = format!("{keyword:?} is no answer that a command can claim: see `Class::answered_by`");
        return Err(Error::invalid(why));
    }
    if class.alone {
        return Ok(());
    }
    let place = DUTIES.iter().position(|duty| duty.name == name);
    if !selected && (*by_uid || place.is_some_and(|place| place < OF_MESSAGES)) {
        return Err(outside_mailbox());
    }
    let duty = place.and_then(|place| DUTIES.get(place));
    let by_number = matches!(messages, Some(Messages::Seqs(_)));
    if !class.may_expunge && (*by_uid && by_number || !duty.is_some_and(|duty| duty.expunge_free)) {
        let why = format!("EXPUNGE may arrive while {name} runs, and its class says that none may");
        return Err(Error::invalid(why).advise("leave out `Class::expunge_free`"));
    }
    duty.map_or(Ok(()), |duty| duty.check(class))
}

/// The commands that are invalid before a login (RFC 9051 section 3, and the RFCs of extensions).
/// Of a name that is not known here the server decides.
const NEED_LOGIN: [&str; 46] = [
    "APPEND",
    "CANCELUPDATE",
    "CHECK",
    "CLOSE",
    "COMPARATOR",
    "COPY",
    "CREATE",
    "DELETE",
    "DELETEACL",
    "ENABLE",
    "ESEARCH",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GENURLAUTH",
    "GETACL",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "IDLE",
    "LIST",
    "LISTRIGHTS",
    "LSUB",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOTIFY",
    "RENAME",
    "REPLACE",
    "RESETKEY",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETMETADATA",
    "SETQUOTA",
    "SORT",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UIDBATCHES",
    "UNAUTHENTICATE",
    "UNSELECT",
    "UNSUBSCRIBE",
    "URLFETCH",
    "XLIST",
];

/// Refuses a command that needs a login where no user is logged in.
pub(crate) fn check_login(name: &CommandName, session: &Session) -> Result<()> {
    let CommandName { name, .. } = name;
    if session.login != LoginState::NotLoggedIn || NEED_LOGIN.binary_search(&&**name).is_err() {
        return Ok(());
    }
    let why = format!("{name} needs a login, and no user is logged in");
    Err(Error::invalid(why).advise("`Config::login` does so while connecting, `Sender::login` by hand"))
}

/// Whether this is the keyword of answers that a command can have.
fn is_claimable(keyword: &str) -> bool {
    let is_keyword = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_lowercase();
    !keyword.is_empty() && keyword.bytes().all(is_keyword) && !UNCLAIMABLE.contains(&keyword)
}

impl Duty {
    fn check(&self, class: &Class) -> Result<()> {
        let Self { name, answered_by, changes, .. } = self;
        let error =
            |why: String| Err(Error::invalid(why).advise("correct the class, or make it a `Class::barrier`"));
        if let Some(first) = answered_by.first()
            && !answered_by.iter().any(|keyword| class.keywords.contains(keyword))
        {
            return error(format!(
                "{name} is answered by {first}: its class must say so by `Class::answered_by`"
            ));
        }
        if *changes && class.flags != FlagUse::Writes {
            return error(format!("{name} changes messages: its class must say so by `Class::writes_flags`"));
        }
        if *changes && class.reads_only {
            return error(format!("{name} changes messages: its class must be a `Class::change`"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The users' list is this one.
    #[test]
    fn all_that_is_refused_is_named_to_users() {
        let text = include_str!("../../command/raw.rs");
        for (name, _) in RESERVED {
            assert!(text.contains(&format!("{name},")) || text.contains(&format!("{name}.")), "{name}");
        }
        assert!(RESERVED.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn what_needs_a_login_can_be_searched() {
        assert!(NEED_LOGIN.is_sorted());
    }
}
