//! The example `watch`, as a program: what it prints, what it sends, how it ends.

mod support;

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::dovecot::{Dovecot, Options};
use support::program::{Program, command, event, wait};
use support::wire::Recorder;
use support::{PASSWORD, fresh_user, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: Duration = Duration::from_secs(60);

/// A message with this subject.
fn message(subject: &str) -> Vec<u8> {
    format!("From: Ann <ann@example.org>\r\nSubject: {subject}\r\n\r\nhello\r\n").into_bytes()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// What a fresh clone shows.
#[tokio::test]
async fn without_arguments_it_plays_a_scene() {
    within(LIMIT, async {
        let ended = Program::start("watch", &["--for", "9"]).end().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
        let said = ended.rest.join("\n");
        let mut rest = said.as_str();
        for wanted in [
            "INBOX: opened with 8 messages",
            "mailboxes: Drafts, INBOX, Projects, Sent, Trash",
            "Jörg Müller                   Fotos von der Überfahrt",
            "\n# mail arrives",
            "\nINBOX: uid 9 arrived",
            "\nINBOX: uid 9 is from Ann Lee: Re: Lunch on Thursday?",
            "\n# another program reads it",
            "\nINBOX: uid 9 has flags (\\Seen \\Flagged)",
            "\nProjects: status, messages 4",
            "\nINBOX: data for #",
            ": found 2,4,8",
            "\nINBOX: uid 4 has flags (\\Seen $Todo)",
            "\nINBOX: uid 1 removed",
            "\nPier 2027: renamed from Pier",
            "\nALERT from the server: Tea is ready.",
            "\n# that was the scene",
            "\nclosed: logged out",
        ] {
            rest = rest.split_once(wanted).unwrap_or_else(|| panic!("{wanted:?} is missing in:\n{said}")).1;
        }
    })
    .await;
}

#[tokio::test]
async fn the_scene_is_events_for_programs_as_well() {
    within(LIMIT, async {
        let mut watch = Program::start("watch", &["--json", "--for", "30"]);
        assert_eq!(watch.event("arrived").await["uid"], 9);
        let status = watch.event("status").await;
        assert_eq!((&status["mailbox"], &status["messages"]), (&"Projects".into(), &4.into()));
        watch.event("alert").await;
        assert_eq!(watch.interrupt().await.status.code(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn each_change_is_an_object_with_its_uid() {
    within(LIMIT, async {
        let (server, user) = (Dovecot::start(), fresh_user());
        for subject in ["one", "two", "three", "four"] {
            server.deliver(&user, "INBOX", &message(subject)).await;
        }
        let url = format!("imaps://{user}@localhost:{}/", server.tls_addr().port());
        let mut watch =
            Program::start("watch", &["--json", "--count", "3", "--ca", text(&server.ca_pem()), &url]);

        let opened = watch.event("opened").await;
        assert_eq!((&opened["mailbox"], &opened["exists"]), (&"INBOX".into(), &4.into()));
        assert!(opened["uid_validity"].as_u64().is_some_and(|it| it > 0), "{opened}");
        // The newest messages, of three commands; they may come in any order of the three.
        let (mut subjects, mut fetched) = (Vec::new(), 0);
        while fetched < 3 {
            let event = event(&watch.line().await);
            if event["answer"] == "fetch" {
                subjects.push(event["subject"].as_str().unwrap_or_default().to_owned());
            }
            if event["event"] == "completed" && event["command"] == "FETCH" {
                assert_eq!((&event["status"], event["id"].is_u64()), (&"OK".into(), true), "{event}");
                fetched += 1;
            }
        }
        subjects.sort();
        assert_eq!(subjects, ["four", "three", "two"]);

        let mut other = server.session(&user).await;
        other.select("INBOX").await;
        let uid = other.append("INBOX", "", &message("five")).await;
        let arrived = watch.soon("arrived").await;
        assert_eq!(
            (&arrived["mailbox"], &arrived["uid"], &arrived["seq"]),
            (&"INBOX".into(), &uid.into(), &5.into())
        );

        other.store(&uid.to_string(), "+FLAGS (\\Seen)").await;
        let changed = watch.soon("flags_changed").await;
        assert_eq!((&changed["uid"], &changed["flags"]), (&uid.into(), &vec!["\\Seen"].into()));
        assert_eq!(changed["before"], Value::Array(Vec::new()));

        other.remove("2,4").await;
        let gone = [watch.soon("removed").await, watch.soon("removed").await];
        let mut gone = gone.map(|event| event["uid"].as_u64());
        gone.sort();
        assert_eq!(gone, [Some(2), Some(4)], "one object for each message");

        let ended = watch.interrupt().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
        let rest: Vec<Value> = ended.rest.iter().map(|line| event(line)).collect();
        let [.., logout, closed] = rest.as_slice() else { panic!("LOGOUT and the end: {rest:?}") };
        assert_eq!((&logout["command"], &logout["status"]), (&"LOGOUT".into(), &"OK".into()));
        assert_eq!((&closed["event"], &closed["reason"]), (&"closed".into(), &"logged out".into()));
    })
    .await;
}

#[tokio::test]
async fn people_see_a_table_then_a_line_for_each_event() {
    within(LIMIT, async {
        // Without TLS login is refused: STARTTLS is what it must have done.
        let server = Dovecot::with(&Options { require_tls: true, ..Options::default() });
        server.deliver("alice", "INBOX", &message("=?utf-8?q?Caf=C3=A9?= \u{7}today")).await;
        let address = server.plain_addr();
        let url = format!("imap://alice:{PASSWORD}@{address}/inbox");
        let mut watch = Program::start("watch", &["--ca", text(&server.ca_pem()), &url]);

        watch.until("INBOX: opened with 1").await;
        assert!(watch.until("mailboxes: ").await.contains("INBOX"));
        assert_eq!(watch.line().await, "unseen: 1");
        let heads = watch.until("SUBJECT").await;
        let row = watch.line().await;
        assert!(
            row.contains(" 1 *  ") && row.contains("  Ann  ") && row.ends_with("Café \u{fffd}today"),
            "{row}"
        );
        assert_eq!(heads.find("FROM"), row.find("Ann"), "in columns:\n{heads}\n{row}");
        watch.until("watching").await;

        let mut other = server.session("alice").await;
        other.select("INBOX").await;
        let uid = other.append("INBOX", "", &message("two")).await;
        assert_eq!(watch.line().await, "INBOX: 2 messages now");
        assert_eq!(watch.line().await, format!("INBOX: uid {uid} arrived"));
        other.store("1", "+FLAGS (\\Flagged)").await;
        // IMAP4rev1 has \Recent besides, for sessions that did not select the mailbox first.
        assert!(watch.line().await.starts_with("INBOX: uid 1 has flags (\\Flagged"));
        other.remove("1").await;
        assert_eq!(watch.until("removed").await, "INBOX: uid 1 removed");

        let ended = watch.interrupt().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
        assert_eq!(ended.rest, ["closed: logged out"]);
        assert!(server.log().contains("Logged out"), "{}", server.log());
    })
    .await;
}

#[tokio::test]
async fn the_url_names_the_mailbox_and_its_uid_validity() {
    within(LIMIT, async {
        // To this very machine the password is sent in the clear where there is no TLS.
        let server = Dovecot::with(&Options { extra: "ssl = no\n".into(), ..Options::default() });
        let mut other = server.session("alice").await;
        other.command("CREATE \"Entw&APw-rfe\"").await;
        let url = format!("imap://alice;AUTH=*@{}/Entw%C3%BCrfe", server.plain_addr());

        let mut watch = Program::start("watch", &["--json", &url]);
        let opened = watch.event("opened").await;
        assert_eq!((&opened["mailbox"], &opened["exists"]), (&"Entwürfe".into(), &0.into()));
        let uid_validity = opened["uid_validity"].as_u64().expect("a number");
        let uid = other.append("\"Entw&APw-rfe\"", "", &message("one")).await;
        let arrived = watch.soon("arrived").await;
        assert_eq!((&arrived["mailbox"], &arrived["uid"]), (&"Entwürfe".into(), &uid.into()));
        assert_eq!(watch.interrupt().await.status.code(), Some(0));

        let mut same = Program::start("watch", &["--json", &format!("{url};UIDVALIDITY={uid_validity}")]);
        assert_eq!(same.event("opened").await["exists"], 1);
        assert_eq!(same.interrupt().await.status.code(), Some(0));
        let ended =
            Program::start("watch", &[&format!("{url};UIDVALIDITY={}", uid_validity + 1)]).end().await;
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.errors.starts_with("watch: the URL is about UIDVALIDITY"), "{}", ended.errors);
    })
    .await;
}

#[tokio::test]
async fn it_sends_nothing_to_learn_of_changes() {
    within(LIMIT, async {
        let server = Dovecot::with(&Options { extra: "ssl = no\n".into(), ..Options::default() });
        let uid = server.deliver("alice", "INBOX", &message("one")).await;
        // Between the two, a stream that keeps what the program sends.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("imap://alice@{}/", listener.local_addr().expect("an address"));
        let address = server.plain_addr();
        let (sender, log) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.expect("the program");
            let (mut server, log) = Recorder::new(TcpStream::connect(address).await.expect("the server"));
            sender.send(log).expect("the test waits");
            copy_bidirectional(&mut client, &mut server).await.ok();
        });
        let mut watch = Program::start("watch", &[&url]);
        let log = log.await.expect("a connection");
        watch.until("watching").await;
        log.until("IDLE", |writes| writes.concat().contains(" IDLE\r\n")).await;
        let before = log.written();
        let commands = |sent: &str| {
            let lines = sent.lines().map(|line| line.split_once(' ').map_or(line, |(_, command)| command));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        for command in ["LIST", "STATUS", "EXAMINE", "UID FETCH 1 ", "IDLE"] {
            let sent = commands(&before);
            assert!(sent.iter().any(|line| line.starts_with(command)), "no {command}: {sent:?}");
        }
        assert!(!before.contains("SELECT"), "looking on changes nothing: {before}");

        let mut other = server.session("alice").await;
        other.select("INBOX").await;
        other.store(&uid.to_string(), "+FLAGS (\\Seen)").await;
        watch.until("has flags (\\Seen").await;
        other.remove(&uid.to_string()).await;
        watch.until("removed").await;
        assert_eq!(commands(&log.written()), commands(&before), "not a word");
        watch.interrupt().await;
        let after = log.written();
        assert_eq!(commands(&after[before.len()..]), ["DONE", "LOGOUT"]);
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_is_one_clear_line() {
    within(LIMIT, async {
        let server = Dovecot::start();
        server.deliver("alice", "INBOX", &message("one")).await;
        let (plain, tls) = (server.plain_addr(), server.tls_addr());
        let ca = server.ca_pem();
        let (ca, no_pem) = (text(&ca), server.folder().join("dovecot.conf"));
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("an address")
        };
        let good = format!("imaps://alice@{tls}/");
        // What is given; what must stand in the line.
        let cases: &[(&[&str], &[&str])] = &[
            (&["--bogus", &good], &["--bogus", "--help"]),
            (&["--count", "imaps://alice:hunter2@h", &good], &["a URL where none is expected"]),
            (&["mail.example.org"], &["begins with imaps:// or imap://"]),
            (&["imaps://localhost/"], &["names no user"]),
            (&["imaps://alice;AUTH=GSSAPI@h/"], &["not known here"]),
            (&["imaps://alice@h/INBOX/;UID=3"], &["names one message"]),
            (&["imaps://alice:hunter2@h:x/"], &["port"]),
            (&["imaps://alice:hunter2@unknown.invalid/"], &["unknown.invalid can't be found", "right?"]),
            (
                &[&format!("imaps://alice:hunter2@{closed}/")],
                &["no connection to 127.0.0.1", "refused", "993"],
            ),
            (
                &[&format!("imap://alice:hunter2@{closed}/")],
                &["no connection to 127.0.0.1", "refused", "143"],
            ),
            (&[&good], &["certificate", "--ca FILE"]),
            (&[&format!("imap://alice@{plain}/")], &["certificate", "--ca FILE"]),
            (&["--ca", ca, &format!("imaps://alice@{plain}/")], &["does not use TLS"]),
            (&["--ca", text(&no_pem), &good], &["PEM", "--ca"]),
            (&["--ca", "missing.pem", &good], &["missing.pem", "can't be read"]),
            (
                &["--ca", ca, &format!("imaps://alice:hunter2@{tls}/")],
                &["Authentication failed", "user and password"],
            ),
            (
                &["--ca", ca, &format!("imap://alice:hunter2@{plain}/")],
                &["Authentication failed", "user and password"],
            ),
            (
                &["--ca", ca, &format!("{good}Nowhere")],
                &["Nowhere", "doesn't exist", "the server has ", "INBOX"],
            ),
            (&["--json", "--ca", ca, &format!("{good}Nowhere")], &["Nowhere", "doesn't exist"]),
        ];
        let mut running: Vec<_> =
            cases.iter().map(|(arguments, _)| Program::start("watch", arguments)).collect();
        for (arguments, wanted) in cases {
            let ended = running.remove(0).end().await;
            let line = &ended.errors;
            assert!(ended.status.code().is_some_and(|code| code != 0), "{arguments:?}: {line}");
            assert!(line.starts_with("watch: ") && line.lines().count() == 1, "{arguments:?}: {line}");
            assert!(
                wanted.iter().all(|part| line.contains(part)),
                "{arguments:?}: {line} lacks one of {wanted:?}"
            );
            assert!(!line.contains("hunter2") && !line.contains(PASSWORD), "{arguments:?}: {line}");
            if !arguments.contains(&"--json") {
                assert!(ended.rest.is_empty(), "{arguments:?}: {:?}", ended.rest);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_password_it_says_how_to_give_one() {
    within(LIMIT, async {
        let mut child = command("watch", &["imaps://alice@localhost/"]).spawn().expect("the example runs");
        let (status, line) = wait(&mut child).await;
        assert_eq!(status.code(), Some(1));
        assert!(line.contains("no password for alice") && line.contains("IMAP_PASSWORD"), "{line}");
        assert_eq!(line.lines().count(), 1);

        let mut child = command("watch", &["--help"]).spawn().expect("the example runs");
        let (status, _) = wait(&mut child).await;
        let mut help = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut help).expect("text");
        assert_eq!(status.code(), Some(0));
        let parts =
            ["IMAP_PASSWORD", "--json", "--ca <FILE>", "--insecure-clear-text", "--count <N>", "imaps://"];
        assert!(parts.iter().all(|part| help.contains(part)), "{help}");
    })
    .await;
}

#[tokio::test]
async fn when_the_server_goes_it_says_so_and_ends() {
    within(LIMIT, async {
        let server = Dovecot::start();
        let url = format!("imaps://alice@{}/", server.tls_addr());
        let mut watch = Program::start("watch", &["--json", "--ca", text(&server.ca_pem()), &url]);
        watch.event("opened").await;
        drop(server);
        let ended = watch.end().await;
        assert_eq!(ended.status.code(), Some(1));
        let closed = event(ended.rest.last().expect("a last event"));
        assert_eq!(closed["event"], "closed");
        let reason = closed["reason"].as_str().expect("a reason");
        assert_eq!(ended.errors, format!("watch: {reason}\n"));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_logout_is_left_soon() {
    within(LIMIT, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("imap://alice@{}/", listener.local_addr().expect("an address"));
        let watch = Program::start("watch", &["--json", &url]);
        let (mut stream, _) = listener.accept().await.expect("the program");
        stream.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] mute from now on\r\n").await.expect("it reads");
        let mut sent = Vec::new();
        while !String::from_utf8_lossy(&sent).contains("EXAMINE") {
            assert_ne!(stream.read_buf(&mut sent).await.expect("bytes"), 0);
        }
        let start = Instant::now();
        let ended = watch.interrupt().await;
        assert!(start.elapsed() < Duration::from_secs(8), "it took {:?}", start.elapsed());
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.errors.starts_with("watch: the server did not answer LOGOUT"), "{}", ended.errors);
        stream.read_to_end(&mut sent).await.expect("its end");
        assert!(String::from_utf8_lossy(&sent).trim_end().ends_with("LOGOUT"));
    })
    .await;
}

#[tokio::test]
async fn it_ends_quietly_when_its_reader_is_gone() {
    within(LIMIT, async {
        let server = Dovecot::start();
        let url = format!("imaps://alice@{}/", server.tls_addr());
        let mut child = command("watch", &["--json", "--ca", text(&server.ca_pem()), &url])
            .env("IMAP_PASSWORD", PASSWORD)
            .spawn()
            .expect("the example runs");
        drop(child.stdout.take());
        let (status, errors) = wait(&mut child).await;
        assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
        assert!(server.log().contains("Logged out"), "{}", server.log());
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_has_stopped_reading_does_not_keep_it_from_ending() {
    within(LIMIT, async {
        let server = Dovecot::start();
        // More than a pipe holds.
        let mut other = server.session("alice").await;
        for _ in 0..40 {
            other.append("INBOX", "", &message(&"long ".repeat(700))).await;
        }
        let url = format!("imaps://alice@{}/", server.tls_addr());
        let mut child = command("watch", &["--json", "--count", "40", "--ca", text(&server.ca_pem()), &url])
            .env("IMAP_PASSWORD", PASSWORD)
            .spawn()
            .expect("the example runs");
        // It has filled the pipe by then, and if not, the last line below says so.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().expect("kill");
        let start = Instant::now();
        let (status, errors) = wait(&mut child).await;
        assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
        assert!(start.elapsed() < Duration::from_secs(8), "it took {:?}", start.elapsed());
        let mut output = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut output).expect("text");
        assert!(!output.contains("\"closed\""), "the pipe was to be full: {} bytes", output.len());
    })
    .await;
}
