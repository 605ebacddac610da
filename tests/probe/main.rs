//! The example `probe`: against the server within it, against servers with long and short lists of
//! capabilities, and against Dovecot. No row fails, and nothing is left behind. (Cyrus has its own
//! in `tests/cyrus`.)

mod broken;
mod came;
mod minimal;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use imap_duplex::Code;
use imap_duplex::testing::{Builder, EXTENSIONS, Quirk, Server};
use support::dovecot;
use support::other::Other;
use support::program::{Ended, Program};
use support::{PASSWORD, within};

const LIMIT: Duration = Duration::from_secs(90);

/// What is said of a capability that the probe has no way to try.
const UNKNOWN: &str = "the library has no command for it";

/// The capabilities of servers that have few, as they send them.
const FEW: [(&str, &str); 7] = [
    ("nothing", "IMAP4rev1"),
    ("nothing, rev2", "IMAP4rev2"),
    ("an old one", "IMAP4rev1 NAMESPACE UIDPLUS CHILDREN"),
    (
        "a provider of mailboxes",
        "IMAP4rev1 IDLE NAMESPACE UIDPLUS UNSELECT CHILDREN ID MOVE LITERAL+ SASL-IR",
    ),
    (
        "another",
        "IMAP4rev1 IDLE ID ENABLE CONDSTORE UIDPLUS MOVE SPECIAL-USE APPENDLIMIT LIST-EXTENDED LIST-STATUS",
    ),
    (
        "a third",
        "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID CHILDREN UIDPLUS ENABLE MOVE CONDSTORE ESEARCH \
        UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE",
    ),
    ("a fourth", "IMAP4rev1 SORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES ACL QUOTA BINARY MULTIAPPEND"),
];

/// What it printed, and that it went well.
async fn probe(arguments: &[&str]) -> String {
    let ended = Program::start("probe", arguments).end().await;
    let said = ended.rest.join("\n");
    assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{said}");
    said
}

/// The rows of `probe --json`.
fn rows(output: &str) -> Vec<serde_json::Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The capabilities that it tried, none of which failed.
fn tried(output: &str) -> Vec<String> {
    let mut tried = Vec::new();
    for row in rows(output) {
        let text = |name: &str| row[name].as_str().is_some();
        assert!(text("capability") && text("command"), "{row}");
        let worked = match &row["worked"] {
            serde_json::Value::Bool(true) => row["round_trips"].is_u64() && text("answer"),
            worked => worked == "skipped" && text("why") && row["round_trips"].is_null(),
        };
        assert!(worked, "{row}");
        if row["worked"] == true {
            tried.push(row["capability"].as_str().unwrap_or_default().to_owned());
        }
    }
    tried
}

/// The probe at an embedded server, which has the same mailboxes before and after.
async fn at(server: Builder) -> Vec<String> {
    let server = server.no_tls().start();
    let listening = server.listen().await.expect("a port");
    let mut other = Other::connect(([127, 0, 0, 1], listening.port()).into()).await;
    other.command(&format!("LOGIN {} {}", server.user(), server.password())).await;
    let (names, mail) = (server.mailboxes(), server.mailbox("INBOX"));
    let before = other.command("LIST \"\" *").await;
    let url = format!("imap://{}:{}@127.0.0.1:{}/", server.user(), server.password(), listening.port());
    let said = probe(&["--json", &url]).await;
    assert_eq!(other.command("LIST \"\" *").await, before);
    assert_eq!((server.mailboxes(), server.mailbox("INBOX")), (names, mail));
    other.logout().await;
    tried(&said)
}

#[tokio::test]
async fn all_that_a_server_has_is_tried_and_nothing_is_left() {
    within(LIMIT, async {
        let own = probe(&[]).await;
        for wanted in [
            "CAPABILITY",
            "CATENATE",
            "COMPARATOR",
            "CONTEXT=SORT",
            "LIST-METADATA",
            "QUOTASET",
            "UIDBATCHES",
            "URLAUTH=BINARY",
            "it says that there is no such filter",
            "it would change the limits of the user",
            "logged out, and the connection goes on",
        ] {
            assert!(own.contains(wanted), "{wanted:?} is missing in:\n{own}");
        }
        assert!(!own.lines().any(|line| line.contains("  no  ")), "{own}");
        assert!(!own.contains("no URL for"), "{own}");
        assert!(!own.contains(UNKNOWN), "{own}");
        let tried = at(Server::builder().with(["UIDONLY", "XLIST"])).await;
        assert!(tried.len() > 45, "{tried:?}");
        for name in ["UIDONLY", "XLIST", "SPECIAL-USE"] {
            assert!(tried.iter().any(|it| it == name), "{name}: {tried:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn short_lists_of_capabilities_are_enough() {
    within(LIMIT, async {
        for (which, capabilities) in FEW {
            let tried = at(Server::builder().only(capabilities.split_whitespace())).await;
            assert!(tried.iter().any(|name| name.starts_with("IMAP4rev")), "{which}: {tried:?}");
        }
        let gmail = Server::builder().with(["X-GM-EXT-1", "XLIST"]).without(["SPECIAL-USE", "LIST-EXTENDED"]);
        let tried = at(gmail).await;
        assert!(["X-GM-EXT-1", "XLIST"].iter().all(|name| tried.iter().any(|it| it == name)), "{tried:?}");
    })
    .await;
}

#[tokio::test]
async fn dovecot_has_nothing_that_fails() {
    within(LIMIT, async {
        let every = "auth_mechanisms = plain login scram-sha-1 scram-sha-256 cram-md5 digest-md5 anonymous \
            external xoauth2 oauthbearer\n";
        let some = [None, Some("IMAP4rev1"), Some("IMAP4rev1 NAMESPACE UIDPLUS LITERAL+ IDLE")];
        for (capability, extra) in some.into_iter().map(|some| (some, "")).chain([(None, every)]) {
            let capability_is_own = capability.is_none();
            let capability = capability.map(str::to_owned);
            let options = dovecot::Options { capability, extra: extra.into(), ..Default::default() };
            let server = dovecot::Dovecot::with(&options);
            let mut other = Other::connect(server.plain_addr()).await;
            other.login("alice").await;
            let before = (other.command("LIST \"\" *").await, other.command("LSUB \"\" *").await);
            // Not the name by which it goes, and it makes URLs for no other.
            let url = format!("imap://alice:{PASSWORD}@127.0.0.1:{}/", server.plain_addr().port());
            let said = probe(&["--json", "--ca", server.ca_pem().to_str().expect("UTF-8"), &url]).await;
            let tried = tried(&said);
            let odd = ["URL-PARTIAL", "SNIPPET=FUZZY", "PREVIEW=FUZZY", "URLAUTH", "URLAUTH=BINARY"];
            let wanted = if capability_is_own { &odd[..] } else { &[] };
            for name in wanted.iter().chain(&["IMAP4rev1"]) {
                assert!(tried.iter().any(|it| it == name), "{name}: {tried:?}");
            }
            assert!(!said.contains(UNKNOWN), "{said}");
            assert_eq!((other.command("LIST \"\" *").await, other.command("LSUB \"\" *").await), before);
            other.logout().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_row_that_fails_fails_the_probe() {
    within(LIMIT, async {
        let server =
            Server::builder().no_tls().without(["QUOTA"]).claim(["IMAP4rev1", "UIDPLUS", "QUOTA"]).start();
        let listening = server.listen().await.expect("a port");
        let url = format!("imap://{}:{}@127.0.0.1:{}/", server.user(), server.password(), listening.port());
        let ended = Program::start("probe", &["--json", &url]).end().await;
        assert_eq!(ended.status.code(), Some(1), "{:?}", ended.rest);
        assert!(ended.errors.contains("1 of 3 did not work"), "{}", ended.errors);
        let rows = rows(&ended.rest.join("\n"));
        let failed: Vec<_> = rows.iter().filter(|row| row["worked"] == false).collect();
        assert_eq!(failed.len(), 1, "{rows:?}");
        assert_eq!(failed[0]["command"], "GETQUOTAROOT");
        assert!(failed[0]["answer"].as_str().is_some_and(|answer| answer.contains("BAD")), "{failed:?}");
        let mut other = Other::connect(([127, 0, 0, 1], listening.port()).into()).await;
        other.command(&format!("LOGIN {} {}", server.user(), server.password())).await;
        let left = other.command("LIST \"\" *probe*").await;
        assert_eq!(left, [""; 0]);
        other.logout().await;
    })
    .await;
}

/// A server of these capabilities, which does as the hooks say; how the probe of it ends.
async fn at_odd(server: Builder, hooks: impl FnOnce(&Server)) -> (Ended, Vec<serde_json::Value>) {
    let server = server.no_tls().start();
    let listening = server.listen().await.expect("a port");
    hooks(&server);
    let names = server.mailboxes();
    let url = format!("imap://{}:{}@127.0.0.1:{}/", server.user(), server.password(), listening.port());
    let ended = Program::start("probe", &["--json", &url]).end().await;
    assert_eq!(server.mailboxes(), names, "nothing is left: {}", ended.errors);
    let rows = rows(&ended.rest.join("\n"));
    (ended, rows)
}

/// The row of this capability.
fn row<'a>(rows: &'a [serde_json::Value], capability: &str) -> &'a serde_json::Value {
    rows.iter().find(|row| row["capability"] == capability).unwrap_or_else(|| panic!("{rows:?}"))
}

#[tokio::test]
async fn what_was_not_tried_is_said_to_be_skipped() {
    within(LIMIT, async {
        let claims = ["IMAP4rev1", "UIDPLUS", "REPLACE", "CREATE-SPECIAL-USE"];
        let without = Server::builder().without(["UIDPLUS"]).claim(claims);
        let (ended, rows) = at_odd(without, |server| {
            // The scratch mailboxes, and one that is tried first.
            server.on("CREATE").times(3).delay(Duration::ZERO);
            server.on("CREATE").no_with(Code::UseAttr, "one is enough");
        })
        .await;
        for (capability, why) in
            [("UIDPLUS", "no UID"), ("REPLACE", "no UID"), ("CREATE-SPECIAL-USE", "one is enough")]
        {
            let row = row(&rows, capability);
            let said = row["why"].as_str().is_some_and(|said| said.contains(why));
            assert!(row["worked"] == "skipped" && said, "{row}");
        }
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{rows:?}");
    })
    .await;
}

#[tokio::test]
async fn a_url_that_the_server_does_not_make_has_not_worked() {
    within(LIMIT, async {
        let server = || Server::builder().only(["IMAP4rev1", "UIDPLUS", "URLAUTH"]);
        type Hooks = fn(&Server);
        let cases: [(Hooks, bool); 3] = [
            (|server| drop(server.on("GENURLAUTH").bad("what?").always()), false),
            (|server| drop(server.on("GENURLAUTH").no("not today").always()), false),
            (|server| drop(server.on("GENURLAUTH").no_with(Code::NonExistent, "who?").always()), true),
        ];
        for (hooks, may) in cases {
            let (ended, rows) = at_odd(server(), hooks).await;
            let worked = &row(&rows, "URLAUTH")["worked"];
            assert_eq!((worked == "skipped", worked == false), (may, !may), "{rows:?}");
            assert_eq!(ended.status.code(), Some(i32::from(!may)), "{}", ended.errors);
        }
    })
    .await;
}

/// A server that goes by another name than the one that it is called by, and says so in its
/// greeting.
#[tokio::test]
async fn a_url_is_made_for_the_name_by_which_the_server_goes() {
    within(LIMIT, async {
        let server = Server::builder().only(["IMAP4rev1", "UIDPLUS", "URLAUTH"]);
        let (ended, rows) = at_odd(server, |server| {
            server.on("GENURLAUTH").no("not the name");
        })
        .await;
        let row = row(&rows, "URLAUTH");
        assert_eq!((&row["worked"], &row["answer"]), (&true.into(), &"4 bytes".into()), "{row}");
        assert_eq!(ended.status.code(), Some(0), "{}", ended.errors);
    })
    .await;
}

/// Each row says why it was not tried; that there is none is no fault of the other capabilities.
#[tokio::test]
async fn without_a_message_the_rows_say_that_none_could_be_made() {
    within(LIMIT, async {
        let claims = EXTENSIONS.iter().copied().chain(["URL-PARTIAL", "UIDONLY", "SNIPPET=FUZZY"]);
        let server = Server::builder().with(["X-GM-EXT-1", "XLIST"]).claim(claims);
        let (ended, rows) = at_odd(server, |server| {
            server.on("APPEND").no_with(Code::OverQuota, "full").always();
        })
        .await;
        assert_eq!(ended.status.code(), Some(1), "{rows:?}");
        for name in ["ESEARCH", "PREVIEW", "UIDONLY", "SORT", "URL-PARTIAL", "SNIPPET=FUZZY", "X-GM-EXT-1"] {
            let row = row(&rows, name);
            let why = row["why"].as_str().unwrap_or_default();
            assert!(why.contains("could not be made: APPEND ") && why.contains("[OVERQUOTA]"), "{row}");
        }
        assert_eq!(row(&rows, "IMAP4rev1")["worked"], false, "{rows:?}");
        assert_eq!(row(&rows, "LIST-EXTENDED")["worked"], true, "{rows:?}");
        let of_none: Vec<_> = rows.iter().filter(|row| row["why"].as_str() == Some(UNKNOWN)).collect();
        assert!(of_none.is_empty(), "{of_none:?}");
    })
    .await;
}

#[tokio::test]
async fn what_has_no_method_is_tried_by_lines_and_items_of_ones_own() {
    within(LIMIT, async {
        let claims = ["IMAP4rev1", "UIDPLUS", "CATENATE", "SPECIAL-USE", "ENABLE", "XLIST"];
        let of_none =
            ["URL-PARTIAL", "UIDONLY", "JMAPACCESS", "SNIPPET=FUZZY", "SORT=UID", "NO_ATOMIC_RENAME"];
        let server = || {
            let builder = Server::builder().only(claims);
            builder.claim(claims.into_iter().chain(of_none))
        };
        let (ended, rows) = at_odd(server(), |_| {}).await;
        for (name, worked, said) in [
            ("XLIST", true, "Drafts"),
            ("URL-PARTIAL", true, "5 bytes"),
            // This server has none of these.
            ("UIDONLY", false, "does not switch it on"),
            ("JMAPACCESS", false, "BAD"),
            ("SNIPPET=FUZZY", false, "BAD"),
            ("SORT=UID", false, "UID SORT: BAD"),
        ] {
            let row = row(&rows, name);
            assert_eq!(row["worked"], worked, "{row}");
            assert!(row["answer"].as_str().is_some_and(|answer| answer.contains(said)), "{row}");
        }
        assert_eq!(row(&rows, "NO_ATOMIC_RENAME")["worked"], "skipped", "{rows:?}");
        assert_eq!(ended.status.code(), Some(1), "{}", ended.errors);
        let (ended, rows) = at_odd(server(), |server| {
            server.on("GETJMAPACCESS").instead("* JMAPACCESS \"https://jmap.example/\"\r\n{tag} OK\r\n");
        })
        .await;
        let row = row(&rows, "JMAPACCESS");
        let said = "https://jmap.example/";
        assert_eq!((&row["worked"], &row["answer"]), (&true.into(), &said.into()), "{row}");
        assert_eq!(ended.status.code(), Some(1), "{}", ended.errors);
    })
    .await;
}

#[tokio::test]
async fn an_interrupt_while_the_mailbox_is_made_leaves_nothing_behind() {
    within(LIMIT, async {
        let server = Server::builder().no_tls().start();
        let listening = server.listen().await.expect("a port");
        let names = server.mailboxes();
        // Longer than it waits on this connection.
        server.on("APPEND").delay(Duration::from_secs(60));
        let url = format!("imap://{}:{}@127.0.0.1:{}/", server.user(), server.password(), listening.port());
        let program = Program::start("probe", &["--json", &url]);
        while server.mailboxes().len() < names.len() + 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let ended = program.interrupt().await;
        assert_eq!(ended.status.code(), Some(1), "{:?}", ended.rest);
        assert!(ended.errors.contains("interrupted"), "{}", ended.errors);
        assert_eq!(server.mailboxes(), names);
    })
    .await;
}

/// The probe at an embedded server that encrypts.
async fn encrypted(server: Builder, hooks: impl FnOnce(&Server)) -> (Ended, Vec<serde_json::Value>) {
    let server = server.start();
    let listening = server.listen().await.expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, server.certificate().expect("it is made").pem()).expect("it can be written");
    hooks(&server);
    let url = format!("imap://{}:{}@localhost:{}/", server.user(), server.password(), listening.port());
    let authority = authority.to_str().expect("UTF-8");
    let ended = Program::start("probe", &["--json", "--ca", authority, &url]).end().await;
    let rows = rows(&ended.rest.join("\n"));
    (ended, rows)
}

#[tokio::test]
async fn what_is_offered_before_the_login_is_tried() {
    within(LIMIT, async {
        let mechanisms = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", "EXTERNAL"];
        let server = Server::builder().only(["IMAP4rev1", "SASL-IR"]).mechanisms(mechanisms).require_tls();
        let (ended, rows) = encrypted(server, |server| {
            // Not even with nothing worth hiding.
            server.on("LOGIN").always().cut_after(0);
        })
        .await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{rows:?}");
        for (capability, command, answer) in [
            ("STARTTLS", "STARTTLS", "encrypted"),
            ("LOGINDISABLED", "LOGIN", "no LOGIN is sent"),
            ("SASL-IR", "AUTHENTICATE", "PLAIN in "),
            ("AUTH=PLAIN", "AUTHENTICATE", "logged in"),
            ("AUTH=LOGIN", "AUTHENTICATE", "logged in"),
            ("AUTH=SCRAM-SHA-256", "AUTHENTICATE", "logged in"),
            ("AUTH=SCRAM-SHA-256-PLUS", "AUTHENTICATE", "logged in"),
        ] {
            let row = row(&rows, capability);
            assert_eq!((&row["worked"], &row["command"]), (&true.into(), &command.into()), "{row}");
            assert!(row["answer"].as_str().is_some_and(|said| said.starts_with(answer)), "{row}");
        }
        // The fewer messages a mechanism has, the fewer round trips its login takes.
        let trips = |name| row(&rows, name)["round_trips"].as_u64().expect("a number");
        assert!(trips("AUTH=PLAIN") < trips("AUTH=SCRAM-SHA-256"), "{rows:?}");
        assert!(trips("AUTH=SCRAM-SHA-256") <= trips("AUTH=LOGIN"), "{rows:?}");
        assert_eq!(trips("LOGINDISABLED"), 1, "LOGOUT: {rows:?}");
        for (capability, why) in [("AUTH=OAUTHBEARER", "a token"), ("AUTH=EXTERNAL", "a client certificate")]
        {
            let row = row(&rows, capability);
            let said = row["why"].as_str().is_some_and(|said| said.contains(why));
            assert!(row["worked"] == "skipped" && said, "{row}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_login_is_tried_where_the_server_takes_none() {
    within(LIMIT, async {
        let server = Server::builder().claim(["IMAP4rev1", "AUTH=PLAIN"]).preauth();
        let (ended, rows) = at_odd(server, |_| {}).await;
        let row = row(&rows, "AUTH=PLAIN");
        assert!(
            row["worked"] == "skipped" && row["why"].as_str().is_some_and(|why| why.contains("PREAUTH")),
            "{row}"
        );
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{rows:?}");
    })
    .await;
}

#[tokio::test]
async fn a_login_that_is_offered_and_refused_differs_from_one_that_may_be() {
    within(LIMIT, async {
        // The first login is the probe's own, by the strongest mechanism.
        let offers =
            |mechanisms: [&'static str; 2]| Server::builder().only(["IMAP4rev1"]).mechanisms(mechanisms);
        let hooks = |server: &Server| {
            server.on("AUTHENTICATE").delay(Duration::ZERO);
            server.on("AUTHENTICATE").no_with(Code::AuthenticationFailed, "not so");
        };
        let (ended, rows) = at_odd(offers(["PLAIN", "LOGIN"]), hooks).await;
        assert_eq!(row(&rows, "AUTH=PLAIN")["worked"], false, "{rows:?}");
        assert_eq!(row(&rows, "AUTH=LOGIN")["worked"], true, "{rows:?}");
        assert_eq!(ended.status.code(), Some(1), "{}", ended.errors);
        let (ended, rows) = at_odd(offers(["SCRAM-SHA-1", "PLAIN"]), hooks).await;
        let refused = row(&rows, "AUTH=SCRAM-SHA-1");
        assert!(refused["why"].as_str().is_some_and(|why| why.contains("not so")), "{refused}");
        assert_eq!(ended.status.code(), Some(0), "{}", ended.errors);
        let (ended, rows) = at_odd(offers(["PLAIN", "LOGIN"]), |server| {
            server.on("AUTHENTICATE").delay(Duration::ZERO);
            server.on("AUTHENTICATE").no_with(Code::Unavailable, "later");
        })
        .await;
        assert_eq!(row(&rows, "AUTH=PLAIN")["worked"], "skipped", "{rows:?}");
        assert_eq!(ended.status.code(), Some(0), "{}", ended.errors);
    })
    .await;
}

#[tokio::test]
async fn a_first_message_that_is_offered_a_place_and_refused_fails() {
    within(LIMIT, async {
        let server = Server::builder().only(["IMAP4rev1", "SASL-IR"]).quirk(Quirk::RefusesInitialResponse);
        let (ended, rows) = at_odd(server, |_| {}).await;
        assert_eq!(row(&rows, "SASL-IR")["worked"], false, "{rows:?}");
        // The library goes on without.
        assert_eq!(row(&rows, "AUTH=PLAIN")["worked"], true, "{rows:?}");
        assert_eq!(ended.status.code(), Some(1), "{}", ended.errors);
    })
    .await;
}
