//! CATENATE and URLAUTH of the embedded server, by raw lines.

use std::time::{Duration, UNIX_EPOCH};

use imap_duplex::testing::Server;

use crate::raw::{Raw, inbox, next, session, silent};
use crate::support::other::{Other, Reply};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

const MIXED: &str = "Subject: both\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
    --x\r\nContent-Type: text/plain\r\n\r\nShall we?\r\n--x\r\nContent-Type: image/png\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nWWVz\r\n--x--\r\n";

/// A server with a message of two parts in INBOX, and the UIDVALIDITY there.
fn filled() -> (Server, u32) {
    let server = Server::builder().submission_user("smtp").at(UNIX_EPOCH).start();
    server.deliver("INBOX", MIXED);
    let validity = server.mailbox("INBOX").expect("it").uid_validity.get();
    for name in ["bob", "smtp"] {
        assert_eq!(server.account(name, "secret").name(), name);
    }
    (server, validity)
}

async fn user(server: &Server, name: &str) -> Raw {
    let mut session = Other::over(server.connect()).await;
    session.login(name).await;
    session
}

/// Puts a message together, and gives the reply.
async fn catenate(session: &mut Raw, parts: &str) -> Reply {
    session.attempt(&format!("APPEND Drafts (\\Draft) CATENATE ({parts})")).await
}

fn drafts(server: &Server) -> Vec<String> {
    let held = server.mailbox("Drafts").expect("it").messages;
    held.iter().map(|message| String::from_utf8_lossy(&message.bytes).into_owned()).collect()
}

#[tokio::test]
async fn messages_are_put_together() {
    within(LIMIT, async {
        let (server, validity) = filled();
        let mut a = session(&server).await;
        let url = |rest: &str| format!("URL \"/INBOX;UIDVALIDITY={validity}/;UID=1{rest}\"");
        let parts = format!("{} TEXT {{6+}}\r\n\r\n--\r\n {} ", url("/;section=HEADER"), url("/;SECTION=2"));
        let reply = catenate(&mut a, &format!("{parts}TEXT {{0+}}\r\n")).await;
        assert!(reply.tagged.starts_with("OK [APPENDUID "), "{reply:?}");
        let head = MIXED.split_inclusive("\r\n\r\n").next().expect("a header");
        assert_eq!(drafts(&server), [format!("{head}\r\n--\r\nWWVz")]);
        // All of it, and a piece; nothing is marked as read.
        catenate(&mut a, &format!("{} {}", url(""), url("/;SECTION=1/;PARTIAL=6.2"))).await;
        assert_eq!(drafts(&server)[1], format!("{MIXED}we"));
        assert!(server.mailbox("INBOX").expect("it").messages[0].flags.is_empty());
        assert_eq!(server.mailbox("Drafts").expect("it").messages[0].flags.len(), 1);
        // Relative to the selected mailbox, and in UTF-8.
        assert!(catenate(&mut a, "URL ;UID=1").await.tagged.starts_with("NO [BADURL "));
        let bad = catenate(&mut a, "UTF8 (~{1+}\r\nx)").await;
        assert!(bad.tagged.starts_with("BAD "), "{bad:?}");
        a.command("ENABLE UTF8=ACCEPT").await;
        a.select("INBOX").await;
        let reply = catenate(&mut a, "UTF8 (~{4+}\r\nä\r\n) URL ;UID=1/;SECTION=1").await;
        assert!(reply.is_ok(), "{reply:?}");
        assert_eq!(drafts(&server)[2], "ä\r\nShall we?");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_put_together_is_not_stored() {
    within(LIMIT, async {
        let (server, validity) = filled();
        let mut a = session(&server).await;
        for url in [
            "/INBOX/;UID=2".to_owned(),
            format!("/INBOX;UIDVALIDITY={}/;UID=1", validity + 1),
            "/INBOX/;UID=1/;SECTION=3".to_owned(),
            "/None/;UID=1".to_owned(),
            "imap://alice@localhost/INBOX/;UID=1".to_owned(),
            "nonsense".to_owned(),
        ] {
            let reply = catenate(&mut a, &format!("TEXT {{1+}}\r\nx URL \"{url}\"")).await;
            assert!(reply.tagged.starts_with("NO [BADURL "), "{url}: {reply:?}");
            assert!(reply.tagged.contains(&url), "{url}: {reply:?}");
        }
        let reply = a.attempt("APPEND None CATENATE (URL /INBOX/;UID=2)").await;
        assert!(reply.tagged.starts_with("NO [TRYCREATE]"), "{reply:?}");
        assert!(catenate(&mut a, "TEXT {0+}\r\n").await.tagged.starts_with("NO "), "nothing");
        assert_eq!(drafts(&server), [""; 0]);
        // Many of a small one are too large together.
        let server = Server::builder().append_limit(1000).start();
        server.deliver("INBOX", MIXED);
        let mut a = session(&server).await;
        let reply = catenate(&mut a, &["URL /INBOX/;UID=1"; 10].join(" ")).await;
        assert!(reply.tagged.starts_with("NO [TOOBIG]"), "{reply:?}");
        assert_eq!(drafts(&server), [""; 0]);
    })
    .await;
}

/// Authorizes a URL of INBOX.
async fn authorized(session: &mut Raw, rest: &str) -> String {
    let rump = format!("imap://alice@localhost/INBOX/;uid=1{rest}");
    let lines = session.command(&format!("GENURLAUTH \"{rump}\" INTERNAL")).await;
    let url = lines[0].strip_prefix("* GENURLAUTH \"").and_then(|line| line.strip_suffix('"'));
    let url = url.unwrap_or_else(|| panic!("{lines:?}"));
    assert!(url.starts_with(&format!("{rump}:internal:")), "{url}");
    url.to_owned()
}

async fn fetched(session: &mut Raw, url: &str) -> Option<String> {
    let lines = session.command(&format!("URLFETCH \"{url}\"")).await;
    let rest = lines[0].strip_prefix(&format!("* URLFETCH \"{url}\" ")).expect("that URL").to_owned();
    (rest != "NIL").then_some(rest)
}

#[tokio::test]
async fn who_has_a_url_may_read_what_is_behind_it() {
    within(LIMIT, async {
        let (server, _) = filled();
        let mut alice = inbox(&server, "").await;
        let mut bob = user(&server, "bob").await;
        let mut smtp = user(&server, "smtp").await;
        let text = Some("\"Shall we?\"".to_owned());
        for (access, of_alice, of_bob, of_smtp) in [
            ("user+bob", false, true, false),
            ("authuser", true, true, true),
            ("anonymous", true, true, true),
            ("submit+alice", false, false, true),
        ] {
            let url = authorized(&mut alice, &format!("/;section=1;urlauth={access}")).await;
            for (session, may) in [(&mut alice, of_alice), (&mut bob, of_bob), (&mut smtp, of_smtp)] {
                let expected = text.clone().filter(|_| may);
                assert_eq!(fetched(session, &url).await, expected, "{access}");
            }
        }
        let url = authorized(&mut alice, "/;section=1;urlauth=authuser").await;
        // Anything else than what was authorized.
        for other in [
            url.replace("section=1", "section=2"),
            url.replace("authuser", "anonymous"),
            url.replace("internal", "external"),
            url[..url.len() - 1].to_owned(),
            url.rsplit_once(":internal").expect("it").0.to_owned(),
        ] {
            assert_eq!(fetched(&mut bob, &other).await, None, "{other}");
        }
        // It ends at its time.
        let rest = ";expire=1970-01-01T00:00:00Z;urlauth=authuser";
        let old = authorized(&mut alice, rest).await;
        assert_eq!(fetched(&mut bob, &old).await, None);
        let later = authorized(&mut alice, &rest.replace("1970", "2970")).await;
        assert!(fetched(&mut bob, &later).await.is_some());
        // It ends with the key, of which other sessions learn.
        let mut other = inbox(&server, "").await;
        let reset = alice.attempt("RESETKEY INBOX INTERNAL").await;
        assert!(reset.tagged.starts_with("OK [URLMECH INTERNAL]"), "{reset:?}");
        assert!(next(&mut other).await.starts_with("* OK [URLMECH INTERNAL]"));
        assert_eq!(fetched(&mut bob, &url).await, None);
        let new = authorized(&mut alice, "/;section=1;urlauth=authuser").await;
        assert!(new != url && fetched(&mut bob, &new).await == text);
        alice.command("RESETKEY").await;
        assert_eq!(fetched(&mut bob, &new).await, None);
        silent(&mut bob).await;
        // It ends with its message, too.
        let last = authorized(&mut alice, ";urlauth=authuser").await;
        server.expunge("INBOX", server.mailbox("INBOX").expect("it").messages[0].uid);
        assert_eq!(fetched(&mut bob, &last).await, None);
        // No log has any of them.
        let log: String = server.received().iter().map(|command| command.line.clone()).collect();
        assert!(log.contains("URLFETCH …") && !log.contains(":internal:"), "{log}");
    })
    .await;
}

/// RFC 5524 section 4.
#[tokio::test]
async fn what_is_behind_a_url_is_decoded_on_request() {
    within(LIMIT, async {
        let (server, _) = filled();
        let mut alice = session(&server).await;
        let url = authorized(&mut alice, "/;section=2;urlauth=authuser").await;
        let line = alice.command(&format!("URLFETCH (\"{url}\" BINARY BODYPARTSTRUCTURE) \"{url}\"")).await;
        let structure = "(\"IMAGE\" \"PNG\" NIL NIL NIL \"BASE64\" 4 NIL NIL NIL NIL)";
        let expected = format!(
            "* URLFETCH \"{url}\" (BINARY \"Yes\") (BODYPARTSTRUCTURE {structure}) \"{url}\" \"WWVz\""
        );
        assert_eq!(line[0].to_ascii_uppercase(), expected.to_ascii_uppercase());
        let wrong = url.replace("section=2", "section=1");
        let lines = alice.command(&format!("URLFETCH (\"{wrong}\" BINARY)")).await;
        assert_eq!(lines, [format!("* URLFETCH \"{wrong}\" NIL")]);
        assert!(alice.attempt(&format!("URLFETCH (\"{url}\" OTHER)")).await.tagged.starts_with("BAD "));
        let server = Server::builder().without(["URLAUTH=BINARY"]).start();
        let mut alice = session(&server).await;
        assert!(alice.attempt(&format!("URLFETCH (\"{url}\" BINARY)")).await.tagged.starts_with("BAD "));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_authorized() {
    within(LIMIT, async {
        let (server, _) = filled();
        let mut a = session(&server).await;
        for (arguments, answer) in [
            ("", "BAD "),
            ("imap://alice@h/INBOX/;uid=1;urlauth=authuser", "BAD "),
            ("imap://alice@h/INBOX/;uid=1;urlauth=authuser XSAMPLE", "BAD "),
            ("imap://bob@h/INBOX/;uid=1;urlauth=authuser INTERNAL", "BAD "),
            ("imap://alice@h/INBOX/;uid=1 INTERNAL", "BAD "),
            ("imap://alice@h/INBOX/;uid=1;urlauth=authuser:internal:0123 INTERNAL", "BAD "),
            ("/INBOX/;uid=1;urlauth=authuser INTERNAL", "BAD "),
            ("imap://alice@h/None/;uid=1;urlauth=authuser INTERNAL", "NO "),
        ] {
            let reply = a.attempt(format!("GENURLAUTH {arguments}").trim_end()).await;
            assert!(reply.tagged.starts_with(answer) && reply.untagged.is_empty(), "{arguments}: {reply:?}");
        }
        for (command, answer) in [
            ("URLFETCH", "BAD "),
            ("RESETKEY None", "NO "),
            ("RESETKEY INBOX XSAMPLE", "BAD "),
            ("RESETKEY (x)", "BAD "),
        ] {
            assert!(a.attempt(command).await.tagged.starts_with(answer), "{command}");
        }
        assert!(a.select("INBOX").await.iter().any(|line| line.starts_with("* OK [URLMECH INTERNAL]")));
        assert_eq!(fetched(&mut a, "imap://alice@h/INBOX/;uid=1").await, None);
    })
    .await;
}
