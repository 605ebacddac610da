//! SEARCH, SORT and THREAD: which messages match a search key (RFC 9051 section 6.4.4 and its
//! extensions), their order and their threads (RFC 5256). In: keys parsed by `wire::request`, and
//! messages as [`Candidate`]s.

mod collation;
mod gmail;
mod sort;
mod subject;
#[cfg(test)]
mod tests;
mod thread;

pub(crate) use collation::Collation;
pub(crate) use gmail::{number_of, search as gmail_search};
pub(crate) use sort::sort;
pub(crate) use thread::threads;

use crate::testing::annotations::{Notes, is_entry, value_scope};
use crate::testing::labels::Labels;
use crate::testing::mime::Content;
use crate::types::{Date, Flag, Flags, Timestamp, Uid, UidSet};
use crate::wire::request::{End, Numbers, SearchKey};

/// The data of a message that SEARCH and SORT use.
pub(crate) trait Candidate {
    /// Its sequence number in the searching session.
    fn seq(&self) -> u32;
    /// Its UID.
    fn uid(&self) -> u32;
    /// Its flags, without `\Recent`.
    fn flags(&self) -> &Flags;
    /// Whether it is recent in the searching session.
    fn recent(&self) -> bool;
    /// Its internal date.
    fn internal_date(&self) -> Timestamp;
    /// When it was saved in its mailbox (RFC 8514); `None` if its mailbox does not record that.
    fn saved(&self) -> Option<Timestamp>;
    /// Its modification sequence (RFC 7162).
    fn mod_seq(&self) -> u64;
    /// Its EMAILID (RFC 8474).
    fn email_id(&self) -> &str;
    /// Its THREADID (RFC 8474).
    fn thread_id(&self) -> Option<&str>;
    /// How well it fits a search with FUZZY, up to 100 (RFC 6203 section 4).
    fn relevancy(&self) -> u8 {
        100
    }
    /// Its content.
    fn content(&self) -> &Content;
    /// Its annotations (RFC 5257).
    fn notes(&self) -> &Notes;
}

/// Values that keys refer to, other than messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The current time, for OLDER and YOUNGER.
    pub(crate) now: Timestamp,
    /// The value of `*` as a sequence number; 0 in an empty mailbox.
    pub(crate) last_seq: u32,
    /// The value of `*` as a UID; 0 in an empty mailbox.
    pub(crate) last_uid: u32,
    /// The value of `$` (RFC 9051 section 6.4.4.1); `None` for nothing.
    pub(crate) saved: Option<&'a UidSet>,
    /// By which rules texts are compared.
    pub(crate) collation: Collation,
    /// Gmail's labels.
    pub(crate) labels: &'a Labels,
}

/// The reason why a search is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// NO with `BADCHARSET (US-ASCII UTF-8)`: the search uses another charset.
    Charset,
    /// BAD: the key is not supported.
    Key(&'static str),
}

/// Checks the charset of the search strings; `None` if the command names none. RFC 9051 section
/// 6.4.4 demands these two.
pub(crate) fn charset(named: Option<&str>) -> Result<(), Refused> {
    let known = |name: &str| ["UTF-8", "US-ASCII"].iter().any(|known| known.eq_ignore_ascii_case(name));
    if named.is_none_or(known) { Ok(()) } else { Err(Refused::Charset) }
}

/// Checks all keys: [`matches()`] stops at the first one that decides.
pub(crate) fn check(key: &SearchKey) -> Result<(), Refused> {
    match key {
        SearchKey::Text(name @ ("FILTER" | "X-GM-RAW"), _) => Err(Refused::Key(name)),
        SearchKey::Annotation { entry, attribute, .. }
            if !is_entry(entry, true) || value_scope(attribute).is_none() =>
        {
            Err(Refused::Key("ANNOTATION"))
        }
        // RFC 5032 section 4: an interval is not zero.
        SearchKey::Number(name @ ("OLDER" | "YOUNGER"), 0) => Err(Refused::Key(name)),
        key => key.parts().try_for_each(check),
    }
}

/// The cost of a search for each message: its keys, nested ones included, and the ranges of its
/// sets.
pub(crate) fn cost(key: &SearchKey) -> usize {
    match key {
        SearchKey::Uids(Numbers::Ranges(ranges)) | SearchKey::Seqs(Numbers::Ranges(ranges)) => {
            1 + ranges.len() / RANGES_LIKE_A_KEY
        }
        // Word by word.
        SearchKey::Fuzzy(key) => MAX_WORDS * cost(key),
        key => key.parts().map(cost).sum::<usize>() + 1,
    }
}

/// This many ranges take as long as another key.
const RANGES_LIKE_A_KEY: usize = 10;

/// Whether a message matches this key.
pub(crate) fn matches(key: &SearchKey, message: &dyn Candidate, scope: &Scope<'_>) -> Result<bool, Refused> {
    match key {
        SearchKey::Word(name) => word(name, message),
        SearchKey::Text(name, wanted) => text(name, wanted, message, scope),
        SearchKey::Header(name, wanted) => Ok(in_fields(message, name, wanted, scope.collation)),
        SearchKey::Keyword(name, flag) => {
            let has = message.flags().contains(&Flag::new(flag));
            Ok(has == (*name == "KEYWORD"))
        }
        SearchKey::Date(name, day) => date(name, *day, message),
        SearchKey::Number(name, value) => number(name, *value, message, scope),
        // One mod-sequence for the whole message, so that the flag named in the key does not matter
        // (RFC 7162 section 3.1.5).
        SearchKey::ModSeq(_, value) => Ok(message.mod_seq() >= *value),
        SearchKey::Uids(set) => Ok(is_in(set, message.uid(), scope.last_uid, message, scope)),
        SearchKey::Seqs(set) => Ok(is_in(set, message.seq(), scope.last_seq, message, scope)),
        SearchKey::And(keys) => {
            for key in keys {
                if !matches(key, message, scope)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        SearchKey::Or(two) => Ok(matches(&two.0, message, scope)? || matches(&two.1, message, scope)?),
        SearchKey::Not(key) => Ok(!matches(key, message, scope)?),
        SearchKey::Fuzzy(key) => roughly(key, message, scope),
        SearchKey::Annotation { entry, attribute, text } => {
            let Some(of) = value_scope(attribute) else { return Err(Refused::Key("ANNOTATION")) };
            let wanted = scope.collation.folded(&String::from_utf8_lossy(text));
            let has =
                |value: &[u8]| scope.collation.folded(&String::from_utf8_lossy(value)).contains(&wanted);
            Ok(message.notes().any(entry, of, has))
        }
    }
}

/// FUZZY (RFC 6203 section 3): a text fits if each of its words does, wherever they are.
fn roughly(key: &SearchKey, message: &dyn Candidate, scope: &Scope<'_>) -> Result<bool, Refused> {
    let each = |wanted: &bytes::Bytes, make: &dyn Fn(bytes::Bytes) -> SearchKey| {
        let mut words = wanted.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(MAX_WORDS);
        words.try_fold(true, |fits, word| {
            Ok(fits && matches(&make(bytes::Bytes::copy_from_slice(word)), message, scope)?)
        })
    };
    match key {
        SearchKey::Text(name @ ("BCC" | "BODY" | "CC" | "FROM" | "SUBJECT" | "TEXT" | "TO"), wanted) => {
            each(wanted, &|word| SearchKey::Text(name, word))
        }
        SearchKey::Header(name, wanted) => each(wanted, &|word| SearchKey::Header(name.clone(), word)),
        SearchKey::And(keys) => {
            keys.iter().try_fold(true, |fits, key| Ok(fits && roughly(key, message, scope)?))
        }
        SearchKey::Or(two) => Ok(roughly(&two.0, message, scope)? || roughly(&two.1, message, scope)?),
        SearchKey::Not(key) => Ok(!roughly(key, message, scope)?),
        key => matches(key, message, scope),
    }
}

/// How many words of a text count.
const MAX_WORDS: usize = 20;

fn word(name: &'static str, message: &dyn Candidate) -> Result<bool, Refused> {
    let has = |flag| message.flags().contains(&flag);
    Ok(match name {
        "ALL" => true,
        "ANSWERED" => has(Flag::Answered),
        "DELETED" => has(Flag::Deleted),
        "DRAFT" => has(Flag::Draft),
        "FLAGGED" => has(Flag::Flagged),
        "SEEN" => has(Flag::Seen),
        "UNANSWERED" => !has(Flag::Answered),
        "UNDELETED" => !has(Flag::Deleted),
        "UNDRAFT" => !has(Flag::Draft),
        "UNFLAGGED" => !has(Flag::Flagged),
        "UNSEEN" => !has(Flag::Seen),
        // RFC 3501 section 6.4.4.
        "NEW" => message.recent() && !has(Flag::Seen),
        "OLD" => !message.recent(),
        "RECENT" => message.recent(),
        "SAVEDATESUPPORTED" => message.saved().is_some(),
        _ => return Err(Refused::Key(name)),
    })
}

fn text(
    name: &'static str,
    wanted: &[u8],
    message: &dyn Candidate,
    scope: &Scope<'_>,
) -> Result<bool, Refused> {
    let by = scope.collation;
    Ok(match name {
        "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => in_fields(message, name.as_bytes(), wanted, by),
        "BODY" | "TEXT" => message.content().contains(&String::from_utf8_lossy(wanted), name == "TEXT", by),
        "X-GM-LABELS" => {
            let mut labels = scope.labels.of(message.email_id(), message.flags());
            labels.any(|label| label.as_bytes().eq_ignore_ascii_case(wanted))
        }
        // RFC 8474 section 6: an exact match of the whole identifier.
        "EMAILID" => message.email_id().as_bytes() == wanted,
        "THREADID" => message.thread_id().is_some_and(|id| id.as_bytes() == wanted),
        _ => return Err(Refused::Key(name)),
    })
}

/// Whether a header field of this name contains this. Every field contains the empty string, even
/// an empty field.
fn in_fields(message: &dyn Candidate, name: &[u8], wanted: &[u8], by: Collation) -> bool {
    let wanted = by.folded(&String::from_utf8_lossy(wanted));
    message.content().fields(name).any(|value| by.folded(&value).contains(&wanted))
}

fn date(name: &'static str, day: Date, message: &dyn Candidate) -> Result<bool, Refused> {
    // RFC 8514 section 4.3: without a save date the internal date is used.
    let saved = || message.saved().unwrap_or(message.internal_date()).date();
    let sent = || message.content().envelope().sent().map(Timestamp::date);
    Ok(match name {
        "BEFORE" => message.internal_date().date() < day,
        "ON" => message.internal_date().date() == day,
        "SINCE" => message.internal_date().date() >= day,
        "SAVEDBEFORE" => saved() < day,
        "SAVEDON" => saved() == day,
        "SAVEDSINCE" => saved() >= day,
        // A message without a valid date matches no day.
        "SENTBEFORE" => sent().is_some_and(|sent| sent < day),
        "SENTON" => sent() == Some(day),
        "SENTSINCE" => sent().is_some_and(|sent| sent >= day),
        _ => return Err(Refused::Key(name)),
    })
}

fn number(
    name: &'static str,
    value: u64,
    message: &dyn Candidate,
    scope: &Scope<'_>,
) -> Result<bool, Refused> {
    let size = || u64::from(message.content().size());
    // RFC 5032 section 2: the moment itself belongs to both.
    let then = || scope.now.seconds().saturating_sub_unsigned(value);
    Ok(match name {
        "LARGER" => size() > value,
        "SMALLER" => size() < value,
        "X-GM-MSGID" => number_of(message.email_id()) == value,
        "X-GM-THRID" => message.thread_id().is_some_and(|id| number_of(id) == value),
        // RFC 9738 section 3.2.
        "UIDAFTER" => u64::from(message.uid()) > value,
        "UIDBEFORE" => u64::from(message.uid()) < value,
        "OLDER" => message.internal_date().seconds() <= then(),
        "YOUNGER" => message.internal_date().seconds() >= then(),
        _ => return Err(Refused::Key(name)),
    })
}

/// Whether a set contains a number, where `*` is `last` (RFC 9051 section 9, `seq-range`: either
/// end may be the larger).
fn is_in(set: &Numbers, number: u32, last: u32, message: &dyn Candidate, scope: &Scope<'_>) -> bool {
    let Numbers::Ranges(ranges) = set else {
        let saved = scope.saved.zip(Uid::new(message.uid()));
        return saved.is_some_and(|(saved, uid)| saved.contains(uid));
    };
    let value = |end: &End| match end {
        End::Number(number) => *number,
        End::Last => last,
    };
    ranges.iter().any(|(first, second)| {
        let (first, second) = (value(first), value(second));
        (first.min(second)..=first.max(second)).contains(&number)
    })
}
