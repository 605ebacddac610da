//! What a command may know of the session when it is written: capabilities and what is switched on.

use std::collections::HashMap;

use crate::types::{Capabilities, CommandId, Event, EventKind, MailboxName, MailboxStatus};

/// How many mailboxes' limits are kept.
const MAX_LIMITS: usize = 1000;
/// How long the name of such a mailbox may be.
const MAX_NAME_LEN: usize = 1000;

/// How many results of searches are kept up to date: more than servers allow.
const MAX_UPDATED: usize = 1000;

/// How many extensions are known as enabled: more than there are. A server could name others
/// without end.
const MAX_ENABLED: usize = 100;

/// Whether the server takes the parameters of SELECT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SelectParams {
    #[default]
    Untried,
    Taken,
    /// It has refused some, and taken a SELECT without.
    Refused,
}

/// Whether someone is logged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LoginState {
    /// The connection is being made.
    #[default]
    Unknown,
    LoggedIn,
    /// No login was asked for, or UNAUTHENTICATE has ended it.
    NotLoggedIn,
}

/// The session as it is when a line is about to be sent.
#[derive(Clone, Debug, Default)]
pub struct Session {
    pub(crate) capabilities: Capabilities,
    /// Those that are taken for missing, whatever the server says.
    pub(crate) ignored: Vec<String>,
    /// How often the server has reported them.
    pub(crate) capabilities_epoch: u64,
    pub(crate) enabled: Vec<String>,
    /// The longest line that a set of messages may make.
    pub(crate) command_line: usize,
    pub(crate) select_params: SelectParams,
    /// The server has answered a later command before an earlier one that had asked for the same.
    pub(crate) out_of_order: bool,
    /// How many messages a mailbox may have.
    pub(crate) messages: u32,
    /// Searches whose results the server keeps up to date, with their tags.
    pub(crate) updated: Vec<(CommandId, String)>,
    /// Searches in flight for which the server has refused that.
    pub(crate) updates_refused: Vec<CommandId>,
    /// Both directions are compressed.
    pub(crate) compressed: bool,
    /// UNAUTHENTICATE has been written: what is sent is compressed no more (RFC 8437 section 4.1).
    pub(crate) ends_compression: bool,
    /// Whether someone is logged in.
    pub(crate) login: LoginState,
    /// Passwords may go over this connection: it is encrypted, leads to this very machine, or the
    /// user allows it.
    pub(crate) takes_passwords: bool,
    /// The mailbox that a command is about to leave was opened by EXAMINE: CLOSE removes nothing.
    pub(crate) examined: bool,
    /// The largest message that single mailboxes accept, as STATUS last reported.
    pub(crate) append_limits: HashMap<MailboxName, u64>,
}

impl Session {
    /// Those that the server had may hold no longer.
    pub(crate) fn forget_capabilities(&mut self) {
        self.capabilities = Capabilities::default();
    }

    /// UNAUTHENTICATE has succeeded: all but the capabilities is as it was before the login (RFC
    /// 8437 section 4.1).
    pub(crate) fn on_logged_out(&mut self) {
        self.enabled.clear();
        self.updated.clear();
        self.append_limits.clear();
        self.login = LoginState::NotLoggedIn;
        // RFC 8437 section 4.1.
        (self.compressed, self.ends_compression) = (false, false);
    }

    /// Whether the server has this capability: `MOVE`, `UIDPLUS`, `AUTH=PLAIN`. What IMAP4rev2
    /// contains is included once ENABLE has switched that on, or where the server has IMAP4rev2
    /// alone.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        let is_in_rev2 = || is_in_rev2(capability) && !self.ignores(capability);
        self.capabilities.has(capability) || self.is_rev2() && is_in_rev2()
    }

    /// Whether this capability is taken for missing, with a value or without. Where the server
    /// takes no passwords, none is sent.
    fn ignores(&self, capability: &str) -> bool {
        let name = capability.split_once('=').map_or(capability, |(name, _)| name);
        let is_it =
            |ignored: &String| ignored.eq_ignore_ascii_case(capability) || ignored.eq_ignore_ascii_case(name);
        self.ignored.iter().any(is_it) && !capability.eq_ignore_ascii_case("LOGINDISABLED")
    }

    /// What the server says that it can, without what is taken for missing.
    pub(crate) fn without_ignored(&self, all: Capabilities) -> Capabilities {
        if self.ignored.is_empty() {
            return all;
        }
        all.iter().filter(|name| !self.ignores(name)).collect()
    }

    /// The result of this search is kept up to date, and reported by its tag.
    pub(crate) fn keeps_updated(&mut self, search: CommandId, tag: &str) {
        let asked = self.updates_refused.len();
        self.updates_refused.retain(|id| *id != search);
        if self.updates_refused.len() == asked && self.updated.len() < MAX_UPDATED {
            self.updated.push((search, tag.to_owned()));
        }
    }

    /// It will not be: the search itself has not been answered yet.
    pub(crate) fn refuses_updates(&mut self, search: CommandId) {
        if self.updates_refused.len() < MAX_UPDATED {
            self.updates_refused.push(search);
        }
    }

    /// It is no more.
    pub(crate) fn ends_updates(&mut self, search: CommandId) {
        self.updated.retain(|(id, _)| *id != search);
    }

    /// No result is kept up to date any more: the selection has ended.
    pub(crate) fn ends_all_updates(&mut self) {
        self.updated.clear();
    }

    pub(crate) fn updated_tag(&self, search: CommandId) -> Option<&str> {
        self.updated.iter().find(|(id, _)| *id == search).map(|(_, tag)| &**tag)
    }

    /// The search of this tag whose result is kept up to date.
    pub(crate) fn updated_search(&self, tag: &str) -> Option<CommandId> {
        self.updated.iter().find(|(_, known)| known.eq_ignore_ascii_case(tag)).map(|(id, _)| *id)
    }

    /// What the server can do from here on. Whether that has changed.
    pub(crate) fn learn_capabilities(&mut self, all: &Capabilities) -> bool {
        self.capabilities_epoch += 1;
        let is_new = self.capabilities != *all;
        if is_new {
            self.capabilities = all.clone();
        }
        is_new
    }

    /// All reported capabilities.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The largest message in bytes that any mailbox accepts, if the server has reported it (RFC
    /// 7889 section 2).
    #[must_use]
    pub fn append_limit(&self) -> Option<u64> {
        self.capabilities.value("APPENDLIMIT")?.parse().ok()
    }

    /// The largest message in bytes that this mailbox accepts, if the server has reported it: of
    /// the mailbox, by STATUS (RFC 7889 section 3), or of all.
    #[must_use]
    pub fn append_limit_of(&self, mailbox: &MailboxName) -> Option<u64> {
        self.append_limits.get(mailbox).copied().or_else(|| self.append_limit())
    }

    /// A STATUS of a mailbox was received. If it lacks the limit, or has `NIL`, there may be none.
    pub(crate) fn learn_append_limit(&mut self, status: &MailboxStatus) {
        match status.append_limit {
            Some(limit) if status.name.as_str().len() <= MAX_NAME_LEN => {
                if self.append_limits.len() >= MAX_LIMITS {
                    self.append_limits.clear();
                }
                self.append_limits.insert(status.name.clone(), limit);
            }
            _ => {
                self.append_limits.remove(&status.name);
            }
        }
    }

    /// Forgets how large the messages of a mailbox may be that was created, deleted or renamed.
    pub(crate) fn forget_append_limits(&mut self, event: &Event) {
        match (&event.kind, event.mailbox()) {
            (EventKind::MailboxCreated(_) | EventKind::MailboxDeleted, Some(mailbox)) => {
                self.append_limits.remove(mailbox);
            }
            // Those below it have other names, too.
            (EventKind::MailboxRenamed { .. }, _) => self.append_limits.clear(),
            _ => {}
        }
    }

    /// ENABLE has switched these on.
    pub(crate) fn learn_enabled(&mut self, names: Vec<String>) {
        for name in names {
            if self.enabled.len() < MAX_ENABLED && !self.is_enabled(&name) {
                self.enabled.push(name);
            }
        }
    }

    /// Whether ENABLE has switched this on (RFC 9051 section 6.3.1).
    #[must_use]
    pub fn is_enabled(&self, capability: &str) -> bool {
        self.enabled.iter().any(|name| name.eq_ignore_ascii_case(capability))
    }

    /// Whether this session uses IMAP4rev2.
    #[must_use]
    pub fn is_rev2(&self) -> bool {
        self.is_enabled("IMAP4rev2") || self.capabilities.is_rev2_alone()
    }

    /// Whether names and strings go as UTF-8 (RFC 9051 section 5.1, RFC 6855 section 3).
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.is_rev2() || self.is_enabled("UTF8=ACCEPT") || self.is_enabled("UTF8=ONLY")
    }
}

/// What IMAP4rev2 has made its own (RFC 9051 appendix E).
fn is_in_rev2(capability: &str) -> bool {
    const OWN: [&str; 14] = [
        "NAMESPACE",
        "UNSELECT",
        "UIDPLUS",
        "ESEARCH",
        "SEARCHRES",
        "ENABLE",
        "IDLE",
        "SASL-IR",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "MOVE",
        "LITERAL-",
        "SPECIAL-USE",
        "STATUS=SIZE",
    ];
    OWN.iter().any(|own| own.eq_ignore_ascii_case(capability))
}
