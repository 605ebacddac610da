//! Rights (RFC 4314), quotas (RFC 9208), annotations (RFC 5464), URLs (RFC 4467, RFC 5524) and ID
//! (RFC 2971).

use super::out::Out;
use crate::types::{Acl, ListRights, Metadata, MetadataValue, MyRights, Quota, QuotaRoot, UrlData};

/// `ID ("name" "Cyrus" "version" NIL)` (RFC 2971 section 3.2).
pub(super) fn id(fields: &[(String, Option<String>)], out: &mut Out) {
    out.raw("ID ");
    if fields.is_empty() {
        out.raw("NIL");
        return;
    }
    out.list(fields, |(name, value), out| {
        out.string(name.as_bytes()).space().nstring(value.as_deref().map(str::as_bytes))
    });
}

/// `ACL INBOX Fred rwipslxcetda` (RFC 4314 section 3.6).
pub(super) fn acl(acl: &Acl, out: &mut Out) {
    out.raw("ACL ").mailbox(&acl.mailbox);
    for (who, rights) in &acl.entries {
        out.space().astring(who.as_bytes()).space().astring(rights.as_str().as_bytes());
    }
}

/// `LISTRIGHTS ~/Mail/saved smith la r swicdkxte` (RFC 4314 section 3.7).
pub(super) fn list_rights(response: &ListRights, out: &mut Out) {
    out.raw("LISTRIGHTS ").mailbox(&response.mailbox).space().astring(response.identifier.as_bytes());
    for rights in std::iter::once(&response.required).chain(&response.optional) {
        out.space().astring(rights.as_str().as_bytes());
    }
}

/// `MYRIGHTS INBOX rwiptsldaex` (RFC 4314 section 3.8).
pub(super) fn my_rights(response: &MyRights, out: &mut Out) {
    out.raw("MYRIGHTS ").mailbox(&response.mailbox).space().astring(response.rights.as_str().as_bytes());
}

/// `QUOTA "" (STORAGE 10 512)` (RFC 9208 section 4.2.1).
pub(super) fn quota(response: &Quota, out: &mut Out) {
    out.raw("QUOTA ").astring(response.root.as_bytes()).space().list(&response.resources, |resource, out| {
        out.word(&resource.name).space().count(resource.usage).space().count(resource.limit)
    });
}

/// `QUOTAROOT INBOX ""` (RFC 9208 section 4.2.2).
pub(super) fn quota_root(response: &QuotaRoot, out: &mut Out) {
    out.raw("QUOTAROOT ").mailbox(&response.mailbox);
    response.roots.iter().for_each(|root| {
        // All in quotes: an atom before quotes would look like a part of the mailbox's name.
        out.space().string(root.as_bytes());
    });
}

/// `METADATA INBOX (/shared/comment "Shared comment")`, or names alone where they only changed (RFC
/// 5464 section 4.4).
pub(super) fn metadata(response: &Metadata, out: &mut Out) {
    out.raw("METADATA ");
    match &response.mailbox {
        Some(name) => out.mailbox(name),
        None => out.raw("\"\""),
    };
    let values = response.entries.iter().any(|entry| !matches!(entry.value, MetadataValue::Changed));
    if !values && !response.entries.is_empty() {
        response.entries.iter().for_each(|entry| {
            out.space().astring(entry.name.as_bytes());
        });
        return;
    }
    out.space().list(&response.entries, |entry, out| {
        out.astring(entry.name.as_bytes()).space();
        match &entry.value {
            MetadataValue::Set(value) => out.string(value),
            MetadataValue::Unset | MetadataValue::Changed => out.raw("NIL"),
        }
    });
}

/// `URLFETCH "imap://…" {28}…` (RFC 4467 section 7), or with items in parentheses (RFC 5524 section
/// 4).
pub(super) fn url_fetch(urls: &[UrlData], out: &mut Out) {
    out.raw("URLFETCH");
    for url in urls {
        out.space().astring(url.url.as_bytes());
        if url.other.is_empty() {
            out.space().nstring(url.data.as_deref());
            continue;
        }
        for (name, value) in &url.other {
            out.raw(" (").word(name).space().bytes(value).raw(")");
        }
        if let Some(data) = &url.data {
            out.raw(" (BODY ").string(data).raw(")");
        }
    }
}
