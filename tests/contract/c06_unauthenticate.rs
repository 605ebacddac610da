//! Promise 6 across UNAUTHENTICATE (RFC 8437): what one user has selected, enabled and asked for is
//! never another one's; and what needs a login is not sent where no user is logged in.

use std::time::Duration;

use imap_duplex::command::{
    Comparators, GetMetadata, Items, List, Notify, NotifyEvent, ResetKey, Search, SearchScope, SetAcl,
    SetMetadata, SetQuota, StatusItems,
};
use imap_duplex::testing::Server;
use imap_duplex::types::{EventKind, SpecialUse};
use imap_duplex::{Config, Error, ErrorKind, Sender, Sent};

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

fn capabilities() -> String {
    format!("{CAPABILITIES} UNAUTHENTICATE NOTIFY ENABLE CONDSTORE UTF8=ACCEPT")
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_all_in_flight_and_ends_selection_and_what_was_enabled() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet().allow_plaintext_login(true), &capabilities()).await;
        let enable = s.imap.enable(["UTF8=ACCEPT"]);
        s.answer("ENABLE UTF8=ACCEPT", &["* ENABLED UTF8=ACCEPT"]).await;
        enable.await.expect("enabled");
        let notify = s.imap.notify(Notify::set().personal(NotifyEvent::MAILBOXES));
        let watched = "NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange)) (personal ";
        let (tag, _) = s.server.expect_start(watched).await;
        s.server.say(&format!("{tag} OK done")).await;
        notify.await.expect("watched");
        let inbox = s.select(&[11, 12]).await;

        let fetch = inbox.fetch(uid(11), Items::size());
        let logged_out = s.imap.unauthenticate();
        let behind = inbox.search(Search::all());
        let needs_login = s.imap.status("INBOX", StatusItems::messages());
        let tag = s.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        s.server.expect_silence(Duration::from_secs(1)).await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 4)").await;
        s.server.say(&format!("{tag} OK done")).await;
        assert_eq!(fetch.await.expect("FETCH").len(), 1);
        s.answer("UNAUTHENTICATE", &[]).await;
        logged_out.await.expect("logged out");

        let error = behind.await.expect_err("its selection has ended");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No), "{error}");
        assert!(error.to_string().contains("logged out"), "{error}");
        let error = needs_login.await.expect_err("no user is logged in");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
        assert!(error.to_string().contains("STATUS needs a login"), "{error}");
        assert!(inbox.has_ended() && s.imap.capabilities().is_empty());
        let events = s.events.ready_briefs();
        assert!(events.iter().any(|event| event.contains("selection ended")), "{events:?}");

        // What was enabled is so no more: the name goes in modified UTF-7 again.
        let login = s.imap.login("bob", "secret");
        s.answer("LOGIN \"bob\" \"secret\"", &["* CAPABILITY IMAP4rev1 UNAUTHENTICATE NOTIFY"]).await;
        login.await.expect("logged in");
        let status = s.imap.status("Entw\u{fc}rfe", StatusItems::messages());
        s.answer("STATUS Entw&APw-rfe (MESSAGES)", &["* STATUS Entw&APw-rfe (MESSAGES 3)"]).await;
        assert_eq!(status.await.expect("STATUS").messages, Some(3));
        // NOTIFY watched for alice: an overflow that comes now is nothing to ask again for.
        s.server.say("* OK [NOTIFICATIONOVERFLOW] too much").await;
        s.noop(&[]).await;
        assert!(!s.imap.capabilities().has("UTF8=ACCEPT"));
    })
    .await;
}

/// Each command that needs a login, and how it ends where there is none.
async fn without_login(imap: &Sender) -> Vec<(&'static str, Option<Error>)> {
    let mail = "Subject: x\r\n\r\n";
    vec![
        ("APPEND", imap.append("x", mail).await.err()),
        ("APPEND", imap.append_all("x", [mail, mail]).await.err()),
        ("COMPARATOR", imap.comparator(Comparators::active()).await.err()),
        ("CREATE", imap.create("x").await.err()),
        ("DELETE", imap.delete("x").await.err()),
        ("DELETEACL", imap.delete_acl("x", "y").await.err()),
        ("ENABLE", imap.enable(["CONDSTORE"]).await.err()),
        ("ESEARCH", imap.search_in(SearchScope::personal(), Search::all()).await.err()),
        ("EXAMINE", imap.examine("x").await.err()),
        ("GENURLAUTH", imap.url_auth(["imap://x"]).await.err()),
        ("GETACL", imap.acl("x").await.err()),
        ("GETMETADATA", imap.metadata(GetMetadata::of_server(["/shared/comment"])).await.err()),
        ("GETQUOTA", imap.quota("x").await.err()),
        ("GETQUOTAROOT", imap.quota_of("x").await.err()),
        ("LIST", imap.list("*").await.err()),
        ("LIST", imap.raw("LIST \"\" *").await.err()),
        ("LIST", imap.mailbox_for(SpecialUse::Drafts).await.err()),
        ("LSUB", imap.list(List::new("*").lsub()).await.err()),
        ("LISTRIGHTS", imap.list_rights("x", "y").await.err()),
        ("MYRIGHTS", imap.my_rights("x").await.err()),
        ("NAMESPACE", imap.namespace().await.err()),
        ("NOTIFY", imap.notify(Notify::set()).await.err()),
        ("RENAME", imap.rename("x", "y").await.err()),
        ("RESETKEY", imap.reset_url_keys(ResetKey::of_all()).await.err()),
        ("SELECT", imap.select("INBOX").await.err()),
        ("SETACL", imap.set_acl(SetAcl::add("x", "y", "lr")).await.err()),
        ("SETMETADATA", imap.set_metadata(SetMetadata::of_server().set("/shared/x", "y")).await.err()),
        ("SETQUOTA", imap.set_quota(SetQuota::of("x").storage(1)).await.err()),
        ("STATUS", imap.status("x", StatusItems::messages()).await.err()),
        ("SUBSCRIBE", imap.subscribe("x").await.err()),
        ("UNSUBSCRIBE", imap.unsubscribe("x").await.err()),
        ("URLFETCH", imap.url_fetch(["imap://x"]).await.err()),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_session_without_login_does_not_idle_and_refuses_what_needs_one() {
    within(LIMIT, async {
        let (stream, mut server) = Peer::pair();
        let config = Config::new("server.test").plaintext().id(None);
        let more =
            "ACL I18NLEVEL=2 METADATA MULTIAPPEND MULTISEARCH NAMESPACE QUOTA QUOTASET SPECIAL-USE URLAUTH";
        let greeting = format!("* OK [CAPABILITY {} {more}] who is there", capabilities());
        let (connected, ()) = tokio::join!(config.connect_over(stream), server.say(&greeting));
        let (imap, _events) = connected.expect("a greeting is enough");
        server.expect_silence(Duration::from_secs(2)).await;
        for (name, error) in without_login(&imap).await {
            let error = error.expect(name);
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{name}: {error}");
            let said = error.to_string();
            assert!(said.contains(name) && said.contains("no user is logged in"), "{name}: {said}");
        }
        let error = imap.unauthenticate().await.expect_err("no user is logged in");
        assert_eq!(error.sent(), Sent::No, "{error}");
        // To a server that is not this machine, in clear text.
        let error = imap.login("bob", "secret").await.expect_err("in clear text");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Insecure, Sent::No), "{error}");
        assert!(!format!("{error:?}").contains("secret"));
        let noop = imap.noop();
        let tag = server.expect("NOOP").await;
        server.say(&format!("{tag} OK done")).await;
        noop.await.expect("NOOP needs no login");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_changes_nothing_and_raw_lines_are_refused() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), &capabilities()).await;
        let inbox = s.select(&[11]).await;
        for line in ["UNAUTHENTICATE", "unauthenticate", "COMPRESS DEFLATE", "LOGIN a b"] {
            let error = s.imap.raw(line).await.expect_err("it would change the session");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No), "{line}: {error}");
        }
        let refused = s.imap.unauthenticate();
        let tag = s.server.expect("UNAUTHENTICATE").await;
        s.server.say(&format!("{tag} BAD not now")).await;
        assert_eq!(refused.await.expect_err("BAD").kind(), ErrorKind::Bad);
        let fetch = inbox.fetch(uid(11), Items::size());
        s.answer("UID FETCH 11 (RFC822.SIZE)", &["* 1 FETCH (UID 11 RFC822.SIZE 4)"]).await;
        assert_eq!(fetch.await.expect("the selection goes on").len(), 1);
        let error = s.imap.login("bob", "secret").await.expect_err("someone is logged in");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
        let none = Session::open().await;
        let error = none.imap.unauthenticate().await.expect_err("not offered");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No), "{error}");
    })
    .await;
}

#[tokio::test]
async fn another_user_finds_his_own_mailboxes_at_the_embedded_server() {
    within(LIMIT, async {
        let server = Server::new();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, mut events) = config.connect_over(server.connect()).await.expect("in");
        let inbox = imap.select("INBOX").await.expect("SELECT");
        imap.unauthenticate().await.expect("UNAUTHENTICATE");
        assert!(inbox.has_ended());
        assert_eq!(imap.list("*").await.expect_err("no user is logged in").sent(), Sent::No);
        let error = imap.login(server.user(), "wrong").await.expect_err("a wrong password");
        assert_eq!(error.kind(), ErrorKind::No, "{error}");
        imap.login(server.user(), server.password()).await.expect("LOGIN");
        let again = imap.select("INBOX").await.expect("SELECT");
        let new = server.deliver("INBOX", "Subject: new\r\n\r\nnew\r\n");
        // It idles again.
        while let Some(event) = events.next().await {
            if matches!(event.kind, EventKind::Arrived { uid, .. } if uid == new) {
                assert!(event.is_in(&again));
                break;
            }
        }
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}
