//! Commands about mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE, LIST and LSUB, STATUS, METADATA,
//! QUOTA. SELECT and EXAMINE stand with the engine (`engine/tests/select_examples.rs`).

use super::transcript::example;
use super::{done, line};
use crate::command::{
    Create, Delete, GetMetadata, GetQuota, GetQuotaRoot, List, Noop, Rename, SetMetadata, SetQuota,
    StatusCommand, StatusItems, Subscribe,
};
use crate::types::{Code, ListEntry};

const EXTENDED: &str = "LIST-EXTENDED LIST-STATUS SPECIAL-USE LIST-MYRIGHTS CHILDREN";

/// RFC 9051 sections 6.3.4 to 6.3.8.
#[test]
fn mailboxes_are_made_renamed_and_deleted() {
    example(Create::new("owatagusiam/"), "", "C: A003 CREATE owatagusiam/\nS: A003 OK CREATE completed");
    let below = "C: A004 CREATE owatagusiam/blurdybloop\nS: A004 OK CREATE completed";
    example(Create::new("owatagusiam/blurdybloop"), "", below);
    // The engine takes the LIST for what became of the name.
    example(
        Create::new("NonNormalized"),
        "",
        "C: A005 CREATE NonNormalized\n\
         E: * LIST () \"/\" \"Normalized\" (\"OLDNAME\" (\"NonNormalized\"))\n\
         S: A005 OK CREATE completed",
    );
    example(Delete::new("blurdybloop"), "", "C: A683 DELETE blurdybloop\nS: A683 OK DELETE completed");
    example(Delete::new("foo/bar"), "", "C: A685 DELETE foo/bar\nS: A685 OK DELETE Completed");
    let rename = Rename::new("blurdybloop", "sarasoop");
    example(rename, "", "C: A683 RENAME blurdybloop sarasoop\nS: A683 OK RENAME completed");
    let inbox = "C: Z433 RENAME INBOX old-mail\nS: Z433 OK RENAME completed";
    example(Rename::new("inbox", "old-mail"), "", inbox);
    let subscribe = "C: A002 SUBSCRIBE #news.comp.mail.mime\nS: A002 OK SUBSCRIBE completed";
    example(Subscribe::new("#news.comp.mail.mime"), "", subscribe);
    let unsubscribe = "C: A002 UNSUBSCRIBE #news.comp.mail.mime\nS: A002 OK UNSUBSCRIBE completed";
    example(Subscribe::unsubscribe("#news.comp.mail.mime"), "", unsubscribe);
    // RFC 8474 section 4.1, RFC 6154 section 5.3, RFC 9051 section 7.1.
    let made = example(
        Create::new("foo"),
        "OBJECTID",
        "C: 3 create foo\nS: 3 OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Completed",
    );
    assert_eq!(made.mailbox_id.as_deref(), Some("F2212ea87-6097-4256-9d51-71338625"));
    for (end, code) in [
        ("NO [USEATTR] \\All not supported", Code::UseAttr),
        ("NO [ALREADYEXISTS] Mailbox \"that\" already exists", Code::AlreadyExists),
        ("NO [CANNOT] Adjacent slashes are not supported", Code::Cannot),
        ("NO [HASCHILDREN] Mailbox \"Notes\" has children that need to be deleted first", Code::HasChildren),
        ("NO [INUSE] Mailbox in use", Code::InUse),
        ("NO [NONEXISTENT] No such mailbox", Code::NonExistent),
    ] {
        assert_eq!(done(end).status.code, Some(code));
    }
}

fn list(list: List, text: &str) -> Vec<ListEntry> {
    example(list, EXTENDED, text)
}

/// RFC 9051 section 6.3.9.8 (RFC 5258 section 5, examples 1 to 6).
#[test]
fn mailboxes_are_listed() {
    let all = list(
        List::new("*"),
        "C: A01 LIST \"\" \"*\"\n\
         S: * LIST (\\Marked \\NoInferiors) \"/\" \"inbox\"\n\
         S: * LIST () \"/\" \"Fruit\"\n\
         S: * LIST () \"/\" \"Fruit/Apple\"\n\
         S: * LIST () \"/\" \"Fruit/Banana\"\n\
         S: * LIST () \"/\" \"Tofu\"\n\
         S: * LIST () \"/\" \"Vegetable\"\n\
         S: * LIST () \"/\" \"Vegetable/Broccoli\"\n\
         S: * LIST () \"/\" \"Vegetable/Corn\"\n\
         S: A01 OK done",
    );
    assert!(all.len() == 8 && all[0].name.is_inbox() && all[0].has("\\Marked"));
    let subscribed = list(
        List::new("*").subscribed(),
        "C: A02 LIST (SUBSCRIBED) \"\" \"*\"\n\
         S: * LIST (\\Marked \\NoInferiors \\Subscribed) \"/\" \"inbox\"\n\
         S: * LIST (\\Subscribed) \"/\" \"Fruit/Banana\"\n\
         S: * LIST (\\Subscribed \\NonExistent) \"/\" \"Fruit/Peach\"\n\
         S: * LIST (\\Subscribed) \"/\" \"Vegetable\"\n\
         S: * LIST (\\Subscribed) \"/\" \"Vegetable/Broccoli\"\n\
         S: A02 OK done",
    );
    assert!(subscribed.len() == 5 && subscribed[2].has("\\NonExistent"));
    let children = list(
        List::new("%").remote().with_children(),
        "C: A04 LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)\n\
         S: * LIST (\\Marked \\NoInferiors) \"/\" \"inbox\"\n\
         S: * LIST (\\HasChildren) \"/\" \"Fruit\"\n\
         S: * LIST (\\HasNoChildren) \"/\" \"Tofu\"\n\
         S: * LIST (\\HasChildren) \"/\" \"Vegetable\"\n\
         S: * LIST (\\Remote \\HasNoChildren) \"/\" \"Bread\"\n\
         S: * LIST (\\HasChildren \\Remote) \"/\" \"Meat\"\n\
         S: A04 OK done",
    );
    assert!(children[1].has("\\HasChildren") && children[4].has("\\Remote"));
    let of_both = list(
        List::new("*").remote().with_subscriptions(),
        "C: A06 LIST (REMOTE) \"\" \"*\" RETURN (SUBSCRIBED)\n\
         S: * LIST (\\Marked \\NoInferiors \\Subscribed) \"/\" \"inbox\"\n\
         S: * LIST () \"/\" \"Fruit\"\n\
         S: * LIST (\\Remote \\Subscribed) \"/\" \"Bread\"\n\
         S: * LIST (\\Remote) \"/\" \"Meat\"\n\
         S: A06 OK done",
    );
    assert_eq!(
        of_both.iter().map(|entry| entry.has("\\Subscribed")).collect::<Vec<_>>(),
        [true, false, true, false]
    );
    let several = list(
        List::new("INBOX").or("Drafts").or("Sent/%"),
        "C: BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")\n\
         S: * LIST () \"/\" \"INBOX\"\n\
         S: * LIST (\\NoInferiors) \"/\" \"Drafts\"\n\
         S: * LIST () \"/\" \"Sent/March2004\"\n\
         S: * LIST (\\Marked) \"/\" \"Sent/December2003\"\n\
         S: * LIST () \"/\" \"Sent/August2004\"\n\
         S: BBB OK done",
    );
    assert_eq!(several.len(), 5);
    // Section 6.3.9.8, the last examples of names, and 7.3.1.
    let of_user = list(
        List::new("%").under("~/Mail/"),
        "C: A202 LIST ~/Mail/ %\n\
         S: * LIST (\\Noselect) \"/\" ~/Mail/foo\n\
         S: * LIST () \"/\" ~/Mail/meetings\n\
         S: A202 OK LIST completed",
    );
    assert_eq!(of_user.iter().map(ListEntry::is_selectable).collect::<Vec<_>>(), [false, true]);
    let root = list(
        List::new("").under("/usr/staff/jones"),
        "C: A103 LIST /usr/staff/jones \"\"\nS: * LIST (\\Noselect) \"/\" /\nS: A103 OK LIST Completed",
    );
    assert_eq!(root[0].delimiter, Some('/'));
    // RFC 3501 section 6.3.9.
    let news = example(
        List::new("comp.mail.*").under("#news.").lsub(),
        "",
        "C: A002 LSUB \"#news.\" \"comp.mail.*\"\n\
         S: * LSUB () \".\" #news.comp.mail.mime\n\
         S: * LSUB () \".\" #news.comp.mail.misc\n\
         S: A002 OK LSUB completed",
    );
    assert_eq!(news.len(), 2);
    let above = "C: A003 LSUB \"#news.\" \"comp.%\"\n\
        S: * LSUB (\\NoSelect) \".\" #news.comp.mail\n\
        S: A003 OK LSUB completed";
    assert!(!example(List::new("comp.%").under("#news.").lsub(), "", above)[0].is_selectable());
}

/// RFC 9051 section 6.3.9.8 (RFC 5258 section 5, examples 7 to 10): what is subscribed below.
#[test]
fn mailboxes_above_subscribed_ones_are_listed() {
    let recursive = |pattern: &str| List::new(pattern).subscribed().recursive_match();
    for attributes in ["", "\\Subscribed", "\\Subscribed \\HasChildren", "\\NonExistent"] {
        let text = format!(
            "C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\n\
             S: * LIST ({attributes}) \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\n\
             S: C04 OK done"
        );
        let found = list(recursive("%"), &text);
        assert_eq!(found[0].has("\\Subscribed"), attributes.contains("Subscribed"));
        assert_eq!(found[0].has("\\NonExistent"), attributes.contains("NonExistent"));
    }
    let with_children = "C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" RETURN (CHILDREN)\n\
        S: * LIST (\\HasChildren \\Subscribed) \"/\" \"Foo\"\n\
        S: * LIST (\\HasNoChildren \\Subscribed) \"/\" \"Moo\"\n\
        S: C04 OK done";
    assert_eq!(list(recursive("%").with_children(), with_children).len(), 2);
    let alone = "C: a3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN (CHILDREN)\n\
        S: * LIST (\\HasNoChildren) \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n\
        S: a3 OK done";
    assert_eq!(list(recursive("foo").with_children(), alone).len(), 1);
}

/// RFC 6154 section 5.1.
#[test]
fn mailboxes_are_listed_by_their_use() {
    let uses = list(
        List::new("*").special_use(),
        "C: t3 LIST (SPECIAL-USE) \"\" \"*\"\n\
         S: * LIST (\\Sent) \"/\" SentMail\n\
         S: * LIST (\\Marked \\Drafts) \"/\" MyDrafts\n\
         S: * LIST (\\Trash) \"/\" Trash\n\
         S: t3 OK done",
    );
    assert_eq!(uses.iter().filter(|entry| entry.has("\\Drafts")).count(), 1);
    let all = list(
        List::new("%").with_special_use(),
        "C: t2 LIST \"\" \"%\" RETURN (SPECIAL-USE)\n\
         S: * LIST (\\Marked) \"/\" Inbox\n\
         S: * LIST () \"/\" ToDo\n\
         S: * LIST (\\Sent) \"/\" SentMail\n\
         S: t2 OK done",
    );
    assert_eq!(all.len(), 3);
}

/// RFC 5819 section 4, RFC 8438 section 4, RFC 8440 section 4, RFC 8474 section 4.3, RFC 7889
/// section 3.2.
#[test]
fn what_comes_beside_a_list_is_its_mailboxes() {
    let counted = example(
        List::new("%").with_status(StatusItems::messages().unseen()),
        EXTENDED,
        "C: A01 LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))\n\
         S: * LIST () \".\"  \"INBOX\"\n\
         S: * STATUS \"INBOX\" (MESSAGES 17 UNSEEN 16)\n\
         S: * LIST () \".\" \"foo\"\n\
         S: * STATUS \"foo\" (MESSAGES 30 UNSEEN 29)\n\
         S: * LIST (\\NoSelect) \".\" \"bar\"\n\
         S: A01 OK List completed.",
    );
    let unseen: Vec<_> = counted.iter().map(|entry| entry.status.as_ref().and_then(|s| s.unseen)).collect();
    assert_eq!(unseen, [Some(16), Some(29), None]);
    let recursive = example(
        List::new("%").subscribed().recursive_match().with_status(StatusItems::messages()),
        EXTENDED,
        "C: A02 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (STATUS (MESSAGES))\n\
         S: * LIST (\\Subscribed) \".\"  \"INBOX\"\n\
         S: * STATUS \"INBOX\" (MESSAGES 17)\n\
         S: * LIST () \".\" \"foo\" (CHILDINFO (\"SUBSCRIBED\"))\n\
         S: A02 OK List completed.",
    );
    assert_eq!(recursive.len(), 2);
    let sized = example(
        List::new("%").with_status(StatusItems::messages().size()),
        "LIST-EXTENDED LIST-STATUS STATUS=SIZE",
        "C: A04 LIST \"\" % RETURN (STATUS (MESSAGES SIZE))\n\
         S: * LIST () \".\" \"INBOX\"\n\
         S: * STATUS \"INBOX\" (MESSAGES 17 SIZE 16234)\n\
         S: A04 OK List completed.",
    );
    assert_eq!(sized[0].status.as_ref().and_then(|status| status.size), Some(16234));
    let rights = example(
        List::new("%").with_my_rights(),
        EXTENDED,
        "C: A01 LIST \"\" % RETURN (MYRIGHTS)\n\
         S: * LIST () \".\" \"INBOX\"\n\
         S: * MYRIGHTS \"INBOX\" lrswipkxtecda\n\
         S: * LIST () \".\" \"foo\"\n\
         S: * MYRIGHTS \"foo\" lrs\n\
         S: * LIST (\\NonExistent) \".\" \"bar\"\n\
         S: A01 OK List completed.",
    );
    assert!(
        rights[0].my_rights.as_ref().is_some_and(|rights| rights.can('x')) && rights[2].my_rights.is_none()
    );
    let with_ids = example(
        List::new("*").with_status(StatusItems::mailbox_id()),
        "LIST-EXTENDED LIST-STATUS OBJECTID",
        "C: 11 list \"\" \"*\" return (status (mailboxid))\n\
         S: * LIST (\\HasNoChildren) \".\" INBOX\n\
         S: * STATUS INBOX (MAILBOXID (Ff8e3ead4-9389-4aff-adb1-d8d89efd8cbf))\n\
         S: * LIST (\\HasNoChildren) \".\" bar\n\
         S: * STATUS bar (MAILBOXID (F6352ae03-b7f5-463c-896f-d8b48ee3))\n\
         S: 11 OK Completed (0.001 secs 3 calls)",
    );
    let id = with_ids[1].status.as_ref().and_then(|status| status.mailbox_id.as_deref());
    assert_eq!(id, Some("F6352ae03-b7f5-463c-896f-d8b48ee3"));
    let limits = example(
        List::new("%").with_status(StatusItems::append_limit()),
        "LIST-EXTENDED LIST-STATUS APPENDLIMIT",
        "C: t1 LIST \"\" % RETURN (STATUS (APPENDLIMIT))\n\
         S: * LIST () \".\"  \"INBOX\"\n\
         S: * STATUS \"INBOX\" (APPENDLIMIT 257890)\n\
         S: t1 OK List completed.",
    );
    assert_eq!(limits[0].status.as_ref().and_then(|status| status.append_limit), Some(257_890));
}

/// RFC 9051 section 6.3.11, RFC 7162 section 3.1.7, RFC 8438 section 3, RFC 8474 section 4.3, RFC
/// 7889 section 3.1, RFC 9208 section 4.1.4. Items have an order of their own here.
#[test]
fn what_is_in_a_mailbox() {
    let status =
        |name: &str, items, can: &str, text: &str| example(StatusCommand::new(name, items), can, text);
    let found = status(
        "blurdybloop",
        StatusItems::uid_next().messages(),
        "",
        "C: A042 STATUS blurdybloop (MESSAGES UIDNEXT)\n\
         S: * STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\n\
         S: A042 OK STATUS completed",
    );
    assert_eq!((found.messages, found.uid_next.map(|uid| uid.get())), (Some(231), Some(44292)));
    let found = status(
        "blurdybloop",
        StatusItems::uid_next().messages().highest_mod_seq(),
        "CONDSTORE",
        "C: A042 STATUS blurdybloop (MESSAGES UIDNEXT HIGHESTMODSEQ)\n\
         S: * STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 HIGHESTMODSEQ 7011231777)\n\
         S: A042 OK STATUS completed",
    );
    assert_eq!(found.highest_mod_seq.map(|mod_seq| mod_seq.get()), Some(7_011_231_777));
    let found = status(
        "frop",
        StatusItems::messages().size().uid_next(),
        "STATUS=SIZE",
        "C: A01 STATUS frop (MESSAGES UIDNEXT SIZE)\n\
         S: * STATUS frop (MESSAGES 8 SIZE 44421 UIDNEXT 242344)\n\
         S: A01 OK [...]",
    );
    assert_eq!((found.size, found.messages), (Some(44421), Some(8)));
    let found = status(
        "foo",
        StatusItems::mailbox_id(),
        "OBJECTID",
        "C: 6 status foo (mailboxid)\n\
         S: * STATUS foo (MAILBOXID (F2212ea87-6097-4256-9d51-71338625))\n\
         S: 6 OK Completed",
    );
    assert_eq!(found.mailbox_id.as_deref(), Some("F2212ea87-6097-4256-9d51-71338625"));
    let found = status(
        "INBOX",
        StatusItems::append_limit(),
        "APPENDLIMIT",
        "C: t1 STATUS INBOX (APPENDLIMIT)\n\
         S: * STATUS INBOX (APPENDLIMIT 257890)\n\
         S: t1 OK STATUS completed",
    );
    assert_eq!(found.append_limit, Some(257_890));
    let found = status(
        "INBOX",
        StatusItems::messages().deleted().deleted_storage(),
        "QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE",
        "C: S0003 STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)\n\
         S: * STATUS INBOX (MESSAGES 12 DELETED 4 DELETED-STORAGE 8)\n\
         S: S0003 OK Status complete.",
    );
    assert_eq!((found.deleted, found.deleted_storage), (Some(4), Some(8)));
}

/// RFC 9208 sections 4.1.1 to 4.1.3.
#[test]
fn quotas() {
    let can = "QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE QUOTASET";
    let disk = example(
        GetQuota::new("!partition/sda4"),
        can,
        "C: G0001 GETQUOTA \"!partition/sda4\"\n\
         S: * QUOTA \"!partition/sda4\" (STORAGE 104 10923847)\n\
         S: G0001 OK Getquota complete",
    );
    assert_eq!((disk.resources[0].usage, disk.resources[0].limit), (Some(104), Some(10_923_847)));
    let inbox = example(
        GetQuotaRoot::new("INBOX"),
        can,
        "C: G0002 GETQUOTAROOT INBOX\n\
         S: * QUOTAROOT INBOX \"#user/alice\" \"!partition/sda4\"\n\
         S: * QUOTA \"#user/alice\" (MESSAGE 42 1000)\n\
         S: * QUOTA \"!partition/sda4\" (STORAGE 104 10923847)\n\
         S: G0002 OK Getquotaroot complete",
    );
    assert_eq!((inbox.roots.len(), inbox.quotas.len()), (2, 2));
    let both = example(
        GetQuota::new("#user/alice"),
        can,
        "C: S0000 GETQUOTA \"#user/alice\"\n\
         S: * QUOTA \"#user/alice\" (STORAGE 54 111 MESSAGE 42 1000)\n\
         S: S0000 OK Getquota completed",
    );
    assert_eq!(both.resources.len(), 2);
    let rounded = example(
        SetQuota::of("#user/alice").storage(510),
        can,
        "C: S0001 SETQUOTA \"#user/alice\" (STORAGE 510)\n\
         S: * QUOTA \"#user/alice\" (STORAGE 58 512)\n\
         S: S0001 OK Rounded quota",
    );
    assert_eq!(rounded.expect("a quota").resources[0].limit, Some(512));
    let disk = SetQuota::of("!partition/sda4").storage(99_999_999);
    assert_eq!(line(disk, can), "SETQUOTA \"!partition/sda4\" (STORAGE 99999999)");
    assert_eq!(done("NO [OVERQUOTA] APPEND Failed").status.code, Some(Code::OverQuota));
}

/// RFC 5464 sections 4.2, 4.3 and 4.4; RFC 5466 section 3.1, RFC 6154 section 5.4.
#[test]
fn annotations_of_mailboxes() {
    let can = "METADATA";
    let text = |value: Option<&bytes::Bytes>| value.map(|value| String::from_utf8_lossy(value).into_owned());
    let mine = example(
        GetMetadata::of("INBOX", ["/private/comment"]),
        can,
        "C: a GETMETADATA \"INBOX\" /private/comment\n\
         S: * METADATA \"INBOX\" (/private/comment \"My own comment\")\n\
         S: a OK GETMETADATA complete",
    );
    assert_eq!(text(mine.get("/private/comment")).as_deref(), Some("My own comment"));
    // Several entries stand in parentheses (section 5); the example of 4.4.1 lacks them.
    let apart = example(
        GetMetadata::of("INBOX", ["/private/comment", "/shared/comment"]),
        can,
        "C: a GETMETADATA \"INBOX\" (/private/comment /shared/comment)\n\
         S: * METADATA \"INBOX\" (/private/comment \"My comment\")\n\
         S: * METADATA \"INBOX\" (/shared/comment \"Its sunny outside!\")\n\
         S: a OK GETMETADATA complete",
    );
    assert_eq!(
        (apart.entries.len(), text(apart.get("/shared/comment"))),
        (2, Some("Its sunny outside!".into()))
    );
    example(
        SetMetadata::of("INBOX").unset("/private/comment"),
        can,
        "C: a SETMETADATA INBOX (/private/comment NIL)\nS: a OK SETMETADATA complete",
    );
    let filter = "OR SMALLER 5000 FROM \"boss@example.com\"";
    example(
        SetMetadata::of_server().set("/private/filters/values/on-the-road", filter),
        can,
        "C: a007 SETMETADATA \"\" (\"/private/filters/values/on-the-road\" \
         \"OR SMALLER 5000 FROM \\\"boss@example.com\\\"\")\n\
         S: a007 OK SETMETADATA complete",
    );
    example(
        SetMetadata::of("SavedDrafts").set("/private/specialuse", "\\Drafts"),
        can,
        "C: t3 SETMETADATA \"SavedDrafts\" (/private/specialuse \"\\\\Drafts\")\n\
         E: * METADATA \"MyDrafts\" (/private/specialuse NIL)\n\
         S: t3 OK SETMETADATA complete",
    );
    // Changes by others.
    example(Noop, can, "C: a NOOP\nE: * METADATA \"\" /shared/comment\nS: a OK NOOP complete");
    example(
        Noop,
        can,
        "C: a NOOP\nE: * METADATA \"INBOX\" /shared/comment /private/comment\nS: a OK NOOP complete",
    );
    let many = done("NO [METADATA TOOMANY] SETMETADATA failed").status.code;
    assert!(matches!(many, Some(Code::Metadata(_))), "{many:?}");
}
