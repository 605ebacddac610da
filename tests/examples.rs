//! The examples, as a user runs them: without arguments, against the server within themselves, in
//! less than ten seconds; and with a URL, against the example `serve`.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use imap_duplex::testing::Server;
use support::other::Other;
use support::program::{Program, command, wait};
use support::within;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(60);

/// The example `serve`, and its port.
async fn serve(arguments: &[&str]) -> (Program, u16) {
    let mut serve = Program::start("serve", arguments);
    let line = serve.until("listening on 127.0.0.1:").await;
    let port: String =
        line.split("127.0.0.1:").nth(1).expect("a port").chars().take_while(char::is_ascii_digit).collect();
    serve.until("ctrl-c ends").await;
    (serve, port.parse().expect("a number"))
}

/// What it printed, if it went well.
async fn output(name: &str, arguments: &[&str]) -> String {
    let ended = Program::start(name, arguments).end().await;
    assert_eq!(
        (ended.status.code(), ended.errors.as_str()),
        (Some(0), ""),
        "{name}:\n{}",
        ended.rest.join("\n")
    );
    ended.rest.join("\n")
}

#[track_caller]
fn has(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is missing in:\n{text}");
    }
}

#[tokio::test]
async fn each_runs_by_itself_and_soon_ends() {
    within(LIMIT, async {
        let start = Instant::now();
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().to_str().expect("UTF-8");
        let into = ["--folder", folder];
        let (pipeline, search, append, bot, download) = tokio::join!(
            output("pipeline", &[]),
            output("search", &[]),
            output("append", &[]),
            output("bot", &[]),
            output("download", &into),
        );
        has(
            &pipeline,
            &["round trip of 50ms", "ONE BY ONE", "IN FLIGHT", "messages, a command each        20"],
        );
        let faster = pipeline.lines().last().and_then(|line| line.rsplit(' ').next());
        let faster: f64 =
            faster.and_then(|text| text.strip_suffix('x')).expect("a factor").parse().expect("a number");
        assert!(faster > 2.0, "{pipeline}");
        has(&search, &["unread: 3", "flagged: none", "of the last week: 7", "Jörg Müller"]);
        has(
            &append,
            &[
                "12 messages are on their way",
                "Log book, page 12: ",
                "octets, uid 20",
                "INBOX: uid 20 arrived",
            ],
        );
        has(&bot, &["uid 10 from Harbour News: What the tide brings\n    moved to Newsletters"]);
        has(&bot, &["Build 4713 is red\n    flagged \\Flagged", "uid 14 from Carla Ruiz"]);
        has(&download, &["373 messages, "]);
        assert_eq!(fs::read_dir(folder).expect("a folder").count(), 373);
        let first = fs::read_to_string(format!("{folder}/1-1.eml")).expect("a message");
        assert!(
            first.contains("\r\nSubject: Minutes of Monday\r\n") && first.ends_with("Find them below.\r\n")
        );
        assert!(start.elapsed() < Duration::from_secs(30), "all five took {:?}", start.elapsed());
    })
    .await;
}

#[tokio::test]
async fn each_logs_in_by_the_mechanism_that_is_named() {
    within(LIMIT, async {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        let ca = ca.to_str().expect("UTF-8");
        let (_serve, port) = serve(&["--token", "ya29.a0Ad52N3", "--tls", "--ca", ca]).await;
        let url = format!("imaps://alice@localhost:{port}/Projects");
        let search = async |auth: &str, variable: &str, secret: &str, url: &str| {
            let arguments = ["--auth", auth, "--ca", ca, "--from", "carla", "--subject", "pier", url];
            let mut child = command("search", &arguments).env(variable, secret).spawn().expect("it runs");
            wait(&mut child).await
        };
        for auth in
            ["plain", "login", "scram-sha-1", "scram-sha-256", "scram-sha-1-plus", "SCRAM-SHA-256-PLUS"]
        {
            let (status, errors) = search(auth, "IMAP_PASSWORD", "secret", &url).await;
            assert!(status.success(), "{auth}: {errors}");
        }
        for auth in ["xoauth2", "oauthbearer"] {
            let (status, errors) = search(auth, "IMAP_TOKEN", "ya29.a0Ad52N3", &url).await;
            assert!(status.success(), "{auth}: {errors}");
            let (status, errors) = search(auth, "IMAP_TOKEN", "ya29.expired", &url).await;
            assert!(!status.success() && errors.contains("a new one is needed"), "{errors}");
            assert!(errors.contains("\"schemes\":\"bearer\"") && errors.lines().count() == 1, "{errors}");
            let (_, errors) = search(auth, "IMAP_PASSWORD", "secret", &url).await;
            assert!(
                errors.contains("there is no token for alice") && errors.contains("IMAP_TOKEN"),
                "{errors}"
            );
        }
        let anonymous = format!("imaps://localhost:{port}/");
        let (status, errors) = search("anonymous", "IMAP_PASSWORD", "", &anonymous).await;
        assert!(status.success(), "{errors}");
        let (_, errors) = search("external", "IMAP_PASSWORD", "", &anonymous).await;
        assert!(errors.contains("offers no EXTERNAL; it offers PLAIN, "), "{errors}");
        assert!(errors.contains("name another mechanism, or none"), "{errors}");
        let (_, errors) = search("cram-md5", "IMAP_PASSWORD", "", &url).await;
        assert!(errors.contains("no mechanism of this name") && errors.contains("scram-sha-256"), "{errors}");
        let failed = Program::start("search", &["--auth", "plain"]).end().await;
        has(&failed.errors, &["search: --auth is for a server, and no URL names one"]);
    })
    .await;
}

#[tokio::test]
async fn each_goes_to_the_server_that_a_url_names() {
    within(LIMIT, async {
        let (serve, port) = serve(&["--mail", "0.5"]).await;
        let url = format!("imap://alice@127.0.0.1:{port}/Projects");
        let search = output("search", &[&url, "--from", "carla", "--subject", "pier"]).await;
        has(&search, &["found: 2", "Re: Offer for the new pier"]);
        assert!(!search.contains("Ann Lee"), "{search}");
        has(&output("pipeline", &["--messages", "3", &url]).await, &["messages, a command each         3"]);

        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("one.eml");
        fs::write(&file, "Subject: with line feeds\n\nhello\n").expect("a file");
        let file = file.to_str().expect("UTF-8");
        has(&output("append", &["--seen", &url, file]).await, &["one.eml: 35 octets, uid 4"]);
        let failed = Program::start("append", &[&url, "missing.eml"]).end().await;
        has(&failed.errors, &["append: missing.eml can't be read"]);
        let failed = Program::start("append", &[&url]).end().await;
        has(&failed.errors, &["append: no message is named (files stand behind the URL)"]);

        let all = folder.path().join("all");
        let all = all.to_str().expect("UTF-8");
        has(&output("download", &["--folder", all, &url]).await, &["4 messages, "]);
        has(&output("download", &["--folder", all, &url]).await, &["0 messages, ", "4 were there already"]);
        let files = fs::read_dir(all).expect("a folder").map(|entry| entry.expect("a file").path());
        let put = files.into_iter().find(|path| path.display().to_string().ends_with("-4.eml"));
        let put = fs::read_to_string(put.expect("the file of UID 4")).expect("a message");
        assert_eq!(put, "Subject: with line feeds\r\n\r\nhello\r\n");

        for (name, wrong) in [("serve", "--mail"), ("watch", "--for"), ("bot", "--for")] {
            let failed = Program::start(name, &[wrong, "soon"]).end().await;
            has(&failed.errors, &[&format!("{name}: "), "invalid value"]);
        }
        let failed = Program::start("bot", &[&url, "--from", "x"]).end().await;
        has(&failed.errors, &["bot: a rule is wanted"]);
        let inbox = format!("imap://alice@127.0.0.1:{port}/");
        let rule = [
            "--from",
            "build@",
            "--subject",
            "GREEN",
            "--flag",
            "$Done",
            "--move-to",
            "Builds",
            "--for",
            "20",
        ];
        let mut bot = Program::start("bot", &[&[inbox.as_str()], &rule[..]].concat());
        bot.until("    flagged $Done").await;
        bot.until("    moved to Builds").await;
        assert_eq!(bot.interrupt().await.status.code(), Some(0));
        let mut other = Other::connect(([127, 0, 0, 1], port).into()).await;
        other.login("alice").await;
        other.select("Builds").await;
        let rows = other.command("UID FETCH 1 (FLAGS)").await;
        assert!(format!("{rows:?}").contains("$Done"), "{rows:?}");

        let ended = serve.interrupt().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
        assert!(ended.rest.iter().any(|line| line.starts_with("delivered: INBOX, uid 9, ")));
    })
    .await;
}

#[tokio::test]
async fn the_way_to_the_server_is_chosen_by_options() {
    within(LIMIT, async {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        let ca = ca.to_str().expect("UTF-8");
        let (_serve, port) = serve(&["--tls", "--ca", ca]).await;
        let url = format!("imaps://alice@localhost:{port}/Projects");
        let found = |library: &'static str| {
            let url = url.clone();
            async move {
                output("search", &["--ca", ca, "--tls", library, "--compress", &url, "--from", "carla"]).await
            }
        };
        has(&found("rustls").await, &["found: 2"]);
        #[cfg(feature = "native-tls")]
        has(&found("native").await, &["found: 2"]);

        let gone = format!("{ca}.gone");
        for (options, what) in [
            (
                ["--proxy", "ftp://ann:hunter2@h", "--ca", ca],
                "a proxy's URL begins with socks5:// or http://",
            ),
            (["--proxy", "http://127.0.0.1:1", "--ca", ca], "no connection to the proxy 127.0.0.1 port 1"),
            (["--client-cert", ca, "--client-key", &gone], "the private key in"),
            (["--client-cert", ca, "--client-key", ca], "the client's private key can't be read"),
            (["--client-cert", ca, "--ca", ca], "--client-key"),
        ] {
            let failed = Program::start("search", &[&options[..], &[&url]].concat()).end().await;
            has(&failed.errors, &["search: ", what]);
            assert!(!failed.errors.contains("hunter2"), "{}", failed.errors);
        }
    })
    .await;
}

/// With `--for` a program ends in time, in whatever the server leaves it waiting.
/// A mailbox that the user may not read is reported, by its name, and does not end a program that
/// follows all of them.
#[tokio::test]
async fn a_mailbox_that_is_refused_ends_no_program_that_follows() {
    within(LIMIT, async {
        let server = Server::builder().no_tls().inbox_only().start();
        server.on("EXAMINE").no_with(imap_duplex::types::Code::NoPerm, "not for you").always();
        let listening = server.listen().await.expect("a port");
        let port = listening.port();
        let url = format!("imap://{}:{}@127.0.0.1:{port}/", server.user(), server.password());
        let folder = tempfile::tempdir().expect("a folder");
        let follow = ["--follow", "--interval", "1", "--for", "6", "--json", &url];
        let mirror = [&follow[..], &[folder.path().to_str().expect("UTF-8")]].concat();
        let watch = ["--all", "--interval", "1", "--for", "6", "--json", &url];
        let (mirror, watch) = tokio::join!(output("mirror", &mirror), output("watch", &watch));
        for text in [mirror, watch] {
            has(&text, &[r#""event":"error""#, r#""mailbox":"INBOX""#, "not for you"]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_hangs_keeps_no_program_from_ending() {
    const FOR: Duration = Duration::from_secs(2);
    within(LIMIT, async {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut ports = vec![("a greeting", silent.local_addr().expect("bound").port())];
        let mut hanging = Vec::new();
        for command in [
            "CAPABILITY",
            "AUTHENTICATE",
            "CREATE",
            "LIST",
            "SELECT",
            "EXAMINE",
            "UID FETCH",
            "IDLE",
            "LOGOUT",
        ] {
            let server = Server::builder().no_tls().start();
            server.on(command).delay(LIMIT * 10);
            let listening = server.listen().await.expect("a port");
            ports.push((command, listening.port()));
            hanging.push(server);
        }
        let any = Server::new();
        let (user, password) = (any.user(), any.password());
        let start = Instant::now();
        let seconds = FOR.as_secs().to_string();
        let running: Vec<_> = ports
            .iter()
            .flat_map(|(what, port)| {
                let url = format!("imap://{user}:{password}@127.0.0.1:{port}/");
                let bot = ["--for", &seconds, "--from", "x", "--move-to", "Pier", &url];
                let bot = Program::start("bot", &bot);
                [(what, bot), (what, Program::start("watch", &["--for", &seconds, &url]))]
            })
            .collect();
        for (what, program) in running {
            let ended = program.end().await;
            let code = ended.status.code();
            assert!(
                code == Some(0) || ended.errors.contains("LOGOUT"),
                "no {what}: {code:?} {}",
                ended.errors
            );
        }
        assert!(start.elapsed() < FOR + Duration::from_secs(15), "they took {:?}", start.elapsed());
    })
    .await;
}

#[tokio::test]
async fn one_is_one_and_what_is_not_there_is_not_said_to_be_on_its_way() {
    within(LIMIT, async {
        let (_serve, port) = serve(&["--empty"]).await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("one.eml");
        fs::write(&file, "Subject: one\n\nhello\n").expect("a file");
        let file = file.to_str().expect("UTF-8");
        let url = format!("imap://alice@127.0.0.1:{port}/");
        has(&output("append", &[&url, file]).await, &["1 message is on its way to INBOX"]);
        let all = folder.path().join("all");
        let all = all.to_str().expect("UTF-8");
        has(&output("download", &["--folder", all, &url]).await, &["1 message, "]);
        // One that is read in pieces.
        let large = folder.path().join("large.eml");
        let text = format!("Subject: large\r\n\r\n{}", "A line as long as any.\r\n".repeat(40_000));
        fs::write(&large, &text).expect("a file");
        has(&output("append", &[&url, large.to_str().expect("UTF-8")]).await, &["uid 2"]);
        has(&output("download", &["--folder", all, &url]).await, &["1 message, ", "1 were there already"]);
        let files = fs::read_dir(all).expect("a folder").map(|entry| entry.expect("a file").path());
        let read = files.into_iter().find(|path| path.display().to_string().ends_with("-2.eml"));
        assert!(fs::read_to_string(read.expect("the file of UID 2")).expect("a message") == text);
        let failed = Program::start("append", &[&format!("{url}Pier"), file]).end().await;
        assert!(failed.rest.is_empty(), "{:?}", failed.rest);
        has(&failed.errors, &["append: STATUS Pier: NO There is no such mailbox"]);
    })
    .await;
}

#[tokio::test]
async fn a_server_of_its_own_speaks_tls() {
    within(LIMIT, async {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        let ca = ca.to_str().expect("UTF-8");
        let (_serve, port) = serve(&["--tls", "--empty", "--ca", ca]).await;
        let url = format!("imaps://alice@localhost:{port}/");
        let mut watch = Program::start("watch", &["--ca", ca, &url]);
        watch.until("INBOX: opened with 0 messages").await;
        assert_eq!(watch.interrupt().await.status.code(), Some(0));
        let failed = Program::start("watch", &[&url]).end().await;
        has(&failed.errors, &["certificate"]);

        let (_starttls, other) = serve(&["--ca", ca]).await;
        has(
            &output("search", &["--ca", ca, &format!("imap://alice@localhost:{other}/")]).await,
            &["unread: 3"],
        );

        // A port of its own choice; and one that is taken.
        let failed = Program::start("serve", &["--port", &port.to_string()]).end().await;
        has(&failed.errors, &["serve: ", "is not to be had"]);
        let mut help = command("serve", &["--help"]).spawn().expect("the example runs");
        assert_eq!(wait(&mut help).await.0.code(), Some(0));
    })
    .await;
}
