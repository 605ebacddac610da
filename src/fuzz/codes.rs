//! Status responses with codes of every kind, made from a fuzzer's bytes, in the one form in which
//! the grammar returns them.

use super::answers::{uids, validity};
use super::chooser::Chooser;
use super::rows::{flags, mod_seq};
use crate::types::{
    AnnotateCode, AnnotationSupport, Code, CopyUid, MetadataCode, ModifiedSet, NumberSet, Progress, Seq,
    Status, StatusResponse, Uid,
};

/// Codes without arguments.
pub(crate) const PLAIN: &[Code] = &[
    Code::Alert,
    Code::AlreadyExists,
    Code::AuthenticationFailed,
    Code::AuthorizationFailed,
    Code::BadComparator,
    Code::Cannot,
    Code::ClientBug,
    Code::Closed,
    Code::CompressionActive,
    Code::ContactAdmin,
    Code::Corruption,
    Code::Expired,
    Code::ExpungeIssued,
    Code::HasChildren,
    Code::InUse,
    Code::Limit,
    Code::NoModSeq,
    Code::NonExistent,
    Code::NoPerm,
    Code::NotSaved,
    Code::NotificationOverflow,
    Code::OverQuota,
    Code::Parse,
    Code::PrivacyRequired,
    Code::ReadOnly,
    Code::ReadWrite,
    Code::ServerBug,
    Code::TempFail,
    Code::TooBig,
    Code::TooFew,
    Code::TooMany,
    Code::TryCreate,
    Code::UidNotSticky,
    Code::UidRequired,
    Code::Unavailable,
    Code::UnknownCte,
    Code::UseAttr,
    Code::Metadata(MetadataCode::TooMany),
    Code::Metadata(MetadataCode::NoPrivate),
    Code::Annotate(AnnotateCode::TooBig),
    Code::Annotate(AnnotateCode::TooMany),
    Code::Annotations(None),
];

/// OK, NO, BAD, BYE or PREAUTH.
pub(super) fn status(from: &mut Chooser<'_>) -> StatusResponse {
    let word = from.one_of(&[Status::Ok, Status::No, Status::Bad, Status::Bye, Status::PreAuth]);
    let code = from.maybe(code);
    StatusResponse::new(word, code, from.line())
}

fn code(from: &mut Chooser<'_>) -> Code {
    match from.below(26) {
        1 => Code::AppendUid { uid_validity: validity(from), uids: uids(from) },
        2 => Code::BadCharset(from.list(3, Chooser::line)),
        3 => Code::Capability(from.some(4, Chooser::word).into_iter().collect()),
        4 => {
            let (validity, from, to) = (validity(from), uids(from), uids(from));
            Code::CopyUid(CopyUid::new(validity, from.ranges().collect(), to.ranges().collect()))
        }
        5 => Code::HighestModSeq(from.maybe(mod_seq).flatten()),
        6 => Code::Modified(ModifiedSet::Numbers(NumberSet(uids(from)))),
        7 => Code::PermanentFlags(flags(from)),
        8 => Code::UidNext(Uid::new(from.small())),
        9 => Code::UidValidity(validity(from)),
        10 => Code::Unseen(Seq::new(from.small())),
        11 => Code::BadEvent(from.list(3, Chooser::word)),
        12 => Code::BadUrl(from.line()),
        13 => Code::NoUpdate(from.line()),
        14 => {
            let tag = from.maybe(Chooser::line);
            Code::InProgress(Progress::new(tag, from.maybe(Chooser::large), from.maybe(Chooser::large)))
        }
        15 => Code::MailboxId(from.word()),
        16 => Code::MaxConvertMessages(from.small()),
        17 => Code::MaxConvertParts(from.small()),
        18 => Code::MessageLimit { limit: from.small(), uid: Uid::new(from.small()) },
        19 => Code::Metadata(MetadataCode::LongEntries(from.large())),
        20 => Code::Metadata(MetadataCode::MaxSize(from.large())),
        21 => Code::Referral(from.some(3, Chooser::word)),
        22 => Code::UndefinedFilter(from.word()),
        23 => Code::UrlMech(from.some(2, |from| (from.word(), from.maybe(Chooser::word)))),
        25 => {
            let max_size = from.maybe(Chooser::large);
            Code::Annotations(Some(AnnotationSupport::new(max_size, from.yes())))
        }
        24 => Code::Other { name: from.word(), text: from.maybe(Chooser::word) },
        _ => PLAIN[from.below(PLAIN.len())].clone(),
    }
}
