//! What servers in the field do otherwise than most, each as a mode of its own: so that a program
//! can be tried on it without that server. In go the modes, out come the questions that a session
//! asks before it does something.

use std::collections::BTreeSet;

use super::log::LoggedCommand;
use crate::types::{ListEntry, MailboxName, Section};
use crate::wire::respond::utf7;

/// One thing that a server does otherwise than most; for [`Builder::quirk`](super::Builder::quirk).
///
/// ```
/// use imap_duplex::testing::{Quirk, Server};
/// let server = Server::builder().quirk(Quirk::IdleNeedsMailbox).quirk(Quirk::EarlyExpunge).start();
/// # let _ = server;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Stalwart, with IMAP4rev2: LIST names a mailbox that is not ASCII twice, the second time in
    /// modified UTF-7 as its `OLDNAME`, though it was never renamed (RFC 9051 section 6.3.9.7).
    OldNames,
    /// pymap: the names in `HEADER.FIELDS` come back in capitals and in the order of the alphabet.
    SortedHeaderFields,
    /// BAD to a command that names 4294967295, the highest UID that there can be.
    RefusesHighestUid,
    /// asimap and twisted: no answer at all to a command that names 4294967295.
    HangsOnHighestUid,
    /// hoodiecrow and asimap: EXPUNGE comes with any command, with those that name messages by
    /// number too, which RFC 9051 section 7.5.1 forbids.
    EarlyExpunge,
    /// Stalwart and the memory server of go-imap: what others did to flags before IDLE began is
    /// never told.
    ForgetfulIdle,
    /// Servers that keep to the words of RFC 2177: BAD to IDLE while no mailbox is selected.
    IdleNeedsMailbox,
    /// Cyrus: NO to STORE, EXPUNGE and MOVE in a mailbox that is open for reading alone. Without it
    /// they get what Dovecot says, OK: STORE and EXPUNGE do nothing, and MOVE moves.
    RefusesReadOnly,
    /// CAPABILITY without any word that begins with `IMAP4`.
    NamelessProtocol,
    /// FLAGS names a keyword that has a control byte.
    ControlInKeyword,
    /// A certificate as `openssl req -x509` makes it: it has signed itself, and says that it is an
    /// authority.
    SelfSigned,
    /// The NO to a login says again what it was sent, the password too.
    EchoesLogin,
    /// No way to log in but `XOAUTH2`, which this server refuses.
    OnlyXoauth2,
    /// Any server's port for TLS, spoken to in the clear: not a word, as it waits for the client to
    /// begin TLS.
    SilentInClear,
}

/// The modes of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quirks(BTreeSet<Quirk>);

impl Quirks {
    pub(crate) fn add(&mut self, quirk: Quirk) {
        self.0.insert(quirk);
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }

    /// The capabilities of somebody who has logged in or not.
    pub(crate) fn change_capabilities(&self, names: &mut Vec<String>, logged_in: bool) {
        if self.has(Quirk::NamelessProtocol) {
            names.retain(|name| !name.starts_with("IMAP4"));
        }
        if self.has(Quirk::OnlyXoauth2) && !logged_in {
            names.push("AUTH=XOAUTH2".to_owned());
        }
    }

    /// What LIST says of a mailbox to a client that reads UTF-8.
    pub(crate) fn change_entry(&self, entry: &mut ListEntry) {
        if self.has(Quirk::OldNames) && !entry.name.as_str().is_ascii() {
            let encoded = String::from_utf8_lossy(&utf7(entry.name.as_str())).into_owned();
            entry.old_name = Some(MailboxName::new(encoded));
        }
    }

    /// The section as the answer names it.
    pub(crate) fn answered(&self, section: &Section) -> Section {
        let (Section::HeaderFields(fields), true) = (section, self.has(Quirk::SortedHeaderFields)) else {
            return section.clone();
        };
        let names: BTreeSet<String> = fields.names().map(str::to_ascii_uppercase).collect();
        if fields.is_not() { Section::header_fields_not(names) } else { Section::header_fields(names) }
    }

    /// Whether this command is not to be done, for what it names; if so, whether it is answered.
    pub(crate) fn refuses(&self, command: &LoggedCommand) -> Option<bool> {
        let names_it = command.name != "APPEND" && command.line.contains("4294967295");
        match (names_it, self.has(Quirk::HangsOnHighestUid), self.has(Quirk::RefusesHighestUid)) {
            (true, true, _) => Some(false),
            (true, _, true) => Some(true),
            _ => None,
        }
    }
}
