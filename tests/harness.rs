//! The harness itself: the tests' Dovecot, the other session, and the streams that tests look into.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::dovecot::{Dovecot, Literals, Options};
use support::other::Other;
use support::recording::{Recording, Said};
use support::wire::{Entry, Peer, Recorder};
use support::{fresh_user, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(60);
const MESSAGE: &[u8] = b"From: a@example.org\r\nSubject: one\r\n\r\nline {3}\r\n";

#[tokio::test]
async fn what_one_session_appends_another_reads() {
    within(LIMIT, async {
        let server = Dovecot::start();
        let uid = server.deliver("alice", "INBOX", MESSAGE).await;
        let mut reader = server.session("alice").await;
        let selected = reader.select("INBOX").await;
        assert!(selected.contains(&"* 1 EXISTS".to_owned()), "{selected:?}");
        assert_eq!(reader.body(uid).await, MESSAGE);

        let second = server.deliver("alice", "INBOX", MESSAGE).await;
        assert!(second > uid);
        let response = reader.command("NOOP").await;
        assert!(response.contains(&"* 2 EXISTS".to_owned()), "{response:?}");
        reader.store("1:*", "+FLAGS (\\Seen)").await;
        reader.remove(&uid.to_string()).await;
        assert_eq!(reader.command("UID SEARCH ALL").await, [format!("* SEARCH {second}")]);
        reader.logout().await;
    })
    .await;
}

#[tokio::test]
async fn every_name_is_a_user_with_mail_of_its_own_and_a_wrong_password_is_refused_soon() {
    within(LIMIT, async {
        let server = Dovecot::start();
        let (one, two) = (fresh_user(), fresh_user());
        assert_ne!(one, two);
        server.deliver(&one, "INBOX", MESSAGE).await;
        let found = server.session(&two).await.command("STATUS INBOX (MESSAGES)").await;
        assert_eq!(found, ["* STATUS INBOX (MESSAGES 0)"]);

        let start = Instant::now();
        for _ in 0..3 {
            let mut stranger = Other::connect(server.plain_addr()).await;
            let reply = stranger.attempt("LOGIN alice wrong").await;
            assert!(reply.tagged.starts_with("NO [AUTHENTICATIONFAILED]"), "{reply:?}");
        }
        // Half a second each is Dovecot's least; unasked it would make us wait 2 and then 4 s more.
        assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
    })
    .await;
}

#[tokio::test]
async fn extensions_are_there() {
    within(LIMIT, async {
        let server = Dovecot::start();
        let mut session = server.session("alice").await;
        let capability = session.command("CAPABILITY").await.concat();

        let wanted = "IMAP4rev1 LITERAL+ IDLE NAMESPACE ID ENABLE UIDPLUS UNSELECT MOVE CONDSTORE QRESYNC ESEARCH SEARCHRES SORT \
                      THREAD=REFS NOTIFY METADATA QUOTA ACL COMPRESS=DEFLATE URLAUTH LIST-EXTENDED LIST-STATUS SPECIAL-USE \
                      BINARY SNIPPET=FUZZY STATUS=SIZE SAVEDATE";
        for name in wanted.split_whitespace() {
            assert!(capability.split(' ').any(|have| have == name), "no {name}: {capability}");
        }
        session.command("GETQUOTAROOT INBOX").await;
        session.command("SETACL INBOX bob lr").await;
        session.command("SETMETADATA INBOX (/private/comment \"here\")").await;
        session.command("NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) (PERSONAL (MailboxName))").await;
    })
    .await;
}

#[tokio::test]
async fn literals_and_capabilities_are_as_asked_for() {
    async fn capability(options: Options) -> String {
        let server = Dovecot::with(&options);
        let mut session = server.session("alice").await;
        session.command("CAPABILITY").await.concat()
    }
    let has = |list: &str, name: &str| list.split(' ').any(|have| have == name);
    within(LIMIT, async {
        let minus = capability(Options { literals: Literals::Minus, ..Options::default() }).await;
        assert!(has(&minus, "LITERAL-") && !has(&minus, "LITERAL+"), "{minus}");
        let wait = capability(Options { literals: Literals::Wait, ..Options::default() }).await;
        assert!(!has(&wait, "LITERAL-") && !has(&wait, "LITERAL+") && has(&wait, "UIDPLUS"), "{wait}");
        let own = Options { capability: Some("IMAP4rev1 IDLE".into()), ..Options::default() };
        assert_eq!(capability(own).await, "* CAPABILITY IMAP4rev1 IDLE");
    })
    .await;
}

#[tokio::test]
async fn where_tls_is_required_a_stranger_cannot_log_in_and_the_other_session_can() {
    within(LIMIT, async {
        let server = Dovecot::with(&Options { require_tls: true, ..Options::default() });
        let stream = tokio::net::TcpStream::connect(server.plain_addr()).await.expect("it listens");
        let mut stranger = Other::over(stream).await;
        let capability = stranger.command("CAPABILITY").await.concat();
        assert!(capability.contains("LOGINDISABLED") && capability.contains("STARTTLS"), "{capability}");
        assert!(!stranger.attempt("LOGIN alice secret").await.is_ok());
        server.deliver("alice", "INBOX", MESSAGE).await;
    })
    .await;
}

#[tokio::test]
async fn a_stopped_server_leaves_nothing_behind() {
    within(LIMIT, async {
        let server = Dovecot::start();
        // A session that is still open must not keep it.
        let mut session = server.session("alice").await;
        session.send("IDLE").await;
        let (folder, address, group) = (server.folder().to_owned(), server.plain_addr(), server.process());
        assert!(!processes(group).is_empty());
        let start = Instant::now();
        drop(server);
        assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
        assert!(!folder.exists());
        gone("drop", group, &folder).await;
        assert!(std::net::TcpStream::connect(address).is_err());
    })
    .await;
}

#[tokio::test]
async fn a_server_goes_when_a_test_panics_or_its_process_is_killed() {
    within(LIMIT, async {
        // The test below, in a process of its own, with another end each time.
        for end in ["panic", "kill"] {
            let mut child = std::process::Command::new(std::env::current_exe().expect("our own file"))
                .args(["--exact", "start_a_server_for_the_test_above", "--nocapture"])
                .env("HARNESS_END", end)
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("our own file");
            let mut said = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
            let mut line = String::new();
            let (group, folder) = loop {
                line.clear();
                assert_ne!(
                    std::io::BufRead::read_line(&mut said, &mut line).expect("lines"),
                    0,
                    "it did not start"
                );
                if let Some((group, folder)) = line.trim().split_once(" server in ") {
                    let group = group.rsplit(' ').next().unwrap_or_default();
                    break (group.parse::<u32>().expect("a number"), folder.to_owned());
                }
            };
            if end == "kill" {
                child.kill().expect("it runs");
            }
            child.wait().expect("it ends");
            gone(end, group, folder.as_ref()).await;
        }
    })
    .await;
}

#[test]
fn start_a_server_for_the_test_above() {
    let server = Dovecot::start();
    assert!(server.folder().join("dovecot.conf").exists());
    let end = std::env::var("HARNESS_END").unwrap_or_default();
    if end.is_empty() {
        return;
    }
    println!("{} server in {}", server.process(), server.folder().display());
    assert_ne!(end, "panic", "as asked for");
    std::thread::sleep(LIMIT);
}

/// Waits until no process of the group and no folder is left.
async fn gone(end: &str, group: u32, folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !processes(group).is_empty() || folder.exists() {
        assert!(Instant::now() < deadline, "{end}: left over: {} in {}", processes(group), folder.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The processes of a process group, zombies aside; an empty text if there is none.
fn processes(group: u32) -> String {
    let Ok(folders) = std::fs::read_dir("/proc") else {
        // No Linux; there, `ps` need not be installed.
        let output = std::process::Command::new("ps").args(["-A", "-o", "stat=,pgid=,pid=,comm="]).output();
        let text = String::from_utf8_lossy(&output.expect("ps").stdout).into_owned();
        let ours = |line: &&str| {
            !line.starts_with('Z') && line.split_whitespace().nth(1) == Some(&group.to_string())
        };
        return text.lines().filter(ours).collect::<Vec<_>>().join("\n");
    };
    // proc_pid_stat(5): number (name) state parent group …
    let ours = |stat: &String| {
        let mut words = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        words.next() != Some("Z") && words.nth(1) == Some(&group.to_string())
    };
    let stats =
        folders.flatten().filter_map(|folder| std::fs::read_to_string(folder.path().join("stat")).ok());
    stats.filter(ours).collect()
}

#[cfg(feature = "rustls")]
mod tls {
    //! Its certificate, by rustls.

    use std::sync::Arc;

    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::support::other::dial;
    use super::*;

    fn connector(authority: Option<&std::path::Path>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        if let Some(file) = authority {
            roots.add(CertificateDer::from_pem_file(file).expect("a PEM file")).expect("an authority");
        }
        TlsConnector::from(Arc::new(
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth(),
        ))
    }

    #[tokio::test]
    async fn the_certificate_is_good_for_its_names_and_for_those_who_know_the_authority() {
        within(LIMIT, async {
            let server = Dovecot::start();
            for name in ["localhost", "127.0.0.1"] {
                let name = ServerName::try_from(name).expect("a name");
                let stream = dial(server.tls_addr()).await;
                let stream = connector(Some(&server.ca_pem()))
                    .connect(name, stream)
                    .await
                    .expect("a good certificate");
                let mut session = Other::over(stream).await;
                session.login("alice").await;
                session.logout().await;
            }
            let name = ServerName::try_from("elsewhere.example").expect("a name");
            let stream = dial(server.tls_addr()).await;
            assert!(connector(Some(&server.ca_pem())).connect(name, stream).await.is_err());
            let name = ServerName::try_from("localhost").expect("a name");
            let stream = dial(server.tls_addr()).await;
            assert!(connector(None).connect(name, stream).await.is_err());
        })
        .await;
    }

    #[tokio::test]
    async fn starttls_leads_to_a_session() {
        within(LIMIT, async {
            let server = Dovecot::with(&Options { require_tls: true, ..Options::default() });
            let mut session = Other::connect(server.plain_addr()).await;
            session.command("STARTTLS").await;
            let name = ServerName::try_from(server.plain_addr().ip().to_string()).expect("a name");
            let stream = connector(Some(&server.ca_pem())).connect(name, session.into_stream()).await;
            let mut stream = stream.expect("a good certificate");
            stream.write_all(b"t1 LOGIN alice secret\r\n").await.expect("it reads");
            let mut answer = [0; 5];
            stream.read_exact(&mut answer).await.expect("it answers");
            assert_eq!(&answer, b"t1 OK");
        })
        .await;
    }
}

#[tokio::test]
async fn a_recorder_keeps_each_write_and_each_read() {
    within(LIMIT, async {
        let (stream, mut server) = Peer::pair();
        let (mut stream, log) = Recorder::new(stream);
        stream.write_all(b"a NOOP\r\nb NOOP\r\n").await.expect("room");
        stream.write_all(b"c NOOP\r\n").await.expect("room");
        assert_eq!(log.writes(), ["a NOOP\r\nb NOOP\r\n", "c NOOP\r\n"]);
        assert_eq!(server.expect("NOOP").await, "a");
        assert_eq!(server.expect_start("NO").await, ("b".into(), "OP".into()));
        server.expect_line("c NOOP").await;
        server.say("a OK").await;
        let mut block = [0; 100];
        assert_eq!(stream.read(&mut block).await.expect("bytes"), 6);
        assert_eq!(log.take().last(), Some(&Entry::Read(b"a OK\r\n".to_vec())));
        assert_eq!(log.entries(), []);

        let write = async { stream.write_all(b"DONE\r\n").await.expect("room") };
        tokio::join!(write, log.until("DONE", |writes| writes.concat().contains("DONE")));
        server.expect_bytes(b"DONE\r\n").await;
        drop(stream);
        server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_waits_in_virtual_time_and_says_what_was_missing() {
    let start = Instant::now();
    let (stream, mut server) = Peer::pair();
    server.expect_silence(Duration::from_secs(3600)).await;
    let waiting = tokio::spawn(async move {
        server.say("* OK hello").await;
        server.expect("NOOP").await
    });
    let why = waiting.await.expect_err("nothing was sent").into_panic();
    let why = why.downcast_ref::<String>().expect("a text");
    assert!(why.contains("expected: NOOP") && why.contains("S: * OK hello"), "{why}");
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn a_peer_of_small_capacity_makes_the_writer_wait() {
    let (mut stream, mut server) = Peer::pair_of(4);
    let writing = tokio::spawn(async move { stream.write_all(b"a NOOP\r\n").await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!writing.is_finished());
    assert_eq!(server.expect("NOOP").await, "a");
    writing.await.expect("no panic").expect("written");
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_ended() {
    let slow = tokio::spawn(within(Duration::from_secs(5), std::future::pending::<()>()));
    let why = slow.await.expect_err("it never ends").into_panic();
    let why = why.downcast_ref::<String>().expect("a text");
    assert!(why.contains("not done within 5s") && why.contains("harness.rs"), "{why}");
}

#[test]
fn a_recording_comes_back_from_its_file() {
    let entries = [
        Entry::Read(b"* OK hel".to_vec()),
        Entry::Read(b"lo\r\n".to_vec()),
        Entry::Wrote(b"a LOGIN {5}\r\n".to_vec()),
        Entry::Read(b"+ \r\n".to_vec()),
        Entry::Wrote(b"C 5\n\xff".to_vec()),
    ];
    let recording = Recording::of(&entries);
    assert_eq!(recording.turns.len(), 4);
    assert_eq!(recording.turns[0], Said::Server(b"* OK hello\r\n".to_vec()));
    assert_eq!(recording.server(), b"* OK hello\r\n+ \r\n");
    let file = recording.to_bytes();
    assert_eq!(Recording::parse(&file), Ok(recording.clone()));
    // Cut off, it is either an error or, between two turns, the turns before.
    let parts = (0..file.len()).filter_map(|cut| Recording::parse(&file[..cut]).ok());
    let parts: Vec<_> = parts.map(|part| part.turns).collect();
    let turns = recording.turns;
    assert_eq!(parts, [&turns[..0], &turns[..1], &turns[..2], &turns[..3]]);
    assert_eq!(Recording::parse(b"X 1\na\n"), Err("neither C nor S at byte 0".into()));
}
