//! A private Dovecot in place of the replay server, with a mailbox made for one work.
//!
//! In: a work. Out: a port, while the value lives. It runs as this user, or as `nobody` for root,
//! in a temporary folder; its version is 2.3.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::work::{BODY, Work};

/// The works that it can be asked for: in the others the server does something of its own.
pub const WORKS: [&str; 6] = ["W1", "W2", "W3", "W4", "W5", "W8"];
/// How long it may take to start.
const START: Duration = Duration::from_secs(10);
/// How long the first look at the mailbox may take, when it makes its index.
const INDEX: Duration = Duration::from_secs(120);

/// A server that runs.
pub struct Dovecot {
    pub port: u16,
    folder: PathBuf,
    process: Child,
}

impl Dovecot {
    /// Fills a mailbox and starts the server.
    pub fn start(work: Work) -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("imap-duplex-peers-{}", std::process::id()));
        let inbox = folder.join("home/Maildir");
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(inbox.join(part))?;
        }
        for number in 1..=work.exists {
            let text = message(work, number);
            let flags = if number % 4 == 0 { "" } else { "S" };
            let name = format!("{}.M{number}P1.peers,S={}:2,{flags}", 1_700_000_000 + number, text.len());
            fs::write(inbox.join("cur").join(name), text)?;
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let file = folder.join("dovecot.conf");
        fs::write(&file, configuration(&folder, port)?)?;
        give_away(&folder)?;
        let process = Command::new(program())
            .args([Path::new("-F"), Path::new("-c"), &file])
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| std::io::Error::other(format!("Dovecot: {error}")))?;
        let server = Self { port, folder, process };
        server.make_index()?;
        Ok(server)
    }

    /// Selects the mailbox once, so that no client pays for the index; with envelopes and
    /// structures, which Dovecot keeps.
    fn make_index(&self) -> std::io::Result<()> {
        let begin = Instant::now();
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => break stream,
                Err(error) if begin.elapsed() > START => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        stream.set_read_timeout(Some(INDEX))?;
        let mut out = stream.try_clone()?;
        out.write_all(
            b"a LOGIN user password\r\nb SELECT INBOX\r\n\
              c FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)\r\nd LOGOUT\r\n",
        )?;
        for line in BufReader::new(stream).split(b'\n') {
            let line = line?;
            if ["a", "b", "c"].iter().any(|tag| {
                line.starts_with(format!("{tag} NO").as_bytes())
                    || line.starts_with(format!("{tag} BAD").as_bytes())
            }) {
                return Err(std::io::Error::other(String::from_utf8_lossy(&line).into_owned()));
            }
        }
        Ok(())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The message with this number.
fn message(work: Work, number: u32) -> Vec<u8> {
    let head = format!(
        "From: Someone {n} <someone{n}@example.org>\r\nTo: Alice <alice@example.net>\r\n\
         Subject: A message about the matter {number}\r\nDate: Mon, 2 Nov 2026 10:{n:02}:00 +0000\r\n\
         Message-ID: <{number}@example.org>\r\nIn-Reply-To: <{number}.before@example.org>\r\n",
        n = number % 60,
    );
    let line = "A line of a body, as long as lines of base64 usually are: seventy-six in all\r\n";
    let size = match work.name {
        "W3" => 7850,
        "W4" => BODY,
        _ => 0,
    };
    let mut text = match work.name {
        "W2" => format!(
            "{head}MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n--x\r\n\
             Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello\r\n--x--\r\n"
        ),
        _ => format!("{head}\r\n"),
    }
    .into_bytes();
    while text.len() < size {
        let part = line.len().min(size - text.len());
        text.extend_from_slice(&line.as_bytes()[..part]);
    }
    text
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join("dovecot"))
        .find(|file| file.exists())
        .unwrap_or_else(|| "dovecot".into())
}

/// The users that it runs as: name of user and group, and their numbers.
fn account() -> std::io::Result<(String, String)> {
    let id = |option: &str| {
        let output = Command::new("id").arg(option).output()?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match rustix::process::geteuid().is_root() {
        true => Ok(("nobody".into(), "nogroup".into())),
        false => Ok((id("-un")?, id("-gn")?)),
    }
}

/// Root's Dovecot works as nobody, to whom the mailbox must belong.
fn give_away(folder: &Path) -> std::io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let status = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(folder).status()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other("chown failed")) }
}

fn configuration(folder: &Path, port: u16) -> std::io::Result<String> {
    let (dir, (user, group)) = (folder.display(), account()?);
    let (own, chroot) = match rustix::process::geteuid().is_root() {
        true => (String::new(), ""),
        false => (
            format!(
                "default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n"
            ),
            "chroot =",
        ),
    };
    Ok(format!(
        "base_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = {dir}/dovecot.log\n{own}protocols = imap\n\
         listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nshutdown_clients = yes\n\
         passdb {{\n  driver = static\n  args = password=password\n}}\n\
         userdb {{\n  driver = static\n  args = uid={user} gid={group} home={dir}/home allow_all_users=yes\n}}\n\
         mail_location = maildir:{dir}/home/Maildir\nmail_fsync = never\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
         service imap-login {{\n  inet_listener imap {{\n    address = 127.0.0.1\n    port = {port}\n  }}\n\
         \n  inet_listener imaps {{\n    port = 0\n  }}\n  {chroot}\n  service_count = 0\n}}\n\
         service anvil {{\n  {chroot}\n}}\nservice stats {{\n  {chroot}\n}}\n"
    ))
}
