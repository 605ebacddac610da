//! Programs of other authors, each in a session with the example `serve`: Python's imaplib, mbsync,
//! OfflineIMAP, curl, NeoMutt.
//!
//! What they have done is looked at by a session that uses nothing of this library.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::other::Other;
use support::program::{Program, wait};
use support::within;
use tempfile::TempDir;
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(60);

/// The example `serve`, where it listens, and a folder with its certificate.
struct Served {
    _program: Program,
    port: u16,
    folder: TempDir,
}

impl Served {
    async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        let ca = ["--ca", ca.to_str().expect("UTF-8")];
        let mut program = Program::start("serve", &[arguments, &ca].concat());
        let line = program.until("listening on 127.0.0.1:").await;
        program.until("ctrl-c ends").await;
        let port = line.split("127.0.0.1:").nth(1).expect("a port");
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        Self { _program: program, port: digits.parse().expect("a number"), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ca(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    /// Another session, logged in.
    async fn other(&self) -> Other<TcpStream> {
        let mut other = Other::connect(([127, 0, 0, 1], self.port).into()).await;
        other.login("alice").await;
        other
    }
}

/// Ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is left to kill after a test that went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the program printed, if it went well.
async fn output(program: &str, install: &str, arguments: &[&str]) -> String {
    // Through a file: an unread pipe would block it.
    let out = tempfile::NamedTempFile::new().expect("a file");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out.reopen().expect("the file"))
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => Running(child),
        Err(e) => panic!("{program}: {e}; install {install}, or run tests/run, which does"),
    };
    let (status, errors) = wait(&mut child.0).await;
    let said = String::from_utf8_lossy(&fs::read(out.path()).expect("its output")).into_owned();
    assert!(status.success(), "{program} {arguments:?}: {status}\n{said}\n{errors}");
    said
}

#[tokio::test]
async fn imaplib() {
    within(LIMIT, async {
        let server = Served::start(&[]).await;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/session.py");
        let port = server.port.to_string();
        let said =
            output("python3", "Python 3", &[script.to_str().expect("UTF-8"), &port, &server.ca()]).await;
        assert_eq!(said, "all is right\n");
    })
    .await;
}

/// The messages in a folder of a maildir: file name and text.
fn maildir(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for part in ["cur", "new"] {
        for entry in fs::read_dir(folder.join(part)).expect("a maildir") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a message");
            all.push((path, text));
        }
    }
    all
}

/// Two mailboxes are brought together by `sync`, in either direction: flags, new messages,
/// removals.
async fn both_ways(server: &Served, mail: &Path, sync: impl AsyncFn()) {
    sync().await;
    let inbox = mail.join("INBOX");
    assert_eq!(maildir(&inbox).len(), 8);
    assert_eq!(maildir(&mail.join("Projects")).len(), 3);
    let named = |subject: &str| {
        let wanted = format!("Subject: {subject}\n");
        let found = maildir(&inbox).into_iter().find(|(_, text)| text.contains(&wanted));
        found.unwrap_or_else(|| panic!("{subject} is missing")).0
    };
    // Here: one is flagged, one deleted, one new. There: one is answered, one deleted, one new.
    let lunch = named("Lunch on Thursday?");
    let name = lunch.file_name().expect("a name").to_string_lossy().replace(":2,S", ":2,FS");
    fs::rename(&lunch, inbox.join("cur").join(name)).expect("a maildir");
    fs::remove_file(named("What the tide brings")).expect("a maildir");
    fs::write(inbox.join("new/1.here"), "Subject: from here\n\nhello\n").expect("a maildir");
    let mut other = server.other().await;
    other.select("INBOX").await;
    other.store("2", "+FLAGS (\\Answered)").await;
    other.remove("4").await;
    other.append("INBOX", "", b"Subject: from there\r\n\r\nhello\r\n").await;
    sync().await;

    let rows = other.command("UID FETCH 6 (FLAGS)").await;
    assert!(rows.iter().any(|row| row.contains("UID 6") && row.contains("\\Flagged")), "{rows:?}");
    let left = other.command("UID SEARCH ALL").await;
    assert!(left.iter().any(|line| line == "* SEARCH 1 2 5 6 7 8 9 10"), "{left:?}");
    let put = other.body(10).await;
    assert!(String::from_utf8_lossy(&put).contains("Subject: from here\r\n"), "{}", put.escape_ascii());
    assert_eq!(maildir(&inbox).len(), 8);
    assert!(named("Build 4709 is green").display().to_string().ends_with(":2,RS"));
    named("from there");

    // Nothing more to do.
    sync().await;
    assert_eq!(maildir(&inbox).len(), 8);
    let left = other.command("UID SEARCH ALL").await;
    assert!(left.iter().any(|line| line == "* SEARCH 1 2 5 6 7 8 9 10"), "{left:?}");
    other.logout().await;
}

#[tokio::test]
async fn mbsync() {
    within(LIMIT, async {
        let server = Served::start(&[]).await;
        let mail = server.path("mail");
        fs::create_dir(&mail).expect("a folder");
        let (folder, port, ca) = (mail.display(), server.port, server.ca());
        let file = server.path("mbsyncrc");
        let text = format!(
            "IMAPAccount far\nHost localhost\nPort {port}\nUser alice\nPass secret\nSSLType STARTTLS\n\
             CertificateFile {ca}\n\nIMAPStore far\nAccount far\n\n\
             MaildirStore near\nPath {folder}/\nInbox {folder}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n"
        );
        fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        let sync = async || {
            output("mbsync", "isync", &["-c", &file, "all"]).await;
        };
        both_ways(&server, &mail, sync).await;
    })
    .await;
}

/// Without TLS, unlike the others: its reading and its writing thread use one connection of OpenSSL
/// at once, at which Python crashes or waits for ever at times (python/cpython issue 151508; one
/// run in six on a busy machine).
#[tokio::test]
async fn offlineimap() {
    within(LIMIT, async {
        let server = Served::start(&[]).await;
        let mail = server.path("mail");
        let (folder, home, port) = (mail.display(), server.folder.path().display(), server.port);
        let file = server.path("offlineimaprc");
        let text = format!(
            "[general]\naccounts = all\nmetadata = {home}/metadata\nui = basic\n\n\
             [Account all]\nlocalrepository = near\nremoterepository = far\n\n\
             [Repository near]\ntype = Maildir\nlocalfolders = {folder}\n\n\
             [Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = {port}\nremoteuser = alice\n\
             remotepass = secret\nssl = no\nstarttls = no\n"
        );
        fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        let sync = async || {
            output("offlineimap", "OfflineIMAP", &["-o", "-c", &file]).await;
        };
        both_ways(&server, &mail, sync).await;
    })
    .await;
}

#[tokio::test]
async fn curl() {
    within(LIMIT, async {
        let server = Served::start(&[]).await;
        let ca = server.ca();
        let common = ["--silent", "--show-error", "--user", "alice:secret", "--ssl-reqd", "--cacert", &ca];
        let url = |what: &str| format!("imap://localhost:{}/{what}", server.port);
        let run = async |arguments: &[&str]| output("curl", "curl", &[&common, arguments].concat()).await;

        let names = run(&[&url("")]).await;
        assert!(names.contains("* LIST (\\HasNoChildren) \"/\" Projects\r\n"), "{names}");
        let whole = run(&[&url("INBOX;UID=5")]).await;
        assert!(
            whole.starts_with("From: =?utf-8?q?J") && whole.ends_with("\r\n\r\nSiehe Anhang.\r\n"),
            "{whole}"
        );
        assert_eq!(run(&[&url("INBOX;UID=5;SECTION=TEXT")]).await, "Siehe Anhang.\r\n");
        assert_eq!(run(&[&url("INBOX?SUBJECT%20build")]).await, "* SEARCH 2 4 8\r\n");
        let file = server.path("up.eml");
        fs::write(&file, format!("Subject: up\r\n\r\n{}", "hello\r\n".repeat(20_000))).expect("a file");
        run(&["--upload-file", &file.display().to_string(), &url("INBOX")]).await;
        let counts = run(&["--request", "STATUS INBOX (MESSAGES UIDNEXT)", &url("")]).await;
        assert_eq!(counts, "* STATUS INBOX (MESSAGES 9 UIDNEXT 10)\r\n");
        run(&["--request", "STORE 1 +FLAGS (\\Flagged)", &url("INBOX")]).await;
        let flags = run(&["--request", "FETCH 1 (FLAGS)", &url("INBOX")]).await;
        assert_eq!(flags, "* 1 FETCH (FLAGS (\\Seen \\Flagged))\r\n");
    })
    .await;
}

/// With a terminal that Python makes: it flags, deletes, copies, searches, reads.
#[tokio::test]
async fn neomutt() {
    within(LIMIT, async {
        let server = Served::start(&[]).await;
        let (home, ca) = (server.folder.path().display(), server.ca());
        let keys = "<first-entry><flag-message><jump>3<enter><delete-message><jump>6<enter>\
                    <copy-message>=Projects<enter><search>~s Invoice<enter><display-message><exit>\
                    <jump>5<enter><display-message><exit><sync-mailbox><change-folder>=Projects<enter><quit>";
        let text = format!(
            "set folder=imap://alice@localhost:{}\nset spoolfile=+INBOX\nset imap_user=alice imap_pass=secret\n\
             set imap_authenticators=plain\nset ssl_starttls=yes ssl_force_tls=yes\n\
             set certificate_file={ca}\nset header_cache=\"\" message_cachedir=\"\" tmpdir={home}\n\
             set confirmappend=no confirmcreate=no delete=yes quit=yes beep=no wait_key=no mark_old=no\n\
             set sort=mailbox-order sleep_time=0\npush \"{keys}\"\n",
            server.port
        );
        let file = server.path("muttrc");
        fs::write(&file, text).expect("a file");
        let spawn = "import os, pty, sys\n\
                     os.environ.update(TERM='xterm', LINES='24', COLUMNS='80', HOME=sys.argv[1])\n\
                     sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:])))";
        let (home, file) = (home.to_string(), file.display().to_string());
        let arguments = ["-c", spawn, &home, "neomutt", "-n", "-F", &file];
        let shown = output("python3", "Python 3 and NeoMutt", &arguments).await;

        let mut other = server.other().await;
        other.select("INBOX").await;
        let rows = other.command("FETCH 1:* (UID FLAGS)").await;
        let rows: Vec<_> = rows.iter().filter(|row| row.contains("FETCH")).cloned().collect();
        let flags = |uid: u32| {
            let row = rows.iter().find(|row| row.contains(&format!("UID {uid} "))).cloned();
            row.unwrap_or_else(|| format!("no uid {uid} in {rows:?}; it showed:\n{shown}"))
        };
        assert_eq!(rows.len(), 7, "{rows:?}\n{shown}");
        assert!(flags(1).contains("\\Flagged"), "{}", flags(1));
        assert!(flags(5).contains("\\Seen") && flags(7).contains("\\Seen"), "{rows:?}\n{shown}");
        assert!(!flags(8).contains("\\Seen"), "{}", flags(8));
        other.select("Projects").await;
        let copied = other.body(4).await;
        assert!(String::from_utf8_lossy(&copied).contains("Subject: Lunch on Thursday?"), "{}", copied.escape_ascii());
    })
    .await;
}
