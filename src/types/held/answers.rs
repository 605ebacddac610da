//! What the answers hold that are no rows of messages or mailboxes.

use super::Held;
use crate::types::answer::{Answer, ESearch, SearchResult};
use crate::types::code::{Code, ModifiedSet};
use crate::types::context::{PartialResult, ResultChange};
use crate::types::held::block;
use crate::types::metadata::{Metadata, MetadataEntry, MetadataValue};
use crate::types::namespace::{Namespace, Namespaces};
use crate::types::number_list::{SortResult, UidBatches};
use crate::types::progress::Progress;
use crate::types::quota::{Quota, QuotaResource, QuotaRoot};
use crate::types::rights::{Acl, ListRights, MyRights};
use crate::types::status::StatusResponse;
use crate::types::url::{Comparator, UrlData};

impl Held for Metadata {
    fn held(&self) -> usize {
        let Self { mailbox, entries } = self;
        mailbox.held() + entries.held()
    }
}

impl Held for MetadataEntry {
    fn held(&self) -> usize {
        let Self { name, value } = self;
        name.held()
            + match value {
                MetadataValue::Set(value) => value.held(),
                MetadataValue::Unset | MetadataValue::Changed => 0,
            }
    }
}

impl Held for Namespaces {
    fn held(&self) -> usize {
        let Self { personal, other_users, shared } = self;
        personal.held() + other_users.held() + shared.held()
    }
}

impl Held for Namespace {
    fn held(&self) -> usize {
        let Self { prefix, delimiter: _, extensions, translation } = self;
        prefix.held() + extensions.held() + translation.held()
    }
}

impl Held for Acl {
    fn held(&self) -> usize {
        let Self { mailbox, entries } = self;
        mailbox.held() + entries.held()
    }
}

impl Held for ListRights {
    fn held(&self) -> usize {
        let Self { mailbox, identifier, required, optional } = self;
        mailbox.held() + identifier.held() + required.held() + optional.held()
    }
}

impl Held for MyRights {
    fn held(&self) -> usize {
        let Self { mailbox, rights } = self;
        mailbox.held() + rights.held()
    }
}

impl Held for Quota {
    fn held(&self) -> usize {
        let Self { root, resources } = self;
        root.held() + resources.held()
    }
}

impl Held for QuotaResource {
    fn held(&self) -> usize {
        let Self { name, usage: _, limit: _ } = self;
        name.held()
    }
}

impl Held for QuotaRoot {
    fn held(&self) -> usize {
        let Self { mailbox, roots } = self;
        mailbox.held() + roots.held()
    }
}

impl Held for UrlData {
    fn held(&self) -> usize {
        let Self { url, data, other } = self;
        url.held() + data.held() + other.held()
    }
}

impl Held for Comparator {
    fn held(&self) -> usize {
        let Self { active, matching } = self;
        active.held() + matching.held()
    }
}

impl Held for SearchResult {
    fn held(&self) -> usize {
        let Self { numbers, mod_seq: _ } = self;
        numbers.held()
    }
}

impl Held for SortResult {
    fn held(&self) -> usize {
        let Self { numbers, mod_seq: _ } = self;
        numbers.held()
    }
}

impl Held for UidBatches {
    fn held(&self) -> usize {
        let Self { tag, batches } = self;
        tag.held() + batches.held()
    }
}

impl Held for PartialResult {
    fn held(&self) -> usize {
        let Self { range: _, numbers } = self;
        numbers.held()
    }
}

impl Held for ResultChange {
    fn held(&self) -> usize {
        let Self { added: _, position: _, numbers } = self;
        numbers.held()
    }
}

impl Held for ESearch {
    fn held(&self) -> usize {
        let Self {
            tag,
            uid: _,
            min: _,
            max: _,
            all,
            count: _,
            mod_seq: _,
            sorted,
            partial,
            changes,
            relevancy,
            mailbox,
            uid_validity: _,
            other,
        } = self;
        let numbers =
            all.held() + sorted.held() + partial.held() + changes.held() + block(relevancy.capacity());
        tag.held() + numbers + mailbox.held() + other.held()
    }
}

impl Held for Progress {
    fn held(&self) -> usize {
        let Self { tag, done: _, total: _ } = self;
        tag.held()
    }
}

impl Held for StatusResponse {
    fn held(&self) -> usize {
        let Self { status: _, code, text } = self;
        code.held() + text.held()
    }
}

impl Held for Code {
    fn held(&self) -> usize {
        match self {
            Self::AppendUid { uids, uid_validity: _ } => uids.held(),
            Self::BadCharset(words) | Self::BadEvent(words) | Self::Referral(words) => words.held(),
            Self::Capability(all) => all.held(),
            Self::CopyUid(copied) => copied.held(),
            Self::Modified(ModifiedSet::Numbers(set)) => set.held(),
            Self::Modified(ModifiedSet::Uids(set)) => set.held(),
            Self::Modified(ModifiedSet::Seqs(set)) => set.held(),
            Self::PermanentFlags(flags) => flags.held(),
            Self::BadUrl(text)
            | Self::MailboxId(text)
            | Self::NoUpdate(text)
            | Self::UndefinedFilter(text) => text.held(),
            Self::InProgress(progress) => progress.held(),
            Self::UrlMech(all) => all.held(),
            Self::Other { name, text } => name.held() + text.held(),
            Self::Alert
            | Self::AlreadyExists
            | Self::AuthenticationFailed
            | Self::AuthorizationFailed
            | Self::Cannot
            | Self::ClientBug
            | Self::Closed
            | Self::ContactAdmin
            | Self::Corruption
            | Self::Expired
            | Self::ExpungeIssued
            | Self::HasChildren
            | Self::HighestModSeq(_)
            | Self::InUse
            | Self::Limit
            | Self::NoModSeq
            | Self::NonExistent
            | Self::NoPerm
            | Self::NotSaved
            | Self::OverQuota
            | Self::Parse
            | Self::PrivacyRequired
            | Self::ReadOnly
            | Self::ReadWrite
            | Self::ServerBug
            | Self::TryCreate
            | Self::UidNext(_)
            | Self::UidNotSticky
            | Self::UidValidity(_)
            | Self::Unavailable
            | Self::UnknownCte
            | Self::Unseen(_)
            | Self::BadComparator
            | Self::CompressionActive
            | Self::MaxConvertMessages(_)
            | Self::MaxConvertParts(_)
            | Self::MessageLimit { .. }
            | Self::Metadata(_)
            | Self::NotificationOverflow
            | Self::TempFail
            | Self::TooBig
            | Self::UidRequired
            | Self::UseAttr => 0,
        }
    }
}

impl Held for Answer {
    fn held(&self) -> usize {
        match self {
            Self::Fetch(message) => message.held(),
            Self::Status(status) => status.held(),
            Self::Capability(all) => all.held(),
            Self::Enabled(words) | Self::Language(words) | Self::GenUrlAuth(words) => words.held(),
            Self::Flags(flags) => flags.held(),
            Self::List(entry) | Self::Lsub(entry) => entry.held(),
            Self::MailboxStatus(status) => status.held(),
            Self::Search(found) => found.held(),
            Self::ESearch(found) => found.held(),
            Self::Vanished { earlier: _, uids } => uids.held(),
            Self::Id(fields) => fields.held(),
            Self::Namespace(all) => all.held(),
            Self::Acl(acl) => acl.held(),
            Self::ListRights(rights) => rights.held(),
            Self::MyRights(rights) => rights.held(),
            Self::Quota(quota) => quota.held(),
            Self::QuotaRoot(roots) => roots.held(),
            Self::Metadata(told) => told.held(),
            Self::Sort(found) => found.held(),
            Self::Thread(threads) => threads.held(),
            Self::Comparator(comparator) => comparator.held(),
            Self::UrlFetch(urls) => urls.held(),
            Self::UidBatches(batches) => batches.held(),
            Self::JmapAccess(url) => url.held(),
            Self::Exists(_) | Self::Recent(_) | Self::Expunge { .. } | Self::Other => 0,
        }
    }
}
