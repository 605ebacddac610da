//! Response codes that the library knows (RFC 9051 section 7.1, RFC 5530 and extensions).
//!
//! | seen | allowed by |
//! |---|---|
//! | 0, or no number at all | [`nonzero`]: unknown |
//! | COPYUID with empty sets | [`copy_uid`] |
//! | words behind a code that has none | [`finish`]: left out |

use super::flags::{flags, words};
use super::set::{number_set, uid_ranges, uid_set};
use super::status::code_end;
use super::string::astring;
use super::token::{closed, number, number64, open, spaces};
use crate::types::{Code, CopyUid, ModSeq, ModifiedSet, NumberSet, Seq, Uid, UidSet, UidValidity};
use crate::wire::input::{Input, Parsed};

/// The code of this name (in capitals), and what is left behind its closing bracket; `None` if it is not
/// known, or not as it should be.
pub(crate) fn code<'a>(i: Input<'a>, name: &[u8]) -> Option<(Input<'a>, Code)> {
    let i = spaces(i);
    let (rest, code) = match name {
        b"APPENDUID" => append_uid(i).ok()?,
        b"BADCHARSET" => charsets(i).ok()?,
        b"CAPABILITY" => {
            let inside = i.text.get(..code_end(i.text)?)?;
            (i.skip(inside.len()), Code::Capability(words(inside).collect()))
        }
        b"COPYUID" => copy_uid(i).ok()?,
        b"HIGHESTMODSEQ" => nonzero(i, number64, ModSeq::new, Code::HighestModSeq)?,
        b"MODIFIED" => {
            let (rest, set) = number_set(i).unwrap_or((i, NumberSet::default()));
            (rest, Code::Modified(ModifiedSet::Numbers(set)))
        }
        b"PERMANENTFLAGS" => flags(i).map(|(rest, flags)| (rest, Code::PermanentFlags(flags))).ok()?,
        b"UIDNEXT" => nonzero(i, number, Uid::new, Code::UidNext)?,
        b"UIDVALIDITY" => nonzero(i, number, UidValidity::new, Code::UidValidity)?,
        b"UNSEEN" => nonzero(i, number, Seq::new, Code::Unseen)?,
        _ => {
            let code = bare(name)?;
            (i.skip(code_end(i.text)?), code)
        }
    };
    finish(rest).map(|rest| (rest, code))
}

/// Codes that say all by their name.
fn bare(name: &[u8]) -> Option<Code> {
    Some(match name {
        b"ALERT" => Code::Alert,
        b"ALREADYEXISTS" => Code::AlreadyExists,
        b"AUTHENTICATIONFAILED" => Code::AuthenticationFailed,
        b"AUTHORIZATIONFAILED" => Code::AuthorizationFailed,
        b"CANNOT" => Code::Cannot,
        b"CLIENTBUG" => Code::ClientBug,
        b"CLOSED" => Code::Closed,
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
        b"NOTSAVED" => Code::NotSaved,
        b"OVERQUOTA" => Code::OverQuota,
        b"PARSE" => Code::Parse,
        b"PRIVACYREQUIRED" => Code::PrivacyRequired,
        b"READ-ONLY" => Code::ReadOnly,
        b"READ-WRITE" => Code::ReadWrite,
        b"SERVERBUG" => Code::ServerBug,
        b"TRYCREATE" => Code::TryCreate,
        b"UIDNOTSTICKY" => Code::UidNotSticky,
        b"UNAVAILABLE" => Code::Unavailable,
        b"UNKNOWN-CTE" => Code::UnknownCte,
        _ => return None,
    })
}

/// What is left behind the closing bracket.
fn finish(i: Input<'_>) -> Option<Input<'_>> {
    let i = spaces(i);
    (i.peek() == Some(b']')).then(|| i.skip(1))
}

/// A number that is never 0; 0 and none at all are "unknown".
fn nonzero<'a, N, T>(
    i: Input<'a>,
    read: impl Fn(Input<'a>) -> Parsed<'a, N>,
    new: impl Fn(N) -> Option<T>,
    code: impl Fn(Option<T>) -> Code,
) -> Option<(Input<'a>, Code)> {
    if i.peek() == Some(b']') {
        return Some((i, code(None)));
    }
    let (rest, value) = read(i).ok()?;
    Some((rest, code(new(value))))
}

/// `APPENDUID 38505 3955` (RFC 4315 section 3).
fn append_uid(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, validity) = number(i)?;
    let rest = spaces(rest);
    let (rest, uids) = uid_set(rest).unwrap_or((rest, UidSet::new()));
    Ok((rest, Code::AppendUid { uid_validity: UidValidity::new(validity), uids }))
}

/// `COPYUID 38505 304,319:320 3956:3958` (RFC 4315 section 3).
fn copy_uid(i: Input<'_>) -> Parsed<'_, Code> {
    let (rest, validity) = number(i)?;
    let validity = UidValidity::new(validity);
    let rest = spaces(rest);
    if rest.peek() == Some(b']') {
        return Ok((rest, Code::CopyUid(CopyUid::new(validity, Vec::new(), Vec::new()))));
    }
    let (rest, from) = uid_ranges(rest)?;
    let (rest, to) = uid_ranges(spaces(rest))?;
    Ok((rest, Code::CopyUid(CopyUid::new(validity, from, to))))
}

/// `BADCHARSET (UTF-8 US-ASCII)`, or without a list.
fn charsets(i: Input<'_>) -> Parsed<'_, Code> {
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
        known.push(charset.to_text());
        i = spaces(rest);
    }
}
