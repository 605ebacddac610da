//! What a server says of a mailbox when it is opened, beyond counts and UIDs.
//!
//! In: the untagged data and the codes with which SELECT is answered (RFC 9051 section 6.3.2), and
//! what the server says of flags later. Out: the same by name; what has no name here is kept as it
//! came.

use super::annotation::AnnotationSupport;
use super::answer::Answer;
use super::code::Code;
use super::flag::{Flag, Flags};
use super::mailbox::ListEntry;
use super::number::Seq;
use super::status::StatusResponse;

/// What the server has said of a selected mailbox beyond counts and UIDs: from
/// [`Mailbox::properties`](crate::Mailbox::properties).
///
/// ```no_run
/// # use imap_duplex::{types::Flag, Mailbox};
/// # fn example(inbox: &Mailbox) {
/// let properties = inbox.properties();
/// if !properties.keeps(&Flag::from("$Work")) {
///     println!("{} has no room for labels of one's own", inbox.name());
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxProperties {
    /// The flags that its messages can have or have: `FLAGS` (RFC 9051 section 7.3.5).
    pub flags: Flags,
    /// Those that last beyond the session: `PERMANENTFLAGS`. [`Flag::Wildcard`] among them means
    /// that new keywords can be made. `None`: the server does not say, and all of them last.
    pub permanent_flags: Option<Flags>,
    /// How many messages no session had seen before: `RECENT`, which IMAP4rev2 servers don't send.
    pub recent: Option<u32>,
    /// The number of the first unseen message when it was opened: `UNSEEN`. IMAP4rev2 servers don't
    /// send it; a search tells it at any time.
    pub first_unseen: Option<Seq>,
    /// What identifies the mailbox whatever its name: `MAILBOXID` (RFC 8474).
    pub mailbox_id: Option<String>,
    /// What annotations its messages can have: `ANNOTATIONS` (RFC 5257).
    pub annotations: Option<AnnotationSupport>,
    /// Its name and attributes as in a list, where the server answers SELECT with them (RFC 9051
    /// section 6.3.2).
    pub entry: Option<Box<ListEntry>>,
    /// What else its SELECT was answered with, as it came: `OK [UIDNOTSTICKY] …`, `OK [NOMODSEQ] …`
    /// and codes that this library does not know. Of very many the first ones; the others are
    /// [notices](crate::types::EventKind::Notice).
    pub other: Vec<StatusResponse>,
}

impl MailboxProperties {
    /// How much of `other` is kept.
    pub(crate) const MAX_OTHER: usize = 32;

    /// Whether the server says that this flag lasts when it is set: what does not is ignored by the
    /// server, or forgotten at the end of the session (RFC 9051 section 7.1, `PERMANENTFLAGS`). In
    /// a mailbox that is opened [read-only](crate::Mailbox::is_read_only) none can be set, whatever
    /// lasts.
    ///
    /// ```
    /// use imap_duplex::types::{Flag, MailboxProperties};
    /// let unknown = MailboxProperties::default();
    /// assert!(unknown.keeps(&Flag::Seen) && !unknown.keeps(&Flag::Recent));
    /// ```
    #[must_use]
    pub fn keeps(&self, flag: &Flag) -> bool {
        let is_new_keyword = |flags: &Flags| {
            let is_keyword = !matches!(flag, Flag::Wildcard) && !flag.as_str().starts_with('\\');
            is_keyword && flags.contains(&Flag::Wildcard)
        };
        // No client can set or clear it (RFC 3501 section 2.3.2).
        *flag != Flag::Recent
            && self.permanent_flags.as_ref().is_none_or(|flags| flags.contains(flag) || is_new_keyword(flags))
    }

    /// Untagged data that belongs to a SELECT.
    pub(crate) fn learn(&mut self, answer: &Answer) {
        match answer {
            Answer::Flags(flags) => self.flags = flags.clone(),
            Answer::Recent(count) => self.recent = Some(*count),
            Answer::List(entry) => self.entry = Some(entry.clone()),
            _ => {}
        }
    }

    /// A code that says something lasting of the mailbox, whenever it comes. Whether it is one.
    pub(crate) fn learn_code(&mut self, code: &Code) -> bool {
        match code {
            Code::PermanentFlags(flags) => self.permanent_flags = Some(flags.clone()),
            Code::MailboxId(id) => self.mailbox_id = Some(id.clone()),
            Code::Annotations(support) => self.annotations = *support,
            _ => return false,
        }
        true
    }

    /// A status response that belongs to a SELECT.
    pub(crate) fn learn_status(&mut self, status: &StatusResponse) {
        let Some(code) = &status.code else { return };
        match code {
            Code::Unseen(seq) => self.first_unseen = *seq,
            code if self.learn_code(code) => {}
            code if Self::is_other(code) && self.other.len() < Self::MAX_OTHER => {
                self.other.push(status.clone());
            }
            _ => {}
        }
    }

    /// Whether a code is kept among the others, since nothing else tells it.
    pub(crate) fn is_other(code: &Code) -> bool {
        !matches!(
            code,
            Code::Alert
                | Code::Annotations(_)
                | Code::Capability(_)
                | Code::Closed
                | Code::HighestModSeq(_)
                | Code::InProgress(_)
                | Code::MailboxId(_)
                | Code::MessageLimit { .. }
                | Code::PermanentFlags(_)
                | Code::ReadOnly
                | Code::ReadWrite
                | Code::UidNext(_)
                | Code::UidValidity(_)
                | Code::Unseen(_)
        )
    }
}
