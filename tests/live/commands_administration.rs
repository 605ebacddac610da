//! Commands about mailboxes beyond their names: LIST with its options, special uses, NAMESPACE,
//! QUOTA, ACL, METADATA, ENABLE; and what stands in where a server lacks some of it.

use imap_duplex::command::{
    Create, Enable, GetMetadata, List, MetadataDepth, SetAcl, SetMetadata, SetQuota, StatusItems,
};
use imap_duplex::types::{ListEntry, SpecialUse};
use imap_duplex::{ErrorKind, Select, Sent};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::server::Options;
use crate::support::within;

fn names(entries: &[ListEntry]) -> Vec<&str> {
    let mut names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    names
}

fn find<'a>(entries: &'a [ListEntry], name: &str) -> &'a ListEntry {
    entries.iter().find(|entry| entry.name.as_str() == name).unwrap_or_else(|| panic!("{name}: {entries:?}"))
}

/// A server as it is, and one that has next to nothing.
async fn both(check: impl AsyncFn(&mut Account, bool)) {
    let bare = Options {
        capability: Some("IMAP4rev1 CHILDREN ACL METADATA NAMESPACE QUOTA SPECIAL-USE".into()),
        ..Options::default()
    };
    for (options, is_bare) in [(Options::default(), false), (bare, true)] {
        let mut account = Account::with(&options, |config| config.auto_idle(false)).await;
        check(&mut account, is_bare).await;
        account.finish().await;
    }
}

#[tokio::test]
async fn several_patterns_with_children_are_one_list() {
    within(LIMIT, async {
        both(async |a: &mut Account, _| {
            for name in ["Work/2024", "Work/2025", "Entwürfe"] {
                a.imap.create(name).await.expect("CREATE");
            }
            let list = List::new("Work/%").or("Entw*").or("*2025").with_children();
            let listed = a.imap.list(list).await.expect("LIST");
            assert_eq!(names(&listed), ["Entwürfe", "Work/2024", "Work/2025"], "each once");
            let work = a.imap.list(List::new("Work").with_children()).await.expect("LIST");
            assert!(find(&work, "Work").has("\\HasChildren"), "{work:?}");
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn subscribed_mailboxes_are_found_above_and_below() {
    within(LIMIT, async {
        let a = Account::quiet().await;
        a.imap.create("Work/Plans").await.expect("CREATE");
        a.imap.subscribe("Work/Plans").await.expect("SUBSCRIBE");
        let list = List::new("%").subscribed().recursive_match();
        let listed = a.imap.list(list).await.expect("LIST");
        let work = find(&listed, "Work");
        assert_eq!(work.child_info, ["SUBSCRIBED"], "{work:?}");
        let listed = a.imap.list(List::new("*").with_subscriptions()).await.expect("LIST");
        assert!(find(&listed, "Work/Plans").has("\\Subscribed"), "{listed:?}");
        assert!(!find(&listed, "INBOX").has("\\Subscribed"), "{listed:?}");
        let lsub = a.imap.list(List::new("*").lsub()).await.expect("LSUB");
        assert!(find(&lsub, "Work/Plans").has("\\Subscribed"), "{lsub:?}");
        assert!(names(&lsub).iter().all(|name| *name != "INBOX"), "{lsub:?}");
        let listed = a.imap.list(List::new("*").remote()).await.expect("LIST");
        assert!(names(&listed).contains(&"INBOX"), "{listed:?}");
        let error = a.imap.list(List::new("%").recursive_match()).await.expect_err("by nothing");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn mailboxes_are_counted_with_the_list() {
    within(LIMIT, async {
        both(async |a: &mut Account, is_bare: bool| {
            a.imap.create("Work/Plans").await.expect("CREATE");
            a.imap.append("Work/Plans", MESSAGE).await.expect("APPEND");
            let list = || List::new("*").with_status(StatusItems::messages().uid_next());
            let listed = a.imap.list(list()).await.expect("LIST");
            let plans = find(&listed, "Work/Plans").status.as_ref().expect("its counts");
            assert_eq!((plans.messages, plans.uid_next.map(|uid| uid.get())), (Some(1), Some(2)));
            assert_eq!(find(&listed, "INBOX").status.as_ref().and_then(|s| s.messages), Some(0));
            // A name that has no mailbox, or none that can be selected.
            let work = find(&listed, "Work");
            assert_eq!((work.status.is_none(), work.is_selectable()), (true, false), "{work:?}");
            let strict = a.imap.list(list().strict()).await;
            match strict {
                Ok(all) => assert!(!is_bare && names(&all) == names(&listed)),
                Err(error) => assert!(is_bare && error.sent() == Sent::No, "{error}"),
            }
            // While others ask for the same.
            let (alone, again) = (a.imap.status("INBOX", StatusItems::messages()), a.imap.list(list()));
            let last = a.imap.status("Work/Plans", StatusItems::messages());
            assert_eq!(alone.await.expect("STATUS").messages, Some(0));
            let again = again.await.expect("LIST");
            assert_eq!(names(&again), names(&listed));
            assert_eq!(find(&again, "Work/Plans"), find(&listed, "Work/Plans"));
            assert_eq!(last.await.expect("STATUS").messages, Some(1));
            let none = a.imap.list(List::new("nothing*").with_status(StatusItems::messages())).await;
            assert_eq!(none.expect("LIST").len(), 0);
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn mailboxes_are_found_by_their_use() {
    within(LIMIT, async {
        both(async |a: &mut Account, _| {
            let special = a.imap.list(List::new("*").special_use()).await.expect("LIST");
            assert_eq!(names(&special), ["Drafts", "Sent", "Trash"]);
            assert!(find(&special, "Sent").special_uses().eq([SpecialUse::Sent]), "{special:?}");
            let trash = a.imap.mailbox_for(SpecialUse::Trash).await.expect("LIST");
            assert_eq!(trash, Some("Trash".into()));
            assert_eq!(a.imap.mailbox_for("\\Archive").await.expect("LIST"), None);
            let all = a.imap.list(List::new("*").with_special_use()).await.expect("LIST");
            assert!(find(&all, "Drafts").is_for(&SpecialUse::Drafts), "{all:?}");
            assert!(find(&all, "INBOX").special_uses().next().is_none(), "{all:?}");
        })
        .await;
        let none = Options { capability: Some("IMAP4rev1".into()), ..Options::default() };
        let a = Account::with(&none, |config| config.auto_idle(false)).await;
        let error = a.imap.mailbox_for(SpecialUse::Sent).await.expect_err("it can't be known");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        assert!(error.to_string().contains("SPECIAL-USE"), "{error}");
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_is_made_for_a_use_where_the_server_has_that() {
    within(LIMIT, async {
        let a = Account::quiet().await;
        let made = a.imap.create(Create::new("Spam").for_use(SpecialUse::Junk)).await;
        if a.imap.capabilities().has("CREATE-SPECIAL-USE") {
            let made = made.expect("CREATE");
            assert_eq!(made.mailbox_id.is_some(), a.imap.capabilities().has("OBJECTID"));
            assert_eq!(a.imap.mailbox_for(SpecialUse::Junk).await.expect("LIST"), Some("Spam".into()));
            let error = a.imap.create(Create::new("x").for_use("\\X")).await.expect_err("no such use");
            assert_eq!(error.code().map(|code| code.name()), Some("USEATTR"));
        } else {
            let error = made.expect_err("unsent");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        }
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn namespaces_and_quotas_are_listed() {
    within(LIMIT, async {
        let a = Account::quiet().await;
        let spaces = a.imap.namespace().await.expect("NAMESPACE");
        let own = &spaces.personal[0];
        assert_eq!((own.prefix.as_str(), own.delimiter), ("", Some('/')));
        let quota = a.imap.quota_of("INBOX").await.expect("GETQUOTAROOT");
        assert_eq!(quota.roots, ["User quota"]);
        assert_eq!(quota.quotas.len(), 1);
        let same = a.imap.quota("User quota").await.expect("GETQUOTA");
        assert_eq!(same.root, "User quota");
        let error = a.imap.quota("no such root").await.expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::No);
        // Many at once: each has its own.
        let both = (a.imap.quota_of("Drafts"), a.imap.quota_of("INBOX"), a.imap.quota("User quota"));
        assert_eq!(both.0.await.expect("GETQUOTAROOT").quotas.len(), 1);
        assert_eq!(both.1.await.expect("GETQUOTAROOT").quotas.len(), 1);
        assert_eq!(both.2.await.expect("GETQUOTA"), same);
        let limits = SetQuota::of("User quota").storage(2048).limit("MESSAGE", 100);
        match a.imap.set_quota(limits).await {
            Ok(now) => {
                let now = now.expect("the server says what it is now");
                assert_eq!(now.resource("STORAGE").and_then(|storage| storage.limit), Some(2048));
                assert_eq!(now.resource("MESSAGE").and_then(|messages| messages.limit), Some(100));
                assert_eq!(a.imap.quota("User quota").await.expect("GETQUOTA"), now);
            }
            // Users may not.
            Err(error) => assert_eq!(error.kind(), ErrorKind::No, "{error}"),
        }
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn rights_are_given_and_taken() {
    within(LIMIT, async {
        let a = Account::quiet().await;
        a.imap.create("Plans").await.expect("CREATE");
        let mine = a.imap.my_rights("Plans").await.expect("MYRIGHTS");
        assert!(['l', 'r', 'a', 'x'].iter().all(|right| mine.rights.can(*right)), "{mine:?}");
        let of_bob = async || {
            let entries = a.imap.acl("Plans").await.expect("GETACL").entries;
            entries.into_iter().find(|(who, _)| who == "bob").map(|(_, rights)| rights)
        };
        assert_eq!(of_bob().await, None);
        a.imap.set_acl(SetAcl::replace("Plans", "bob", "lr")).await.expect("SETACL");
        a.imap.set_acl(SetAcl::add("Plans", "bob", "w")).await.expect("SETACL");
        a.imap.set_acl(SetAcl::remove("Plans", "bob", "r")).await.expect("SETACL");
        let now = of_bob().await.expect("he has some");
        assert!(now.can('l') && now.can('w') && !now.can('r'), "{now}");
        let can = a.imap.list_rights("Plans", "bob").await.expect("LISTRIGHTS");
        assert_eq!(can.identifier, "bob");
        let all: String = can.optional.iter().map(|rights| rights.as_str()).collect();
        assert!(all.contains('i') || can.required.can('i'), "{can:?}");
        a.imap.delete_acl("Plans", "bob").await.expect("DELETEACL");
        assert_eq!(of_bob().await, None);
        let error = a.imap.acl("Nowhere").await.expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::No);
        // With the list, or one by one.
        let listed = a.imap.list(List::new("*").with_my_rights()).await.expect("LIST");
        let rights = find(&listed, "Plans").my_rights.as_ref().expect("asked for");
        assert_eq!(**rights, mine.rights);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn annotations_are_set_got_and_removed() {
    within(LIMIT, async {
        let a = Account::quiet().await;
        a.imap.create("Grüße").await.expect("CREATE");
        let value = "two\r\nlines, \"quoted\", and ü {5}";
        let set = SetMetadata::of("Grüße").set("/private/comment", value);
        a.imap.set_metadata(set).await.expect("SETMETADATA");
        let long = "x".repeat(3000);
        let set = SetMetadata::of("Grüße").set("/private/vendor/x/long", long.clone());
        a.imap.set_metadata(set).await.expect("SETMETADATA");
        let get = || GetMetadata::of("Grüße", ["/private/comment"]);
        let got = a.imap.metadata(get()).await.expect("GETMETADATA");
        assert_eq!(got.mailbox.as_ref().map(|name| name.as_str()), Some("Grüße"));
        assert_eq!(got.get("/private/comment").map(|v| &v[..]), Some(value.as_bytes()));
        let small = GetMetadata::of("Grüße", ["/private/comment", "/private/vendor/x/long"]).max_size(1024);
        let got = a.imap.metadata(small).await.expect("GETMETADATA");
        assert!(got.get("/private/comment").is_some() && got.get("/private/vendor/x/long").is_none());
        assert_eq!(got.longest_left_out, Some(3000));
        let below = GetMetadata::of("Grüße", ["/private/vendor"]).depth(MetadataDepth::Infinity);
        let got = a.imap.metadata(below).await.expect("GETMETADATA");
        assert_eq!(got.get("/private/vendor/x/long").map(|v| &v[..]), Some(long.as_bytes()));
        // With the list, or one by one.
        let list = List::new("Gr*").or("INBOX").with_metadata(["/private/comment"]);
        let listed = a.imap.list(list).await.expect("LIST");
        let with = find(&listed, "Grüße").metadata.as_ref().expect("asked for");
        assert_eq!(with.get("/private/comment").map(|v| &v[..]), Some(value.as_bytes()));
        let without = find(&listed, "INBOX").metadata.as_ref().and_then(|all| all.get("/private/comment"));
        assert_eq!(without, None);
        let unset = SetMetadata::of("Grüße").unset("/private/comment");
        a.imap.set_metadata(unset).await.expect("SETMETADATA");
        let got = a.imap.metadata(get()).await.expect("GETMETADATA");
        assert_eq!(got.get("/private/comment"), None);
        let of_server = a.imap.metadata(GetMetadata::of_server(["/shared/comment"])).await;
        assert_eq!(of_server.expect("GETMETADATA").mailbox, None);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn extensions_are_enabled_while_nothing_is_selected() {
    within(LIMIT, async {
        let options = Options::default();
        let mut a =
            Account::with(&options, |config| config.auto_idle(false).enable(Vec::<String>::new())).await;
        let inbox = a.imap.select(Select::new("INBOX").condstore()).await.expect("SELECT");
        inbox.checkpoint().await.expect("CHECK");
        let error = a.imap.enable(["CONDSTORE"]).await.expect_err("too late");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        inbox.unselect().await.expect("UNSELECT");
        let on = a.imap.submit(Enable::new(["QRESYNC", "X-NONE"])).await.expect("ENABLE");
        assert_eq!(on, ["QRESYNC"]);
        a.inbox().await;
        a.finish().await;
    })
    .await;
}

/// RFC 3691 section 1: by opening a mailbox that there is not.
#[tokio::test]
async fn without_unselect_nothing_is_removed_all_the_same() {
    within(LIMIT, async {
        let options = Options { capability: Some("IMAP4rev1 UIDPLUS".into()), ..Options::default() };
        let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
        let uids = a.deliver(&["one", "two"]).await;
        for _ in 0..2 {
            let inbox = a.inbox().await;
            assert_eq!(inbox.exists(), 2);
            let deleted = imap_duplex::command::Store::add([imap_duplex::Flag::Deleted]);
            inbox.store(uids[0], deleted).await.expect("STORE");
            inbox.unselect().await.expect("UNSELECT");
            assert!(inbox.has_ended());
            a.events.until_brief("selection ended").await;
        }
        a.finish().await;
    })
    .await;
}
