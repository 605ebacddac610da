//! LIST, LSUB, STATUS and NAMESPACE (RFC 9051 section 9, `mailbox-data` and `namespace-response`).

use super::out::{Out, utf7};
use crate::types::{ListEntry, MailboxStatus, ModSeq, Namespace, Namespaces, Uid, UidValidity};

/// `LIST (\HasChildren) "/" INBOX ("OLDNAME" ("old"))`.
pub(super) fn list(keyword: &str, entry: &ListEntry, out: &mut Out) {
    out.raw(keyword).space().list(&entry.attributes, |name, out| out.word(name)).space();
    delimiter(entry.delimiter, out);
    out.space().mailbox(&entry.name);
    if entry.old_name.is_none() && entry.child_info.is_empty() && entry.extended.is_empty() {
        return;
    }
    // RFC 9051 section 9, `mbox-list-extended`: alternating tags and values, in one pair of
    // parentheses.
    out.raw(" (");
    let mut gap = "";
    if let Some(name) = &entry.old_name {
        out.raw("\"OLDNAME\" (").mailbox(name).raw(")");
        gap = " ";
    }
    if !entry.child_info.is_empty() {
        out.raw(gap).raw("\"CHILDINFO\" ");
        out.list(&entry.child_info, |name, out| out.quoted(name.as_bytes()));
        gap = " ";
    }
    for (tag, value) in &entry.extended {
        out.raw(gap).astring(tag.as_bytes()).space().bytes(value.as_bytes());
        gap = " ";
    }
    out.raw(")");
}

/// `DQUOTE QUOTED-CHAR DQUOTE` or `nil`.
fn delimiter(delimiter: Option<char>, out: &mut Out) {
    match delimiter {
        Some(c) => out.quoted(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.raw("NIL"),
    };
}

/// `STATUS INBOX (MESSAGES 2 UIDNEXT 7)`; SIZE also of RFC 8438, HIGHESTMODSEQ of RFC 7162,
/// DELETED-STORAGE of RFC 9208, APPENDLIMIT of RFC 7889, MAILBOXID of RFC 8474.
pub(super) fn status(response: &MailboxStatus, out: &mut Out) {
    let small = |value: Option<u32>| value.map(u64::from);
    let counts = [
        ("MESSAGES ", small(response.messages)),
        ("RECENT ", small(response.recent)),
        ("UIDNEXT ", small(response.uid_next.map(Uid::get))),
        ("UIDVALIDITY ", small(response.uid_validity.map(UidValidity::get))),
        ("UNSEEN ", small(response.unseen)),
        ("DELETED ", small(response.deleted)),
        ("SIZE ", response.size),
        ("HIGHESTMODSEQ ", response.highest_mod_seq.map(ModSeq::get)),
        ("DELETED-STORAGE ", response.deleted_storage),
        ("APPENDLIMIT ", response.append_limit),
    ];
    out.raw("STATUS ").mailbox(&response.name).raw(" (");
    let mut gap = "";
    for (name, value) in counts {
        if let Some(value) = value {
            out.raw(std::mem::replace(&mut gap, " ")).raw(name).number(value);
        }
    }
    if let Some(id) = &response.mailbox_id {
        out.raw(std::mem::replace(&mut gap, " ")).raw("MAILBOXID (").word(id).raw(")");
    }
    for (name, value) in &response.other {
        out.raw(std::mem::replace(&mut gap, " ")).word(name).space().bytes(value.as_bytes());
    }
    out.raw(")");
}

/// `NAMESPACE (("" "/")) NIL NIL`.
pub(super) fn namespaces(all: &Namespaces, out: &mut Out) {
    out.raw("NAMESPACE");
    for place in [&all.personal, &all.other_users, &all.shared] {
        out.space();
        if place.is_empty() {
            out.raw("NIL");
            continue;
        }
        out.raw("(");
        place.iter().for_each(|one| namespace(one, out));
        out.raw(")");
    }
}

fn namespace(response: &Namespace, out: &mut Out) {
    out.raw("(").string(&utf7(&response.prefix)).space();
    delimiter(response.delimiter, out);
    for (name, values) in &response.extensions {
        out.space().string(name.as_bytes()).space();
        out.list(values, |value, out| out.string(value.as_bytes()));
    }
    if let Some(text) = &response.translation {
        // RFC 5255 section 3.4.
        out.raw(" \"TRANSLATION\" (").string(&utf7(text)).raw(")");
    }
    out.raw(")");
}
