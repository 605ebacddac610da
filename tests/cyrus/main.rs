//! What the Dovecot of the other tests lacks, against a real Cyrus, and against a Dovecot with an
//! index for full text: `tests/run cyrus`. It is not among the tests that `cargo test` runs by
//! itself, since both have to be fetched.

#[path = "../support/mod.rs"]
mod support;

mod relevance;
mod server;

use std::time::Duration;

use imap_duplex::command::{
    Append, Create, Enable, GetMetadata, Items, List, Search, SetAcl, SetMetadata, SetQuota, Sort, SortKey,
    StatusItems, Store, StoreAnnotations,
};
use imap_duplex::types::{AnnotationScope, Message, Part, Section, SpecialUse, Uid};
use imap_duplex::{Config, ErrorKind, Select};
use server::Cyrus;
use support::program::Program;
use support::{PASSWORD, within};

const LIMIT: Duration = Duration::from_secs(60);

const MESSAGE: &str = "From: zoe@example.org\r\nSubject: hello\r\n\r\nIt is open\r\n";

/// RFC 8440, RFC 9590, RFC 5819: in one LIST.
#[tokio::test]
async fn rights_annotations_and_counts_come_with_the_list() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let imap = server.connect("alice").await;
        imap.create("Plans").await.expect("CREATE");
        let comment = SetMetadata::of("Plans").set("/private/comment", "mine");
        imap.set_metadata(comment).await.expect("SETMETADATA");
        imap.append("Plans", MESSAGE).await.expect("APPEND");
        let list = List::new("*").with_my_rights().with_metadata(["/private/comment"]);
        // Not MAILBOXID: Cyrus 3.6 sends garbage for it within LIST.
        let list = list.with_status(StatusItems::messages()).with_subscriptions().strict();
        let listed = imap.list(list).await.expect("LIST");
        let plans = listed.iter().find(|entry| entry.name.as_str() == "Plans").expect("it is there");
        assert!(plans.my_rights.as_ref().is_some_and(|rights| rights.can('x')), "{plans:?}");
        let comment = plans.metadata.as_ref().and_then(|all| all.get("/private/comment"));
        assert_eq!(comment.map(|value| &value[..]), Some(&b"mine"[..]));
        assert_eq!(plans.status.as_ref().and_then(|status| status.messages), Some(1));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// RFC 6154 section 3, RFC 8474 section 4.
#[tokio::test]
async fn a_mailbox_is_made_for_a_use_and_keeps_its_identifier() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let imap = server.connect("alice").await;
        let made = imap.create(Create::new("Spam").for_use(SpecialUse::Junk)).await.expect("CREATE");
        assert_eq!(imap.mailbox_for(SpecialUse::Junk).await.expect("LIST"), Some("Spam".into()));
        assert_eq!(imap.mailbox_for(SpecialUse::Flagged).await.expect("LIST"), None);
        let id = made.mailbox_id.expect("OBJECTID");
        imap.create("Plain").await.expect("CREATE");
        let before = imap.status("Plain", StatusItems::mailbox_id()).await.expect("STATUS").mailbox_id;
        imap.rename("Plain", "Other").await.expect("RENAME");
        let after = imap.status("Other", StatusItems::mailbox_id()).await.expect("STATUS").mailbox_id;
        assert!(before.is_some() && before == after && before != Some(id));
        let opened = imap.select("Other").await.expect("SELECT").properties();
        assert_eq!(opened.mailbox_id, after);
        assert!(opened.keeps(&"$New".into()), "{opened:?}");
        let found =
            imap.metadata(GetMetadata::of("Spam", ["/private/specialuse"])).await.expect("GETMETADATA");
        assert_eq!(found.get("/private/specialuse").map(|value| &value[..]), Some(&b"\\Junk"[..]));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// RFC 9208 section 4.1.3, RFC 2087.
#[tokio::test]
async fn an_administrator_sets_quotas_and_rights() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let alice = server.connect("alice").await;
        let root = alice.quota_of("INBOX").await.expect("GETQUOTAROOT").roots;
        assert_eq!(root, ["INBOX"], "as she sees it");
        let limits = SetQuota::of("INBOX").storage(1);
        assert_eq!(alice.set_quota(limits).await.expect_err("she may not").kind(), ErrorKind::No);
        let admin = server.connect("admin").await;
        let limits = SetQuota::of("user/alice").storage(2048).messages(100);
        admin.set_quota(limits).await.expect("SETQUOTA");
        let quota = &alice.quota_of("INBOX").await.expect("GETQUOTAROOT").quotas[0];
        assert_eq!(admin.quota("user/alice").await.expect("GETQUOTA").resources, quota.resources);
        assert_eq!(quota.resource("STORAGE").and_then(|storage| storage.limit), Some(2048));
        assert_eq!(quota.resource("MESSAGE").and_then(|messages| messages.limit), Some(100));
        admin.set_acl(SetAcl::add("user/alice", "bob", "lr")).await.expect("SETACL");
        let entries = alice.acl("INBOX").await.expect("GETACL").entries;
        assert!(entries.iter().any(|(who, rights)| who == "bob" && rights.can('r')), "{entries:?}");
        for imap in [alice, admin] {
            imap.logout().await.expect("LOGOUT");
        }
    })
    .await;
}

/// RFC 5257.
#[tokio::test]
async fn messages_have_annotations() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let imap = server.connect("alice").await;
        for _ in 0..2 {
            imap.append("INBOX", MESSAGE).await.expect("APPEND");
        }
        let (private, shared) = (AnnotationScope::Private, AnnotationScope::Shared);
        let inbox = imap.select(Select::new("INBOX").annotations()).await.expect("SELECT");
        let both =
            StoreAnnotations::set("/comment", private, "by Friday").and_set("/comment", shared, "Ann's");
        inbox.store_annotations(inbox.newest(1), both).await.expect("STORE");
        let rows = inbox.fetch(.., Items::annotations("/comment")).await.expect("FETCH");
        let value = |rows: &[Message], at: usize, scope| {
            rows[at].annotation("/comment", scope).map(|value| value.to_vec())
        };
        assert_eq!((value(&rows, 0, private), value(&rows, 0, shared)), (None, None), "{rows:?}");
        assert_eq!(value(&rows, 1, private).as_deref(), Some(&b"by Friday"[..]), "{rows:?}");
        assert_eq!(value(&rows, 1, shared).as_deref(), Some(&b"Ann's"[..]), "{rows:?}");
        let query = Search::annotation("/comment", private, "Friday");
        let found = inbox.search(query).await.expect("SEARCH");
        assert_eq!(found.uids().iter().collect::<Vec<_>>(), [rows[1].uid().expect("its UID")]);
        // RFC 7162 section 3.1.3: of messages that no one has changed.
        let now = inbox.fetch(.., Items::mod_seq()).await.expect("FETCH");
        let seen = now.iter().filter_map(Message::mod_seq).max().expect("CONDSTORE");
        let (first, second) = (rows[0].uid().expect("its UID"), rows[1].uid().expect("its UID"));
        inbox.store(first, Store::add(["$Late"])).await.expect("STORE");
        let note = StoreAnnotations::set("/comment", shared, "Bob's").of([first, second]);
        let stored = inbox.submit(note.unchanged_since(seen)).await.expect("STORE");
        assert_eq!(stored.modified.iter().collect::<Vec<_>>(), [first]);
        let rows = inbox.fetch(.., Items::annotations("/comment")).await.expect("FETCH");
        assert_eq!((value(&rows, 0, shared), value(&rows, 1, shared)), (None, Some(b"Bob's".to_vec())));
        let unset = StoreAnnotations::unset("/comment", private);
        inbox.store_annotations(.., unset).await.expect("STORE");
        let rows = inbox.fetch(.., Items::annotations("/comment")).await.expect("FETCH");
        assert!(rows.iter().all(|row| row.annotation("/comment", private).is_none()), "{rows:?}");
        let noted = Append::new(MESSAGE).annotation("/comment", private, "new");
        imap.append("INBOX", noted).await.expect("APPEND");
        let newest = inbox.fetch(inbox.newest(1), Items::annotations("/comment")).await.expect("FETCH");
        assert_eq!(newest[0].annotation("/comment", private).map(|value| &value[..]), Some(&b"new"[..]));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// RFC 8437 section 4.1. Cyrus has UNAUTHENTICATE for administrators.
#[tokio::test]
async fn compression_ends_with_the_login() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let imap = server.connect("admin").await;
        imap.compress().await.expect("COMPRESS");
        imap.noop().await.expect("NOOP");
        imap.unauthenticate().await.expect("UNAUTHENTICATE");
        imap.noop().await.expect("NOOP");
        imap.login("bob", PASSWORD).await.expect("LOGIN");
        imap.create("Plans").await.expect("CREATE");
        imap.compress().await.expect("COMPRESS");
        assert_eq!(imap.my_rights("Plans").await.expect("MYRIGHTS").mailbox.as_str(), "Plans");
        assert!(imap.quota("user/alice").await.is_err(), "bob is no administrator");
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// RFC 8474 section 5, RFC 7889, RFC 7162: identifiers, limits, mod-sequences.
#[tokio::test]
async fn identifiers_limits_and_mod_sequences_are_there() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let imap = server.connect("alice").await;
        imap.append("INBOX", MESSAGE).await.expect("APPEND");
        let inbox = imap.select(Select::new("INBOX").condstore()).await.expect("SELECT");
        let items = Items::email_id().thread_id().mod_seq().save_date();
        let rows = inbox.fetch(.., items).await.expect("FETCH");
        assert!(rows[0].email_id().is_some() && rows[0].mod_seq().is_some(), "{rows:?}");
        let uid = [rows[0].uid().expect("its UID")];
        let (email, thread) = (rows[0].email_id().expect("OBJECTID"), rows[0].thread_id().expect("OBJECTID"));
        imap.append("INBOX", MESSAGE.replace("hello", "other")).await.expect("APPEND");
        let found =
            async |query: Search| -> Vec<Uid> { inbox.search(query).await.expect("SEARCH").iter().collect() };
        assert_eq!(found(Search::email_id(email)).await, uid);
        assert_eq!(found(Search::thread_id(thread)).await, uid);
        assert_eq!(found(Search::email_id("M0") | Search::thread_id("T0")).await, []);
        // It is taken; without an index Cyrus finds nothing that is alike.
        assert_eq!(found(Search::subject("hello").fuzzy()).await, []);
        let error = imap.submit(Enable::new(["CONDSTORE"])).await.expect_err("too late");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        inbox.checkpoint().await.expect("CHECK");
        inbox.unselect().await.expect("UNSELECT");
        let counts = StatusItems::counts().highest_mod_seq().size();
        let status = imap.status("INBOX", counts).await.expect("STATUS");
        assert!(status.highest_mod_seq.is_some() && status.size.is_some(), "{status:?}");
        // Cyrus 3.6 has one limit for all, and no such item.
        assert!(imap.capabilities().value("APPENDLIMIT").is_some());
        let error = imap.status("INBOX", StatusItems::append_limit()).await.expect_err("no such item");
        assert_eq!(error.kind(), ErrorKind::Bad);
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// RFC 5267, RFC 3516, and a streamed upload.
#[tokio::test]
async fn what_is_sorted_and_what_is_streamed() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let imap = server.connect("alice").await;
        let mut uids = Vec::new();
        for lines in [3, 9, 1] {
            let message = format!("{MESSAGE}{}", "x\r\n".repeat(lines)).into_bytes();
            let append = Append::reader(message.len() as u64, std::io::Cursor::new(message));
            uids.extend(imap.append("INBOX", append).await.expect("APPEND").uid);
        }
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let by_size = Sort::new(Search::all(), SortKey::Size).returning();
        let found = inbox.submit(by_size.min().max().count().partial(2..=3)).await.expect("SORT");
        // RFC 5267 section 3.1 means the order; Cyrus takes the lowest and the highest UID.
        assert!(imap.capabilities().has("ESORT"));
        assert_eq!((found.min, found.max, found.count), (Some(uids[0]), Some(uids[2]), Some(3)));
        let part: Vec<Uid> = found.partial.expect("it was asked for").uids().collect();
        assert_eq!(part, [uids[0], uids[1]]);
        let header = "Subject: nul\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\n\
            Content-Transfer-Encoding: binary\r\n\r\n";
        let message = [header.as_bytes(), b"a\0b"].concat();
        let binary = Append::reader(message.len() as u64, std::io::Cursor::new(message)).binary();
        let uid = imap.append("INBOX", binary).await.expect("APPEND").uid.expect("UIDPLUS");
        let part = Section::Part(Part::new(1));
        let rows = inbox.fetch(uid, Items::binary(part.clone())).await.expect("FETCH");
        assert_eq!(rows[0].binary(&part).map(|bytes| &bytes[..]), Some(&b"a\0b"[..]));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

#[tokio::test]
async fn each_row_of_the_probe_works_and_nothing_is_left() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let url = format!("imap://alice:secret@127.0.0.1:{}", server.port());
        let ended = Program::start("probe", &["--json", &url]).end().await;
        let rows = ended.rest.join("\n");
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{rows}");
        // It makes URLs for the name alone that is in its greeting, and that is not the address.
        for worked in ["URLAUTH", "URLAUTH=BINARY", "XLIST", "MAILBOX-REFERRALS", "SORT=UID", "DIGEST=SHA1"] {
            let row = ended.rest.iter().find(|row| row.contains(&format!(r#""capability":"{worked}""#)));
            assert!(row.is_some_and(|row| row.contains(r#""worked":true"#)), "{worked}: {rows}");
        }
        assert!(rows.contains(r#""capability":"LIST-METADATA""#), "{rows}");
        for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"] {
            let capability = format!(r#""answer":"logged in","capability":"AUTH={mechanism}""#);
            assert!(rows.contains(&capability), "{rows}");
        }
        let imap = server.connect("alice").await;
        let mut names: Vec<_> =
            imap.list("*").await.expect("LIST").iter().map(|entry| entry.name.to_string()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Drafts", "INBOX", "Sent", "Trash"]);
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// An administrator may make mailboxes anywhere, and nothing in them before rights are given.
#[tokio::test]
async fn the_probe_of_an_administrator_leaves_nothing() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let url = format!("imap://admin:secret@127.0.0.1:{}", server.port());
        let ended = Program::start("probe", &["--json", &url]).end().await;
        // Cyrus 3.6 fails within itself over SETMETADATA of a mailbox without a user, and says BYE.
        let failed: Vec<_> = ended.rest.iter().filter(|row| row.contains(r#""worked":false"#)).collect();
        let of_metadata = |row: &&String| row.contains("SETMETADATA") && row.contains("BYE");
        assert!(!failed.is_empty() && failed.iter().all(of_metadata), "{failed:?}: {}", ended.errors);
        let base = ended.rest.iter().find(|row| row.contains(r#""capability":"IMAP4rev1""#));
        assert!(base.is_some_and(|row| row.contains(r#""worked":true"#)), "{:?}", ended.rest);
        let admin = server.connect("admin").await;
        assert_eq!(admin.list("*probe*").await.expect("LIST"), []);
        admin.logout().await.expect("LOGOUT");
    })
    .await;
}

/// As where there is no SPECIAL-USE.
#[tokio::test]
async fn uses_are_asked_for_by_xlist() {
    within(LIMIT, async {
        let server = Cyrus::start();
        let config = Config::new("127.0.0.1").port(server.port()).plaintext().login("alice", PASSWORD);
        let config = config.ignore_capabilities(["SPECIAL-USE"]);
        let (imap, _events) = config.connect().await.expect("it takes this login");
        assert!(imap.capabilities().has("XLIST") && !imap.capabilities().has("SPECIAL-USE"));
        let listed = imap.list(List::new("*").special_use()).await.expect("XLIST");
        let mut names: Vec<_> = listed.iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Drafts", "Sent", "Trash"]);
        assert_eq!(imap.mailbox_for(SpecialUse::Sent).await.expect("XLIST"), Some("Sent".into()));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}
