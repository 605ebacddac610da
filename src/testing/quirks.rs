//! Deviating behaviours of servers in the field, each as a mode of its own, so that a program can
//! be tested with them without that server. In: the modes. Out: answers to a session's questions.

use std::collections::BTreeSet;

use super::log::LoggedCommand;
use crate::types::{ListEntry, MailboxName, Section};
use crate::wire::respond::utf7;

/// A deviating behaviour of some server; for [`Builder::quirk`](super::Builder::quirk).
///
/// ```
/// use imap_duplex::testing::{Quirk, Server};
/// let server = Server::builder().quirk(Quirk::IdleNeedsMailbox).quirk(Quirk::EarlyExpunge).start();
/// # let _ = server;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Stalwart, with IMAP4rev2: LIST names a mailbox that is not ASCII twice, the second time with
    /// the modified UTF-7 form as its `OLDNAME`, though it was never renamed (RFC 9051 section
    /// 6.3.9.7).
    OldNames,
    /// pymap: the names in `HEADER.FIELDS` are returned in capitals and in alphabetical order.
    SortedHeaderFields,
    /// BAD to a command that names 4294967295, the highest possible UID.
    RefusesHighestUid,
    /// asimap and twisted: no answer at all to a command that names 4294967295.
    HangsOnHighestUid,
    /// hoodiecrow and asimap: EXPUNGE is sent during any command, even those that name messages by
    /// sequence number, which RFC 9051 section 7.5.1 forbids.
    EarlyExpunge,
    /// Stalwart and the memory server of go-imap: changes of flags by others before IDLE began are
    /// never reported.
    ForgetfulIdle,
    /// Dovecot, for half a second and more: what others change is found at the end of a command,
    /// and reported with its answer; not before it, nor in IDLE or at its end. So a command by UID
    /// passes over messages that have come meanwhile, and is answered OK.
    LateSync,
    /// Dovecot, when two sessions do it at one moment: flags that another session changes while a
    /// FETCH or NOOP of this one runs are not reported to it, in that answer or later.
    /// HIGHESTMODSEQ says that there are, and FETCH finds them.
    FetchHidesFlags,
    /// Servers that follow RFC 2177 literally: BAD to IDLE while no mailbox is selected.
    IdleNeedsMailbox,
    /// Cyrus: NO to STORE, EXPUNGE and MOVE in a mailbox opened read-only. By default the answer is
    /// Dovecot's OK: STORE and EXPUNGE do nothing, and MOVE moves.
    RefusesReadOnly,
    /// CAPABILITY without any name that begins with `IMAP4`.
    NamelessProtocol,
    /// FLAGS with a keyword that contains a control byte.
    ControlInKeyword,
    /// A certificate as `openssl req -x509` makes it: self-signed, and marked as an authority.
    SelfSigned,
    /// The NO to a login repeats the arguments, including the password.
    EchoesLogin,
    /// The only way to log in is `XOAUTH2`, which this server refuses.
    OnlyXoauth2,
    /// SASL-IR is advertised, and a first answer in the line of AUTHENTICATE is answered with BAD.
    RefusesInitialResponse,
    /// Cyrus: SCRAM with -PLUS is offered over TLS 1.3, and knows only the binding `tls-unique`,
    /// which that does not have. Another one is refused without a word, once the proof has been
    /// sent.
    OnlyTlsUnique,
    /// The server's signature in SCRAM is wrong, as of one that does not know the password.
    ForgedSignature,
    /// 163.com: SELECT without UIDNEXT.
    NoUidNext,
    /// SELECT without UIDVALIDITY: UIDs mean nothing beyond the session.
    NoUidValidity,
    /// A TLS port used without TLS: no greeting, since the server waits for the client's handshake.
    SilentInClear,
}

/// The quirks of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quirks(BTreeSet<Quirk>);

impl Quirks {
    pub(crate) fn add(&mut self, quirk: Quirk) {
        self.0.insert(quirk);
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }

    /// Changes the capabilities before or after login.
    pub(crate) fn change_capabilities(&self, names: &mut Vec<String>, logged_in: bool) {
        if self.has(Quirk::NamelessProtocol) {
            names.retain(|name| !name.starts_with("IMAP4"));
        }
        if self.has(Quirk::OnlyXoauth2) && !logged_in {
            names.push("AUTH=XOAUTH2".to_owned());
        }
    }

    /// Changes the LIST entry of a mailbox for a client that reads UTF-8.
    pub(crate) fn change_entry(&self, entry: &mut ListEntry) {
        if self.has(Quirk::OldNames) && !entry.name.as_str().is_ascii() {
            let encoded = String::from_utf8_lossy(&utf7(entry.name.as_str())).into_owned();
            entry.old_name = Some(MailboxName::exact(encoded));
        }
    }

    /// The section as named in the answer.
    pub(crate) fn answered(&self, section: &Section) -> Section {
        let (Section::HeaderFields(fields), true) = (section, self.has(Quirk::SortedHeaderFields)) else {
            return section.clone();
        };
        let names: BTreeSet<String> = fields.names().map(str::to_ascii_uppercase).collect();
        if fields.is_not() { Section::header_fields_not(names) } else { Section::header_fields(names) }
    }

    /// Whether this command is refused because of what it names; if so, whether it is answered.
    pub(crate) fn refuses(&self, command: &LoggedCommand) -> Option<bool> {
        let names_it = command.name != "APPEND" && command.line.contains("4294967295");
        match (names_it, self.has(Quirk::HangsOnHighestUid), self.has(Quirk::RefusesHighestUid)) {
            (true, true, _) => Some(false),
            (true, _, true) => Some(true),
            _ => None,
        }
    }
}
