//! Status responses and their codes (RFC 9051 section 7.1 and section 9, `resp-text-code`).

use super::out::Out;
use crate::types::{
    Code, MetadataCode, ModSeq, ModifiedSet, NumberSet, Progress, Seq, SeqSet, StatusResponse, Uid, UidSet,
    UidValidity,
};

/// `OK [CODE] text`, without the star or tag before it.
pub(super) fn status(response: &StatusResponse, out: &mut Out) {
    out.raw(response.status.as_str()).space();
    if let Some(value) = &response.code {
        out.raw("[");
        code(value, out);
        out.raw("] ");
    }
    out.text(response.text.as_bytes());
}

/// The text between the brackets.
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
        // Its `Display` has the form of RFC 4315 section 4, and there is no other access to the
        // ordered ranges.
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
        Code::InProgress(progress) if *progress != Progress::default() => {
            out.raw(" (");
            match &progress.tag {
                Some(tag) => out.quoted(tag.as_bytes()),
                None => out.raw("NIL"),
            };
            out.space().count(progress.done).space().count(progress.total).raw(")");
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
        Code::Metadata(value) => metadata(*value, out),
        Code::Annotate(value) => {
            out.space().word(&value.to_string());
        }
        Code::Annotations(value) => {
            let text = value.map_or_else(|| "NONE".to_owned(), |value| value.to_string());
            out.space().raw(&text);
        }
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
        // The others are only a name.
        _ => {}
    }
}

/// `LONGENTRIES 2199` and the like (RFC 5464 section 5).
fn metadata(code: MetadataCode, out: &mut Out) {
    match code {
        MetadataCode::LongEntries(bytes) => out.raw(" LONGENTRIES ").number(bytes),
        MetadataCode::MaxSize(bytes) => out.raw(" MAXSIZE ").number(bytes),
        MetadataCode::TooMany => out.raw(" TOOMANY"),
        MetadataCode::NoPrivate => out.raw(" NOPRIVATE"),
    };
}

/// An empty set has no form; some servers omit it, too.
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
