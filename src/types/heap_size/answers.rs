//! Heap memory of the answers other than rows of messages and mailboxes.

use super::HeapSize;
use crate::types::answer::{Answer, ESearch, SearchNumbers};
use crate::types::code::{Code, ModifiedSet};
use crate::types::comparator::Comparator;
use crate::types::context::{PartialResult, ResultChange};
use crate::types::heap_size::block;
use crate::types::metadata::{Metadata, MetadataEntry, MetadataValue};
use crate::types::namespace::{Namespace, Namespaces};
use crate::types::number_list::{SortResult, UidBatches};
use crate::types::progress::Progress;
use crate::types::quota::{Quota, QuotaResource, QuotaRoot};
use crate::types::rights::{Acl, ListRights, MyRights};
use crate::types::status::StatusResponse;
use crate::types::url::UrlData;

impl HeapSize for Metadata {
    fn heap_size(&self) -> usize {
        let Self { mailbox, entries } = self;
        mailbox.heap_size() + entries.heap_size()
    }
}

impl HeapSize for MetadataEntry {
    fn heap_size(&self) -> usize {
        let Self { name, value } = self;
        name.heap_size()
            + match value {
                MetadataValue::Set(value) => value.heap_size(),
                MetadataValue::Unset | MetadataValue::Changed => 0,
            }
    }
}

impl HeapSize for Namespaces {
    fn heap_size(&self) -> usize {
        let Self { personal, other_users, shared } = self;
        personal.heap_size() + other_users.heap_size() + shared.heap_size()
    }
}

impl HeapSize for Namespace {
    fn heap_size(&self) -> usize {
        let Self { prefix, delimiter: _, extensions, translation } = self;
        prefix.heap_size() + extensions.heap_size() + translation.heap_size()
    }
}

impl HeapSize for Acl {
    fn heap_size(&self) -> usize {
        let Self { mailbox, entries } = self;
        mailbox.heap_size() + entries.heap_size()
    }
}

impl HeapSize for ListRights {
    fn heap_size(&self) -> usize {
        let Self { mailbox, identifier, required, optional } = self;
        mailbox.heap_size() + identifier.heap_size() + required.heap_size() + optional.heap_size()
    }
}

impl HeapSize for MyRights {
    fn heap_size(&self) -> usize {
        let Self { mailbox, rights } = self;
        mailbox.heap_size() + rights.heap_size()
    }
}

impl HeapSize for Quota {
    fn heap_size(&self) -> usize {
        let Self { root, resources } = self;
        root.heap_size() + resources.heap_size()
    }
}

impl HeapSize for QuotaResource {
    fn heap_size(&self) -> usize {
        let Self { name, usage: _, limit: _ } = self;
        name.heap_size()
    }
}

impl HeapSize for QuotaRoot {
    fn heap_size(&self) -> usize {
        let Self { mailbox, roots } = self;
        mailbox.heap_size() + roots.heap_size()
    }
}

impl HeapSize for UrlData {
    fn heap_size(&self) -> usize {
        let Self { url, data, other } = self;
        url.heap_size() + data.heap_size() + other.heap_size()
    }
}

impl HeapSize for Comparator {
    fn heap_size(&self) -> usize {
        let Self { active, matching } = self;
        active.heap_size() + matching.heap_size()
    }
}

impl HeapSize for SearchNumbers {
    fn heap_size(&self) -> usize {
        let Self { numbers, mod_seq: _ } = self;
        numbers.heap_size()
    }
}

impl HeapSize for SortResult {
    fn heap_size(&self) -> usize {
        let Self { numbers, mod_seq: _ } = self;
        numbers.heap_size()
    }
}

impl HeapSize for UidBatches {
    fn heap_size(&self) -> usize {
        let Self { tag, batches } = self;
        tag.heap_size() + batches.heap_size()
    }
}

impl HeapSize for PartialResult {
    fn heap_size(&self) -> usize {
        let Self { range: _, numbers } = self;
        numbers.heap_size()
    }
}

impl HeapSize for ResultChange {
    fn heap_size(&self) -> usize {
        let Self { added: _, position: _, numbers } = self;
        numbers.heap_size()
    }
}

impl HeapSize for ESearch {
    fn heap_size(&self) -> usize {
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
        let numbers = all.heap_size()
            + sorted.heap_size()
            + partial.heap_size()
            + changes.heap_size()
            + block(relevancy.capacity());
        tag.heap_size() + numbers + mailbox.heap_size() + other.heap_size()
    }
}

impl HeapSize for Progress {
    fn heap_size(&self) -> usize {
        let Self { tag, done: _, total: _ } = self;
        tag.heap_size()
    }
}

impl HeapSize for StatusResponse {
    fn heap_size(&self) -> usize {
        let Self { status: _, code, text } = self;
        code.heap_size() + text.heap_size()
    }
}

impl HeapSize for Code {
    fn heap_size(&self) -> usize {
        match self {
            Self::AppendUid { uids, uid_validity: _ } => uids.heap_size(),
            Self::BadCharset(words) | Self::BadEvent(words) | Self::Referral(words) => words.heap_size(),
            Self::Capability(all) => all.heap_size(),
            Self::CopyUid(copied) => copied.heap_size(),
            Self::Modified(ModifiedSet::Numbers(set)) => set.heap_size(),
            Self::Modified(ModifiedSet::Uids(set)) => set.heap_size(),
            Self::Modified(ModifiedSet::Seqs(set)) => set.heap_size(),
            Self::PermanentFlags(flags) => flags.heap_size(),
            Self::BadUrl(text)
            | Self::MailboxId(text)
            | Self::NoUpdate(text)
            | Self::UndefinedFilter(text) => text.heap_size(),
            Self::InProgress(progress) => progress.heap_size(),
            Self::UrlMech(all) => all.heap_size(),
            Self::Other { name, text } => name.heap_size() + text.heap_size(),
            Self::Alert
            | Self::AlreadyExists
            | Self::AuthenticationFailed
            | Self::AuthorizationFailed
            | Self::Annotate(_)
            | Self::Annotations(_)
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
            | Self::TooFew
            | Self::TooMany
            | Self::UidRequired
            | Self::UseAttr => 0,
        }
    }
}

impl HeapSize for Answer {
    fn heap_size(&self) -> usize {
        match self {
            Self::Fetch(message) => message.heap_size(),
            Self::Status(status) => status.heap_size(),
            Self::Capability(all) => all.heap_size(),
            Self::Enabled(words) | Self::Language(words) | Self::GenUrlAuth(words) => words.heap_size(),
            Self::Flags(flags) => flags.heap_size(),
            Self::List(entry) | Self::Lsub(entry) => entry.heap_size(),
            Self::MailboxStatus(status) => status.heap_size(),
            Self::Search(found) => found.heap_size(),
            Self::ESearch(found) => found.heap_size(),
            Self::Vanished { earlier: _, uids } => uids.heap_size(),
            Self::Id(fields) => fields.heap_size(),
            Self::Namespace(all) => all.heap_size(),
            Self::Acl(acl) => acl.heap_size(),
            Self::ListRights(rights) => rights.heap_size(),
            Self::MyRights(rights) => rights.heap_size(),
            Self::Quota(quota) => quota.heap_size(),
            Self::QuotaRoot(roots) => roots.heap_size(),
            Self::Metadata(metadata) => metadata.heap_size(),
            Self::Sort(found) => found.heap_size(),
            Self::Thread(threads) => threads.heap_size(),
            Self::Comparator(comparator) => comparator.heap_size(),
            Self::UrlFetch(urls) => urls.heap_size(),
            Self::UidBatches(batches) => batches.heap_size(),
            Self::JmapAccess(url) => url.heap_size(),
            Self::Exists(_) | Self::Recent(_) | Self::Expunge { .. } | Self::Other => 0,
        }
    }
}
