//! SEARCH (RFC 9051 section 6.4.4), and the keys of CONDSTORE (RFC 7162), WITHIN (RFC 5032),
//! OBJECTID (RFC 8474), SAVEDATE (RFC 8514) and Gmail.

use super::command::{Returned, Search, SearchIn, SearchKey};
use super::cursor::{Cursor, DEPTH, Read};
use super::mailbox::{self, date};
use super::value::Value;
use crate::types::MailboxName;

const WORDS: [&str; 15] = [
    "ALL",
    "ANSWERED",
    "DELETED",
    "DRAFT",
    "FLAGGED",
    "NEW",
    "OLD",
    "RECENT",
    "SEEN",
    "UNANSWERED",
    "UNDELETED",
    "UNDRAFT",
    "UNFLAGGED",
    "UNSEEN",
    "SAVEDATESUPPORTED",
];
const TEXTS: [&str; 11] =
    ["BCC", "BODY", "CC", "FROM", "SUBJECT", "TEXT", "TO", "EMAILID", "THREADID", "FILTER", "X-GM-RAW"];
const DATES: [&str; 9] =
    ["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE", "SAVEDBEFORE", "SAVEDON", "SAVEDSINCE"];
const NUMBERS: [&str; 8] =
    ["LARGER", "SMALLER", "OLDER", "YOUNGER", "UIDAFTER", "UIDBEFORE", "X-GM-MSGID", "X-GM-THRID"];
const KEYWORDS: [&str; 2] = ["KEYWORD", "UNKEYWORD"];

/// `[RETURN (…)] [CHARSET x] key…`.
pub(super) fn search(i: &mut Cursor<'_>, uid: bool) -> Read<Search> {
    let mut returned = None;
    if i.take(" RETURN ") {
        returned = Some(if i.take("()") { Vec::new() } else { i.list(return_option)? });
    }
    let mut charset = None;
    if i.take(" CHARSET ") {
        let start = *i;
        let written = i.astring()?;
        match std::str::from_utf8(&written) {
            Ok(name) => charset = Some(name.to_owned()),
            Err(_) => return start.fail("a charset's name"),
        }
    }
    i.space()?;
    let keys = i.separated(|i| key(i, DEPTH))?;
    Ok(Search { uid, returned, charset, keys })
}

/// The keys of a stored filter (RFC 5466 section 3.2), which are in UTF-8; `None` for what is no
/// `search-criteria`.
pub(crate) fn search_keys(text: &[u8]) -> Option<Vec<SearchKey>> {
    let mut i = Cursor::new(text, true);
    let keys = i.separated(|i| key(i, DEPTH)).ok()?;
    i.end().is_ok().then_some(keys)
}

/// `[IN (source…)]`, and the arguments of SEARCH (RFC 7377 section 4).
pub(super) fn search_in(i: &mut Cursor<'_>) -> Read<SearchIn> {
    let mut scope = vec![("SELECTED", Vec::new())];
    if i.take(" IN ") {
        scope = i.list(source)?;
    }
    Ok(SearchIn { scope, search: search(i, true)? })
}

/// `filter-mailboxes` (RFC 5465 section 8), less `selected-delayed`, with `subtree-one`.
fn source(i: &mut Cursor<'_>) -> Read<(&'static str, Vec<MailboxName>)> {
    const FILTERS: [&str; 7] =
        ["INBOXES", "MAILBOXES", "PERSONAL", "SELECTED", "SUBSCRIBED", "SUBTREE", "SUBTREE-ONE"];
    let start = *i;
    let name = i.name()?;
    let Some(filter) = FILTERS.iter().find(|filter| **filter == name).copied() else {
        return start.fail("a set of mailboxes");
    };
    if !matches!(filter, "MAILBOXES" | "SUBTREE" | "SUBTREE-ONE") {
        return Ok((filter, Vec::new()));
    }
    i.space()?;
    let names = if i.peek() == Some(b'(') { i.list(mailbox::name)? } else { vec![mailbox::name(i)?] };
    Ok((filter, names))
}

/// A name, and its set or number if one follows (`PARTIAL -1:-100`).
pub(super) fn return_option(i: &mut Cursor<'_>) -> Read<Returned> {
    let name = i.name()?;
    let mut ahead = *i;
    let has_argument = ahead.take(" ") && matches!(ahead.peek(), Some(b'0'..=b'9' | b'-' | b'('));
    let argument = if has_argument {
        i.space()?;
        Some(i.value(DEPTH)?)
    } else {
        None
    };
    Ok(Returned { name, argument })
}

/// `search-key`; `depth` more may nest.
pub(super) fn key(i: &mut Cursor<'_>, depth: usize) -> Read<SearchKey> {
    let Some(depth) = depth.checked_sub(1) else { return i.fail("fewer keys within each other") };
    match i.peek() {
        Some(b'(') => return i.list(|i| key(i, depth)).map(SearchKey::And),
        Some(b'0'..=b'9' | b'*' | b'$') => return i.numbers().map(SearchKey::Seqs),
        _ => {}
    }
    let start = *i;
    let name = i.name()?;
    let known = |all: &[&'static str]| all.iter().copied().find(|known| *known == name);
    if let Some(word) = known(&WORDS) {
        return Ok(SearchKey::Word(word));
    }
    i.space()?;
    if name == "X-GM-LABELS" {
        return Ok(SearchKey::Text("X-GM-LABELS", mailbox::label(i)?.into()));
    }
    if let Some(word) = known(&TEXTS) {
        return Ok(SearchKey::Text(word, i.astring()?));
    }
    if let Some(word) = known(&DATES) {
        let start = *i;
        let quoted = i.take("\"");
        let text = i.run(|b| b.is_ascii_alphanumeric() || b == b'-', "a date")?;
        if quoted {
            i.expect("\"")?;
        }
        return date(text)
            .map_or_else(|| start.fail("a date that there is"), |date| Ok(SearchKey::Date(word, date)));
    }
    if let Some(word) = known(&NUMBERS) {
        return Ok(SearchKey::Number(word, i.number()?));
    }
    if let Some(word) = known(&KEYWORDS) {
        // `flag-keyword`: an atom, so it can name no system flag.
        return Ok(SearchKey::Keyword(word, i.atom()?.to_owned()));
    }
    Ok(match &*name {
        "HEADER" => {
            let field = i.astring()?;
            i.space()?;
            SearchKey::Header(field, i.astring()?)
        }
        "MODSEQ" => mod_seq(i)?,
        "ANNOTATION" => annotation(i)?,
        "UID" => SearchKey::Uids(i.numbers()?),
        "FUZZY" => SearchKey::Fuzzy(Box::new(key(i, depth)?)),
        "NOT" => SearchKey::Not(Box::new(key(i, depth)?)),
        "OR" => {
            let first = key(i, depth)?;
            i.space()?;
            SearchKey::Or(Box::new((first, key(i, depth)?)))
        }
        _ => return start.fail("a search key"),
    })
}

/// `entry-match att-search value` (RFC 5257 section 5).
fn annotation(i: &mut Cursor<'_>) -> Read<SearchKey> {
    let start = *i;
    let entry = match i.value(0)? {
        Value::Word(entry) => entry,
        Value::String(entry) => String::from_utf8_lossy(&entry).into_owned(),
        Value::List(_) => return start.fail("the name of an annotation"),
    };
    i.space()?;
    let attribute = i.atom()?.to_ascii_lowercase();
    i.space()?;
    let text = if i.peek() == Some(b'~') { i.literal8()? } else { i.string()? };
    Ok(SearchKey::Annotation { entry, attribute, text })
}

/// `["/flags/\\draft" all] 620162338` (RFC 7162 section 3.1.5).
fn mod_seq(i: &mut Cursor<'_>) -> Read<SearchKey> {
    let mut of = None;
    if i.peek() == Some(b'"') {
        let entry = String::from_utf8_lossy(&i.quoted()?).into_owned();
        i.space()?;
        let kind = i.name()?;
        i.space()?;
        of = Some((entry, kind));
    }
    Ok(SearchKey::ModSeq(of, i.number()?))
}
