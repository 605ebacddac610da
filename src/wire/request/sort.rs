//! The arguments of SORT and THREAD (RFC 5256 section 3), and return options (RFC 5267 section 3).

use super::command::{Sort, SortBy, SortKey, Thread};
use super::cursor::{Cursor, DEPTH, Read};
use super::search::{key, return_option};
use crate::types::AnnotationScope;

/// `[RETURN (…)] (criterion…) charset key…`.
pub(super) fn sort(i: &mut Cursor<'_>, uid: bool) -> Read<Sort> {
    let mut returned = None;
    if i.take(" RETURN ") {
        returned = Some(if i.take("()") { Vec::new() } else { i.list(return_option)? });
    }
    i.space()?;
    let criteria = i.list(criterion)?;
    i.space()?;
    let start = *i;
    let written = i.astring()?;
    let Ok(charset) = String::from_utf8(written.to_vec()) else { return start.fail("a charset's name") };
    i.space()?;
    let keys = i.separated(|i| key(i, DEPTH))?;
    Ok(Sort { uid, returned, criteria, charset, keys })
}

/// `algorithm charset key…`.
pub(super) fn thread(i: &mut Cursor<'_>, uid: bool) -> Read<Thread> {
    i.space()?;
    let algorithm = i.name()?;
    i.space()?;
    let start = *i;
    let written = i.astring()?;
    let Ok(charset) = String::from_utf8(written.to_vec()) else { return start.fail("a charset's name") };
    i.space()?;
    let keys = i.separated(|i| key(i, DEPTH))?;
    Ok(Thread { uid, algorithm, charset, keys })
}

/// `sort-criterion`, including those of RFC 5957 and RFC 5257.
fn criterion(i: &mut Cursor<'_>) -> Read<SortKey> {
    let start = *i;
    let reverse = i.take("REVERSE ");
    let by = match &*i.name()? {
        "ARRIVAL" => SortBy::Arrival,
        "CC" => SortBy::Cc,
        "DATE" => SortBy::Date,
        "FROM" => SortBy::From,
        "SIZE" => SortBy::Size,
        "SUBJECT" => SortBy::Subject,
        "TO" => SortBy::To,
        "DISPLAYFROM" => SortBy::DisplayFrom,
        "DISPLAYTO" => SortBy::DisplayTo,
        "RELEVANCY" => SortBy::Relevancy,
        "ANNOTATION" => {
            i.space()?;
            let entry = i.astring()?;
            i.space()?;
            let scope = match &*i.atom()?.to_ascii_lowercase() {
                "value.priv" => AnnotationScope::Private,
                "value.shared" => AnnotationScope::Shared,
                _ => return start.fail("value.priv or value.shared"),
            };
            SortBy::Annotation(String::from_utf8_lossy(&entry).into_owned(), scope)
        }
        _ => return start.fail("a sort criterion"),
    };
    Ok(SortKey { by, reverse })
}
