//! Status responses and their codes (RFC 9051 section 7.1 and section 9, `resp-text-code`).

use super::out::Out;
use crate::types::{
    Code, MetadataCode, ModSeq, ModifiedSet, NumberSet, Progress, Seq, SeqSet, StatusResponse, Uid, UidSet,
    UidValidity,
};

/// `OK [CODE] text`, without what stands before.
pub(super) fn status(told: &StatusResponse, out: &mut Out) {
    out.raw(told.status.as_str()).space();
    if let Some(told) = &told.code {
        out.raw("[");
        code(told, out);
        out.raw("] ");
    }
    out.text(told.text.as_bytes());
}

/// What stands between the brackets.
fn code(code: &Code, out: &mut Out) {
    out.word(code.name());
    match code {
        Code::AppendUid { uid_validity, uids } => {
            // RFC 4315 section 4, `resp-code-apnd`.
            out.space().number(uid_validity.map_or(0, UidValidity::get));
            if !uids.is_empty() {
                out.space().set(uids.raw().iter().copied());
            }
        }
        Code::BadCharset(known) | Code::BadEvent(known) if !known.is_empty() => {
            out.space().list(known, |name, out| out.short_astring(name.as_bytes()));
        }
        Code::Capability(all) => {
            out.words(all.iter());
        }
        // Its own text is that of RFC 4315 section 4, and the ranges can't be had otherwise.
        Code::CopyUid(copied) => {
            out.space().word(&copied.to_string());
        }
        Code::HighestModSeq(value) => {
            out.space().number(value.map_or(0, ModSeq::get));
        }
        Code::Modified(ModifiedSet::Numbers(NumberSet(set)) | ModifiedSet::Uids(set)) => uids(set, out),
        Code::Modified(ModifiedSet::Seqs(set)) => seqs(set, out),
        Code::PermanentFlags(flags) => {
            out.space().flags(flags);
        }
        Code::UidNext(value) => {
            out.space().number(value.map_or(0, Uid::get));
        }
        Code::UidValidity(value) => {
            out.space().number(value.map_or(0, UidValidity::get));
        }
        Code::Unseen(value) => {
            out.space().number(value.map_or(0, Seq::get));
        }
        Code::BadUrl(text) | Code::NoUpdate(text) => {
            out.space().quoted(text.as_bytes());
        }
        // RFC 9585: three values in parentheses, or nothing.
        Code::InProgress(told) if *told != Progress::default() => {
            out.raw(" (");
            match &told.tag {
                Some(tag) => out.quoted(tag.as_bytes()),
                None => out.raw("NIL"),
            };
            out.space().count(told.done).space().count(told.total).raw(")");
        }
        Code::MailboxId(id) => {
            out.raw(" (").word(id).raw(")");
        }
        Code::MaxConvertMessages(value) | Code::MaxConvertParts(value) => {
            out.space().number(*value);
        }
        Code::MessageLimit { limit, uid } => {
            out.space().number(*limit);
            if let Some(uid) = uid {
                out.space().number(uid.get());
            }
        }
        Code::Metadata(told) => metadata(*told, out),
        Code::Referral(urls) => {
            out.words(urls);
        }
        Code::UndefinedFilter(name) => {
            out.space().short_astring(name.as_bytes());
        }
        Code::UrlMech(all) => {
            for (name, data) in all {
                out.space().word(name);
                if let Some(data) = data {
                    out.raw("=").word(data);
                }
            }
        }
        Code::Other { text: Some(text), .. } => {
            out.space().word(text);
        }
        // The rest say all by their name.
        _ => {}
    }
}

/// `LONGENTRIES 2199` and its kin (RFC 5464 section 5).
fn metadata(code: MetadataCode, out: &mut Out) {
    match code {
        MetadataCode::LongEntries(octets) => out.raw(" LONGENTRIES ").number(octets),
        MetadataCode::MaxSize(octets) => out.raw(" MAXSIZE ").number(octets),
        MetadataCode::TooMany => out.raw(" TOOMANY"),
        MetadataCode::NoPrivate => out.raw(" NOPRIVATE"),
    };
}

/// Some servers leave the set out where it is empty; there is no other form for it.
fn uids(set: &UidSet, out: &mut Out) {
    if !set.is_empty() {
        out.space().set(set.raw().iter().copied());
    }
}

fn seqs(set: &SeqSet, out: &mut Out) {
    if !set.is_empty() {
        out.space().set(set.raw().iter().copied());
    }
}
