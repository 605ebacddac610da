//! Response codes that the library knows (RFC 9051 section 7.1, RFC 5530 and extensions).

use std::borrow::Cow;

use super::Rules;
use super::flags::{flags, words};
use super::mailbox::object_id;
use super::server::string_list;
use super::set::{number_set, uids_to_end};
use super::status::code_end;
use super::string::{Str, astring, loose, string};
use super::token::{Upper, close, closed, count, name, number, number64, open, spaces};
use crate::types::{
    AnnotateCode, AnnotationSupport, Code, CopyUid, MetadataCode, ModSeq, ModifiedSet, NumberSet, Progress,
    RangeCollector, Seq, Uid, UidValidity,
};
use crate::wire::input::{Input, Parsed, fail};

/// The code of this name (in capitals), and the rest after its closing bracket; `None` if it is
/// unknown or malformed.
pub(crate) fn code<'a>(i: Input<'a>, name: &[u8], rules: &Rules) -> Option<(Input<'a>, Code)> {
    let i = spaces(i);
    let (rest, code) = match name {
        b"ANNOTATE" => annotate(i).ok()?,
        b"ANNOTATIONS" => annotations(i).ok()?,
        b"APPENDUID" => append_uid(i).ok()?,
        b"BADCHARSET" => charsets(i, rules).ok()?,
        b"CAPABILITY" => {
            let (rest, all) = code_words(i, rules)?;
            (rest, Code::Capability(all.into_iter().collect()))
        }
        b"COPYUID" => copy_uid(i).ok()?,
        b"HIGHESTMODSEQ" => nonzero(i, number64, ModSeq::new, Code::HighestModSeq)?,
        b"MODIFIED" => {
            let (rest, set) = number_set(i).unwrap_or((i, NumberSet::default()));
            (rest, Code::Modified(ModifiedSet::Numbers(set)))
        }
        b"PERMANENTFLAGS" => {
            flags(i, rules.words).map(|(rest, flags)| (rest, Code::PermanentFlags(flags))).ok()?
        }
        b"UIDNEXT" => nonzero(i, number, Uid::new, Code::UidNext)?,
        b"UIDVALIDITY" => nonzero(i, number, UidValidity::new, Code::UidValidity)?,
        b"BADEVENT" => {
            let (rest, known) = events(i, rules)?;
            (rest, Code::BadEvent(known))
        }
        b"BADURL" => text(i, Code::BadUrl)?,
        b"INPROGRESS" => progress(i).ok()?,
        b"MAILBOXID" => {
            let (rest, id) = object_id(i).ok()?;
            (rest, Code::MailboxId(id?))
        }
        b"MAXCONVERTMESSAGES" => number(i).map(|(rest, n)| (rest, Code::MaxConvertMessages(n))).ok()?,
        b"MAXCONVERTPARTS" => number(i).map(|(rest, n)| (rest, Code::MaxConvertParts(n))).ok()?,
        b"MESSAGELIMIT" => message_limit(i).ok()?,
        b"METADATA" => metadata(i).ok()?,
        b"NOUPDATE" => text(i, Code::NoUpdate)?,
        b"REFERRAL" => referral(i, rules)?,
        b"UNDEFINED-FILTER" => text(i, Code::UndefinedFilter)?,
        b"URLMECH" => url_mech(i, rules)?,
        b"UNSEEN" => nonzero(i, number, Seq::new, Code::Unseen)?,
        _ => {
            let code = bare(name)?;
            (i.skip(code_end(i.text)?), code)
        }
    };
    finish(rest).map(|rest| (rest, code))
}

/// Codes without arguments.
fn bare(name: &[u8]) -> Option<Code> {
    Some(match name {
        b"ALERT" => Code::Alert,
        b"ALREADYEXISTS" => Code::AlreadyExists,
        b"AUTHENTICATIONFAILED" => Code::AuthenticationFailed,
        b"AUTHORIZATIONFAILED" => Code::AuthorizationFailed,
        b"BADCOMPARATOR" => Code::BadComparator,
        b"CANNOT" => Code::Cannot,
        b"CLIENTBUG" => Code::ClientBug,
        b"CLOSED" => Code::Closed,
        b"COMPRESSIONACTIVE" => Code::CompressionActive,
        b"CONTACTADMIN" => Code::ContactAdmin,
        b"CORRUPTION" => Code::Corruption,
        b"EXPIRED" => Code::Expired,
        b"EXPUNGEISSUED" => Code::ExpungeIssued,
        b"HASCHILDREN" => Code::HasChildren,
        b"INUSE" => Code::InUse,
        b"LIMIT" => Code::Limit,
        b"NOMODSEQ" => Code::NoModSeq,
        b"NONEXISTENT" => Code::NonExistent,
        b"NOPERM" => Code::NoPerm,
        b"NOTIFICATIONOVERFLOW" => Code::NotificationOverflow,
        b"NOTSAVED" => Code::NotSaved,
        b"OVERQUOTA" => Code::OverQuota,
        b"PARSE" => Code::Parse,
        b"PRIVACYREQUIRED" => Code::PrivacyRequired,
        b"READ-ONLY" => Code::ReadOnly,
        b"READ-WRITE" => Code::ReadWrite,
        b"SERVERBUG" => Code::ServerBug,
        b"TEMPFAIL" => Code::TempFail,
        b"TOOBIG" => Code::TooBig,
        b"TOOFEW" => Code::TooFew,
        b"TOOMANY" => Code::TooMany,
        b"TRYCREATE" => Code::TryCreate,
        b"UIDNOTSTICKY" => Code::UidNotSticky,
        b"UIDREQUIRED" => Code::UidRequired,
        b"UNAVAILABLE" => Code::Unavailable,
        b"UNKNOWN-CTE" => Code::UnknownCte,
        b"USEATTR" => Code::UseAttr,
        _ => return None,
    })
}

/// The text up to the code's closing bracket; the text may contain brackets itself.
fn inside(i: Input<'_>) -> Option<(Input<'_>, &[u8])> {
    let inside = i.text.get(..code_end(i.text)?)?;
    Some((i.skip(inside.len()), inside.trim_ascii()))
}

/// The words before the closing bracket.
fn code_words<'a>(i: Input<'a>, rules: &Rules) -> Option<(Input<'a>, Vec<Cow<'a, str>>)> {
    let (rest, inside) = inside(i)?;
    let (_, all) = words(Input::new(inside, &[]), rules.words).ok()?;
    Some((rest, all))
}

/// One text: a string, or everything before the closing bracket.
fn text<'a>(i: Input<'a>, code: impl Fn(String) -> Code) -> Option<(Input<'a>, Code)> {
    let (rest, text) = match string(i) {
        Ok((rest, text)) => (rest, text.to_text()),
        Err(_) => inside(i).map(|(rest, text)| (rest, String::from_utf8_lossy(text).into_owned()))?,
    };
    Some((rest, code(text))).filter(|_| !i.text.starts_with(b"]"))
}

/// `(MessageNew MessageExpunge)`, or nothing (RFC 5465 section 8).
fn events<'a>(i: Input<'a>, rules: &Rules) -> Option<(Input<'a>, Vec<String>)> {
    match i.peek() {
        Some(b'(') => string_list(i, rules).ok(),
        Some(b']') => Some((i, Vec::new())),
        _ => code_words(i, rules).map(|(rest, all)| (rest, all.into_iter().map(Cow::into_owned).collect())),
    }
}

/// `("A001" 454 1000)`, each of which may be NIL, or nothing (RFC 9585).
fn progress(i: Input<'_>) -> Parsed<'_, Code> {
    if i.peek() == Some(b']') {
        return Ok((i, Code::InProgress(Progress::default())));
    }
    let (i, ()) = open(i)?;
    let (i, tag) = loose(i)?;
    let tag = tag.map(Str::to_text);
    let (i, done) = if closed(i).is_some() { (i, None) } else { count(spaces(i))? };
    let (i, total) = if closed(i).is_some() { (i, None) } else { count(spaces(i))? };
    let (i, ()) = close(i)?;
    Ok((i, Code::InProgress(Progress::new(tag, done, total))))
}

/// `1000 23221`, or the limit alone (RFC 9738 section 5).
fn message_limit(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, limit) = number(i)?;
    let i = spaces(rest);
    let (rest, uid) =
        if i.peek() == Some(b']') { (i, None) } else { number(i).map(|(i, n)| (i, Uid::new(n)))? };
    Ok((rest, Code::MessageLimit { limit, uid }))
}

/// `LONGENTRIES 2199` and the like (RFC 5464 section 5).
fn metadata(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, word) = name(i)?;
    let rest = spaces(rest);
    let (rest, code) = match Upper::new(word).as_bytes() {
        b"LONGENTRIES" => number64(rest).map(|(rest, n)| (rest, MetadataCode::LongEntries(n)))?,
        b"MAXSIZE" => number64(rest).map(|(rest, n)| (rest, MetadataCode::MaxSize(n)))?,
        b"TOOMANY" => (rest, MetadataCode::TooMany),
        b"NOPRIVATE" => (rest, MetadataCode::NoPrivate),
        _ => return fail(i, "what is wrong with metadata"),
    };
    Ok((rest, Code::Metadata(code)))
}

/// `TOOBIG` or `TOOMANY` (RFC 5257 section 5).
fn annotate(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, word) = name(i)?;
    let code = match Upper::new(word).as_bytes() {
        b"TOOBIG" => AnnotateCode::TooBig,
        b"TOOMANY" => AnnotateCode::TooMany,
        _ => return fail(i, "what is wrong with an annotation"),
    };
    Ok((rest, Code::Annotate(code)))
}

/// `20480 NOPRIVATE` and the like (RFC 5257 section 5).
fn annotations(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, max_size) = match number64(i) {
        Ok((rest, bytes)) => (rest, Some(bytes)),
        Err(_) => {
            let (rest, word) = name(i)?;
            match Upper::new(word).as_bytes() {
                b"NONE" => return Ok((rest, Code::Annotations(None))),
                b"READ-ONLY" => (rest, None),
                _ => return fail(i, "what annotations a mailbox can have"),
            }
        }
    };
    let i = spaces(rest);
    if i.peek() == Some(b']') {
        return Ok((i, Code::Annotations(Some(AnnotationSupport::new(max_size, true)))));
    }
    let (rest, word) = name(i)?;
    match Upper::new(word).as_bytes() {
        b"NOPRIVATE" => Ok((rest, Code::Annotations(Some(AnnotationSupport::new(max_size, false))))),
        _ => fail(i, "whether there are private annotations"),
    }
}

/// URLs separated by spaces (RFC 2193 section 6, RFC 2221 section 6).
fn referral<'a>(i: Input<'a>, rules: &Rules) -> Option<(Input<'a>, Code)> {
    let (rest, urls) = code_words(i, rules)?;
    let urls: Vec<_> = urls.into_iter().map(Cow::into_owned).collect();
    (!urls.is_empty()).then_some((rest, Code::Referral(urls)))
}

/// `INTERNAL XSAMPLE=P34OKhO7VEkCbsiYY8rGEg==` (RFC 4467).
fn url_mech<'a>(i: Input<'a>, rules: &Rules) -> Option<(Input<'a>, Code)> {
    let (rest, all) = code_words(i, rules)?;
    let split = |word: Cow<'_, str>| match word.split_once('=') {
        Some((name, data)) => (name.to_owned(), Some(data.to_owned())),
        None => (word.into_owned(), None),
    };
    Some((rest, Code::UrlMech(all.into_iter().map(split).collect())))
}

/// The rest after the closing bracket.
fn finish(i: Input<'_>) -> Option<Input<'_>> {
    let i = spaces(i);
    (i.peek() == Some(b']')).then(|| i.skip(1))
}

/// A number that is never 0; a 0, a missing number and one that is too large are unknown.
fn nonzero<'a, N, T>(
    i: Input<'a>,
    read: impl Fn(Input<'a>) -> Parsed<'a, N>,
    new: impl Fn(N) -> Option<T>,
    code: impl Fn(Option<T>) -> Code,
) -> Option<(Input<'a>, Code)> {
    if i.peek() == Some(b']') {
        return Some((i, code(None)));
    }
    match read(i) {
        Ok((rest, value)) => Some((rest, code(new(value)))),
        Err(_) => {
            let (rest, digits) = i.run(|b| b.is_ascii_digit());
            (!digits.is_empty()).then(|| (rest, code(None)))
        }
    }
}

/// `APPENDUID 38505 3955` (RFC 4315 section 3).
fn append_uid(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, validity) = number(i)?;
    let (rest, ranges) = uids_to_end(spaces(rest));
    let mut uids = RangeCollector::default();
    ranges.unwrap_or_default().iter().for_each(|range| uids.add(range.start().get(), range.end().get()));
    Ok((rest, Code::AppendUid { uid_validity: UidValidity::new(validity), uids: uids.finish() }))
}

/// `COPYUID 38505 304,319:320 3956:3958` (RFC 4315 section 3). If the new UIDs are unknown, they
/// are left empty; if the old ones are, both are, because the new ones mean nothing alone.
fn copy_uid(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, validity) = number(i)?;
    let (rest, from) = uids_to_end(spaces(rest));
    let (rest, to) = uids_to_end(spaces(rest));
    let (from, to) = match from {
        Some(from) => (from, to.unwrap_or_default()),
        None => (Vec::new(), Vec::new()),
    };
    Ok((rest, Code::CopyUid(CopyUid::new(UidValidity::new(validity), from, to))))
}

/// `BADCHARSET (UTF-8 US-ASCII)`, or without a list.
fn charsets<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Code> {
    let mut known = Vec::new();
    if i.peek() != Some(b'(') {
        return Ok((i, Code::BadCharset(known)));
    }
    let (mut i, ()) = open(i)?;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, Code::BadCharset(known)));
        }
        let (rest, charset) = astring(i)?;
        rules.room(i, known.len())?;
        known.push(charset.to_text());
        i = spaces(rest);
    }
}
