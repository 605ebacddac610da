//! What each failure says to a user who has never read the code: the command, the mailbox, the user
//! and the host where they matter, why, and what to do. In full, by `{error:#}`; and no chain of
//! sources says the same twice.

mod support;

use std::error::Error as _;
use std::time::Duration;

use imap_duplex::command::{Items, Notify, StatusItems};
use imap_duplex::testing::Server;
use imap_duplex::types::Code;
use imap_duplex::{Config, Error, Sender};
use support::wire::Peer;
use support::within;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(120);

/// Whether it prints so, in full; and what is true of each error.
#[track_caller]
fn prints(error: &Error, full: &str) {
    assert_eq!(format!("{error:#}"), full);
    says_nothing_twice(error);
}

#[track_caller]
fn says_nothing_twice(error: &Error) {
    let mut before = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        assert!(!text.is_empty() && !before.contains(&text), "{text:?} twice: {before}");
        before = format!("{before}\n{text}");
        source = cause.source();
    }
    let own = error.to_string();
    let words: Vec<_> = own.split([' ', ':', '(', ')', ',']).filter(|word| word.len() > 2).collect();
    for (at, word) in words.iter().enumerate().filter(|(_, word)| word.chars().all(char::is_uppercase)) {
        assert!(!words[..at].contains(word), "{word} twice: {own}");
    }
    assert!(!own.contains(['\n', '\r']), "{own:?}");
}

fn config() -> Config {
    Config::new("imap.example.org").login("alice", "s3cret").plaintext().allow_plaintext_login(true)
}

/// Why there is no connection to a server that says this, each piece in answer to a line of ours.
async fn refused(config: Config, says: &[&str]) -> Error {
    let (stream, mut server) = Peer::pair();
    let serving = async {
        for (at, text) in says.iter().enumerate() {
            let tag = if at == 0 { String::new() } else { server.expect_start("").await.0 };
            server.send(text.replace("TAG", &tag).as_bytes()).await;
        }
        server
    };
    let (end, _server) = tokio::join!(config.connect_over(stream), serving);
    end.map(drop).expect_err("it is refused")
}

#[tokio::test]
async fn a_host_that_is_none() {
    let url = "a URL is no host: its name or address alone is wanted";
    let port = "the host has a port in it: name and port are set apart";
    let none = "this is no host: a name or an address is wanted";
    for (host, full) in [
        ("localhost:12993", format!("{port} (write Config::new(\"localhost\").port(12993))")),
        ("imap.example.org:993/", format!("{port} (write Config::new(\"imap.example.org\").port(993))")),
        ("imaps://imap.example.org", format!("{url} (write Config::new(\"imap.example.org\"))")),
        (
            "imaps://alice:s3cret@imap.example.org:993/INBOX",
            format!("{url} (write Config::new(\"imap.example.org\").port(993))"),
        ),
        // Where it is not sure what is a password, nothing is repeated.
        ("imaps://alice:s3cret", url.to_owned()),
        ("imaps://alice:s3cret/x", url.to_owned()),
        ("alice@imap.example.org", format!("{none} (write Config::new(\"imap.example.org\"))")),
        ("imap example org", none.to_owned()),
        ("[::1]:993", format!("{port} (write Config::new(\"::1\").port(993))")),
        ("[::x]", none.to_owned()),
        ("", "no host is named".to_owned()),
    ] {
        let error = Config::new(host).connect().await.map(drop).expect_err("no host");
        prints(&error, &full);
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_port_where_nothing_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let error = Config::new("127.0.0.1").port(port).connect().await.map(drop).expect_err("no listener");
    prints(
        &error,
        &format!(
            "no connection to 127.0.0.1 port {port}: refused, nothing listens there: Connection refused (os error 111) \
             (is it the server's port? TLS from the first byte has 993 as a rule)"
        ),
    );
}

#[tokio::test(start_paused = true)]
async fn a_port_that_speaks_tls_to_one_who_does_not() {
    within(LIMIT, async {
        let error = refused(config(), &[]).await;
        prints(
            &error,
            "no greeting of imap.example.org within 30s (a port with TLS from the first byte is silent as long as it is \
             spoken to in clear text: ask for TLS there)",
        );
    })
    .await;
}

#[tokio::test]
async fn a_port_without_tls_to_one_who_wants_it() {
    within(LIMIT, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let serving = async {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            stream.write_all(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n").await.expect("written");
            stream
        };
        let config = Config::new("127.0.0.1").port(port).login("alice", "s3cret");
        let (end, _stream) = tokio::join!(config.connect(), serving);
        prints(
            &end.map(drop).expect_err("no TLS"),
            "127.0.0.1 does not use TLS on this port: received corrupt message of type InvalidContentType (TLS from the \
             first byte is for port 993 as a rule; port 143 wants STARTTLS)",
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_imap_server() {
    within(LIMIT, async {
        for said in [
            "SSH-2.0-OpenSSH_9.6",
            "+OK POP3 ready",
            "220 mx.example.org ESMTP",
            "HTTP/1.1 400 Bad Request",
            "x OK y",
        ] {
            prints(
                &refused(config(), &[&format!("{said}\r\n")]).await,
                &format!(
                    "imap.example.org is not an IMAP server; it sent: {said} (is it the right port? IMAP has 993 (TLS) and \
                     143 as a rule)"
                ),
            );
        }
        prints(
            &refused(config(), &["* BYE [UNAVAILABLE] back at noon\r\n"]).await,
            "imap.example.org turned us away: back at noon (try again later)",
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails() {
    within(LIMIT, async {
        let hint = "are user and password right? Many providers want a password made for one program alone";
        for (greeting, name) in [("IMAP4rev1", "LOGIN"), ("IMAP4rev1 AUTH=PLAIN SASL-IR", "AUTHENTICATE")] {
            let greeting = format!("* OK [CAPABILITY {greeting}] ready\r\n");
            for (answer, says) in [
                ("NO [AUTHENTICATIONFAILED] Authentication failed.", hint),
                ("NO nice try", hint),
                ("NO [UNAVAILABLE] the database is away", "try again later"),
            ] {
                prints(
                    &refused(config(), &[&greeting, &format!("TAG {answer}\r\n")]).await,
                    &format!("{name}: imap.example.org refuses alice: {answer} ({says})"),
                );
            }
        }
        prints(
            &refused(config(), &["* OK [CAPABILITY IMAP4rev1] ready\r\n", "* BYE too many connections\r\n"]).await,
            "LOGIN: as alice at imap.example.org: the server said BYE: too many connections (connect again after a pause)",
        );
        prints(
            &refused(config(), &["* OK [CAPABILITY IMAP4rev1] ready\r\n", ""]).await,
            "as alice at imap.example.org: the login took longer than 60s: no answer",
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_password() {
    within(LIMIT, async {
        let modern = "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2 AUTH=OAUTHBEARER] ready\r\n";
        let tls = Config::new("imap.example.org").login("alice", "s3cret");
        prints(
            &refused(tls.clone(), &[modern]).await,
            "imap.example.org takes no password (LOGINDISABLED); it offers XOAUTH2, OAUTHBEARER (it wants a token of OAuth \
             2.0 in place of a password)",
        );
        prints(
            &refused(tls.clone(), &["* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\r\n"]).await,
            "imap.example.org takes no password (LOGINDISABLED), and offers no way to log in (only the server's operator can \
             change that: ask for another port or host for IMAP)",
        );
        prints(
            &refused(tls.starttls(), &["* OK [CAPABILITY IMAP4rev1] ready\r\n"]).await,
            "imap.example.org offers no STARTTLS, and TLS was asked for (it may have TLS from the first byte, on port 993)",
        );
        let hint = "encrypt the connection: TLS on port 993, or STARTTLS";
        prints(
            &refused(config(), &["* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\r\n"]).await,
            &format!("imap.example.org takes no password without encryption (LOGINDISABLED) ({hint})"),
        );
        prints(
            &refused(config().allow_plaintext_login(false), &["* OK [CAPABILITY IMAP4rev1] ready\r\n"]).await,
            &format!(
                "the connection to imap.example.org is not encrypted, and the password of alice is not sent in clear text \
                 ({hint})"
            ),
        );
    })
    .await;
}

async fn embedded() -> (Server, Sender) {
    let server = Server::new();
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    let (imap, _events) = config.connect_over(server.connect()).await.expect("logged in");
    (server, imap)
}

#[tokio::test(start_paused = true)]
async fn a_command_that_fails_names_its_mailbox() {
    within(LIMIT, async {
        let (server, imap) = embedded().await;
        let counts = StatusItems::counts;
        let hint = "the mailbox does not exist: is its name right?";
        let error = imap.select("Pier").await.expect_err("not there");
        prints(&error, "SELECT Pier: NO There is no such mailbox");
        assert_eq!(error.mailbox().map(|name| name.as_str()), Some("Pier"));
        let error = imap.status("Pier", counts()).await.expect_err("not there");
        prints(&error, "STATUS Pier: NO There is no such mailbox");
        let error = imap.delete("Pier").await.expect_err("not there");
        prints(&error, &format!("DELETE Pier: NO [NONEXISTENT] There is no such mailbox ({hint})"));
        let error = imap.append("Pier", "Subject: x\r\n\r\n").await.expect_err("not there");
        let make = "the mailbox does not exist: make it first";
        prints(&error, &format!("APPEND Pier: NO [TRYCREATE] There is no such mailbox ({make})"));
        let error = imap.create("INBOX").await.expect_err("there already");
        prints(&error, "CREATE INBOX: NO [ALREADYEXISTS] There is such a mailbox already (there is one of this name already)");
        let error = imap.status("INBOX", StatusItems::new()).await.expect_err("nothing");
        prints(&error, "STATUS INBOX: nothing is asked for: name at least one item");
        let error = imap.notify(Notify::set().mailboxes(Vec::<&str>::new(), [])).await.expect_err("nothing");
        prints(&error, "NOTIFY: no mailbox is named: mailboxes needs one");

        let uid = server.deliver("INBOX", "Subject: x\r\n\r\n");
        let inbox = imap.select("INBOX").await.expect("selected");
        let error = inbox.copy(uid, "Pier").await.expect_err("not there");
        prints(&error, &format!("COPY in INBOX to Pier: NO [TRYCREATE] There is no such mailbox ({make})"));
        assert_eq!(error.mailbox().map(|name| name.as_str()), Some("INBOX"));
        server.on("UID FETCH").no_with(Code::InUse, "busy");
        let error = inbox.fetch(uid, Items::new().flags()).await.expect_err("busy");
        prints(&error, "FETCH in INBOX: NO [INUSE] busy (try again later)");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_selection_that_has_ended_says_which_and_why() {
    within(LIMIT, async {
        let (server, imap) = embedded().await;
        let uid = server.deliver("INBOX", "Subject: x\r\n\r\n");
        let hint = "select the mailbox again, and submit through that selection";
        let inbox = imap.select("INBOX").await.expect("selected");
        let drafts = imap.select("Drafts").await.expect("selected");
        let error = inbox.fetch(uid, Items::new().flags()).await.expect_err("ended");
        let ended = "the selection has ended";
        prints(&error, &format!("FETCH in INBOX: {ended}: a mailbox has been selected since ({hint})"));
        drafts.unselect().await.expect("unselected");
        let error = drafts.copy(uid, "INBOX").await.expect_err("ended");
        prints(&error, &format!("COPY in Drafts to INBOX: {ended}: the mailbox was closed ({hint})"));
        let pier = imap.select("Pier");
        let handle = pier.mailbox();
        drop(pier.await.expect_err("not there"));
        let error = handle.fetch(uid, Items::new().flags()).await.expect_err("never opened");
        prints(&error, &format!("FETCH in Pier: the mailbox could not be opened ({hint})"));

        let inbox = imap.select("INBOX").await.expect("selected");
        server.on("UID FETCH").cut_after(0);
        let error = inbox.fetch(uid, Items::new().flags()).await.expect_err("cut");
        prints(&error, "FETCH in INBOX: the server closed the connection (connect again after a pause)");
        let error = inbox.fetch(uid, Items::new().flags()).await.expect_err("closed");
        prints(
            &error,
            "FETCH in INBOX: the server closed the connection (not sent) (connect again after a pause)",
        );
        let error = imap.list("*").await.expect_err("closed");
        prints(&error, "LIST: the server closed the connection (not sent) (connect again after a pause)");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_command_of_ones_own_that_is_not_sent_says_what_to_do_instead() {
    within(LIMIT, async {
        let (_server, imap) = embedded().await;
        let why = "it can't be sent as a command of your own, for it would change the session unseen";
        for (line, hint) in [
            (
                "AUTHENTICATE XOAUTH2",
                "user and password go into `Config::login`; a mechanism of your own into `Config::sasl`",
            ),
            ("COMPRESS DEFLATE", "`Config::compress` does it, or `Sender::compress`"),
            ("SELECT INBOX", "`Sender::select` does it"),
            ("UNAUTHENTICATE", "`Sender::unauthenticate` does it"),
        ] {
            let error = imap.raw(line).await.expect_err("refused");
            let name = line.split(' ').next().expect("a name");
            prints(&error, &format!("{name}: {why} ({hint})"));
        }
    })
    .await;
}
