//! The end of a command, and the changes that may be reported before it.

use crate::types::{Code, Status, StatusResponse};

/// The pending changes that may be reported at a command's end (RFC 9051 section 7.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allows {
    /// All, including removals.
    All,
    /// No removals: the command names messages by sequence number, and pipelined ones may, too.
    Flags,
}

impl Allows {
    /// For FETCH, STORE, SEARCH and SORT: removals only in their UID form.
    pub(super) fn by(uid: bool) -> Self {
        if uid { Self::All } else { Self::Flags }
    }
}

/// A tagged response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusResponse,
    /// With HIGHESTMODSEQ, if there is no other code and QRESYNC is enabled (RFC 7162 sections
    /// 3.2.7 and 3.2.9).
    pub(super) with_mod_seq: bool,
}

impl Reply {
    fn new(status: Status, code: Option<Code>, text: impl Into<String>) -> Self {
        Self { status: StatusResponse::new(status, code, text), with_mod_seq: false }
    }

    pub(super) fn ok(text: impl Into<String>) -> Self {
        Self::new(Status::Ok, None, text)
    }

    pub(super) fn ok_with(code: Code, text: impl Into<String>) -> Self {
        Self::new(Status::Ok, Some(code), text)
    }

    pub(crate) fn no(code: Option<Code>, text: impl Into<String>) -> Self {
        Self::new(Status::No, code, text)
    }

    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(Status::Bad, None, text)
    }

    pub(super) fn bad_with(code: Code, text: impl Into<String>) -> Self {
        Self::new(Status::Bad, Some(code), text)
    }

    pub(super) fn with_mod_seq(self) -> Self {
        Self { with_mod_seq: true, ..self }
    }
}

/// A command's end, or why it is refused; both are sent as its answer.
pub(super) type Done = Result<Reply, Reply>;

/// The reply in either case.
pub(super) fn either(done: Done) -> Reply {
    done.unwrap_or_else(|reply| reply)
}
