//! A private Dovecot 2.3 on free loopback ports, everything of it in one temporary folder.
//!
//! In: [`Options`]. Out: a server that answers, its addresses, and the certificate to trust. Every
//! user name is known to it, with the password [`PASSWORD`](super::PASSWORD) and mail of its own.
//! It is up in about 0.2 s and needs no root; as root it keeps mail as `nobody`, since Dovecot
//! refuses root for that.
//!
//! It is stopped when the [`Dovecot`] is dropped, in a panic too. Should the test process be
//! killed, so that nothing is dropped, a small shell beside the server sees the end of its input
//! and does the same.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::certificate;
use super::other::Other;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Dovecot 2.3's capabilities after login, without `LITERAL+`: it takes a whole list or more names,
/// not fewer.
const WITHOUT_LITERALS: &str = "\
IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT \
MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH \
ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE NOTIFY \
URLAUTH URLAUTH=BINARY METADATA SPECIAL-USE COMPRESS=DEFLATE QUOTA ACL RIGHTS=texk";

/// Which literals without a wait (RFC 7888) the server offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Literals {
    /// `LITERAL+`: of any size.
    #[default]
    Plus,
    /// `LITERAL-`: up to 4096 bytes.
    Minus,
    /// Neither: every literal waits for the server's `+`.
    Wait,
}

/// How the server is to be; the default is Dovecot with all that it can do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Dovecot's `imap_capability`: a whole list instead of its own, or `+THIS THAT` on top of it.
    /// It changes what is advertised, not what the server can do, and precedes what
    /// [`Literals::Wait`] would make of it.
    pub capability: Option<String>,
    /// Which literals are offered.
    pub literals: Literals,
    /// Refuse a login in the clear (`LOGINDISABLED`) on the plain port until STARTTLS. The address
    /// is 127.0.0.2 then, for Dovecot takes a connection from an address to itself for safe. Linux
    /// only: other systems have no such address.
    pub require_tls: bool,
    /// Offer no TLS.
    pub no_tls: bool,
    /// How it keeps everyone's password, such as `{PLAIN-MD5}5ebe…`; as it is by default.
    pub password: Option<String>,
    /// Lines at the end of `dovecot.conf`; the last setting of a name is the one that counts.
    pub extra: String,
}

/// A running server; dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Dovecot {
    folder: TempDir,
    master: Child,
    watcher: Child,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Dovecot {
    /// A server with its defaults.
    pub fn start() -> Self {
        Self::with(&Options::default())
    }

    /// A server with `options`. Blocks until it answers.
    ///
    /// Panics, with Dovecot's own words, if there is no Dovecot 2.3 here or if it does not start.
    pub fn with(options: &Options) -> Self {
        let program = program();
        let mut last = String::new();
        // The ports were free when we looked; somebody else may have been quicker.
        for _ in 0..10 {
            match Self::attempt(program, options) {
                Ok(server) => return server,
                Err(why) if why.contains("Address already in use") => last = why,
                Err(why) => panic!("Dovecot did not start: {why}"),
            }
        }
        panic!("Dovecot did not start, ten times: {last}");
    }

    fn attempt(program: &Path, options: &Options) -> Result<Self, String> {
        let host = Ipv4Addr::new(127, 0, 0, if options.require_tls { 2 } else { 1 });
        let (plain, tls) = free_ports(host).map_err(|e| format!("no free port on {host}: {e}"))?;
        let folder = prepare(options, plain, tls).map_err(|e| format!("cannot write its files: {e}"))?;
        let master = launch(program, folder.path())?;
        let watcher = watch(&master, folder.path());
        let mut server = Self { folder, master, watcher, plain, tls };
        server.wait_until_it_answers().map(|()| server)
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The greeting holds the folder's name: it may be another server that took the port
            // before us.
            if greeting(self.plain).is_ok_and(|text| text.contains(&self.name())) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.master.try_wait() {
                return Err(format!("it ended with {status}\n{}", self.log()));
            }
            if Instant::now() > deadline {
                return Err(format!("no greeting within {PATIENCE:?}\n{}", self.log()));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it with all its connections. Its mail and its indexes stay as they are at that moment;
    /// the locks of the dead do not, for Dovecot would wait two minutes for each: they hold no
    /// process id by which it could see that nobody is there.
    pub fn stop(&mut self) {
        // Its shell would remove the folder.
        self.watcher.kill().and_then(|()| self.watcher.wait()).expect("our own shell");
        let group = self.master.id().to_string();
        let sent =
            Command::new("kill").args(["-s", "KILL", "--", &format!("-{group}")]).status().expect("kill");
        assert!(sent.success(), "it runs");
        self.master.wait().expect("our own child");
        let deadline = Instant::now() + PATIENCE;
        while lives(&group) {
            assert!(Instant::now() < deadline, "its processes outlive KILL");
            thread::sleep(Duration::from_millis(2));
        }
        remove_locks(&self.folder.path().join("home")).expect("its folder");
    }

    /// Starts it again after [`stop`](Self::stop), on the same ports. Blocks until it answers.
    pub fn start_again(&mut self) {
        _ = fs::remove_dir_all(self.folder.path().join("run"));
        fs::create_dir(self.folder.path().join("run")).expect("its folder");
        self.master = launch(program(), self.folder.path()).expect("it started before");
        self.watcher = watch(&self.master, self.folder.path());
        self.wait_until_it_answers().unwrap_or_else(|why| panic!("Dovecot did not start again: {why}"));
    }

    /// The port for IMAP, and STARTTLS.
    pub fn plain_addr(&self) -> SocketAddr {
        self.plain
    }

    /// The port for IMAP under TLS from the first byte.
    pub fn tls_addr(&self) -> SocketAddr {
        self.tls
    }

    /// The file with the certificate of the authority to trust, as PEM; its server is `localhost`,
    /// 127.0.0.1 and 127.0.0.2.
    pub fn ca_pem(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The same, as it is in the file.
    pub fn authority(&self) -> Vec<u8> {
        fs::read(self.ca_pem()).expect("it was made with the server")
    }

    /// Whether anybody has logged in.
    pub fn has_logins(&self) -> bool {
        self.log().contains("Login: user")
    }

    /// All its files: `dovecot.conf`, `dovecot.log`, `home/USER/Maildir`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process id of its master, which is also its process group.
    pub fn process(&self) -> u32 {
        self.master.id()
    }

    /// What it has logged so far, and what it printed.
    pub fn log(&self) -> String {
        let read = |name| fs::read(self.folder.path().join(name)).unwrap_or_default();
        let bytes = [read("output"), read("dovecot.log")].concat();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Another session, logged in as `user`.
    pub async fn session(&self, user: &str) -> Other {
        let mut session = Other::connect(self.plain).await;
        session.login(user).await;
        session
    }

    /// Puts `message` into `mailbox` of `user`, by another session, and gives its UID.
    pub async fn deliver(&self, user: &str, mailbox: &str, message: &[u8]) -> u32 {
        let mut session = self.session(user).await;
        let uid = session.append(mailbox, "", message).await;
        session.logout().await;
        uid
    }

    fn name(&self) -> String {
        name(self.folder.path())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if thread::panicking() {
            #[allow(clippy::print_stderr, reason = "why a test failed may be in there")]
            {
                eprintln!("---- Dovecot's log\n{}----", self.log());
            }
        }
        // The watcher sees the end of its input and stops the server, which is ours to wait for.
        drop(self.watcher.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        for child in [&mut self.master, &mut self.watcher] {
            while matches!(child.try_wait(), Ok(None)) {
                if Instant::now() > deadline {
                    let _ = child.kill();
                    let _ = child.wait();
                    break;
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

fn launch(program: &Path, folder: &Path) -> Result<Child, String> {
    let output = || fs::File::create(folder.join("output"));
    let errors = output().and_then(|file| Ok((file.try_clone()?, file))).map_err(|e| e.to_string())?;
    Command::new(program)
        .args(["-F", "-c"])
        .arg(folder.join("dovecot.conf"))
        .stdin(Stdio::null())
        .stdout(errors.0)
        .stderr(errors.1)
        .process_group(0)
        .spawn()
        .map_err(|e| format!("{}: {e}", program.display()))
}

/// A shell that stops the server and removes its folder once its input ends: when we close it, or
/// when this process is no more, however it ended.
pub fn watch(master: &Child, folder: &Path) -> Child {
    // KILL, not TERM: on TERM Dovecot takes more than a second, and of its mail nothing is to be
    // kept. All its processes are in the master's group. Nothing waits for the orphans: until init
    // reaps them they are zombies, which only `ps` can distinguish from the living.
    const SCRIPT: &str = r#"
        cat >/dev/null
        kill -s KILL -- "-$1"
        rm -rf "$2" || { sleep 0.2; rm -rf "$2"; }
    "#;
    Command::new("sh")
        .args(["-c", SCRIPT, "sh", &master.id().to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a POSIX shell")
}

/// Whether a process of this group lives. Zombies, which perhaps nobody waits for, do not.
fn lives(group: &str) -> bool {
    let output = Command::new("ps").args(["-A", "-o", "pgid=,stat="]).output().expect("ps");
    String::from_utf8_lossy(&output.stdout).lines().any(|line| {
        let mut fields = line.split_whitespace();
        fields.next() == Some(group) && fields.next().is_some_and(|state| !state.starts_with('Z'))
    })
}

fn remove_locks(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_locks(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "lock") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Two ports that are free just now.
fn free_ports(host: Ipv4Addr) -> io::Result<(SocketAddr, SocketAddr)> {
    let (a, b) = (TcpListener::bind((host, 0))?, TcpListener::bind((host, 0))?);
    Ok((a.local_addr()?, b.local_addr()?))
}

/// The first line of the server at `address`.
fn greeting(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut line, mut block) = (Vec::new(), [0; 512]);
    while !line.ends_with(b"\n") {
        match stream.read(&mut block)? {
            0 => break,
            n => line.extend_from_slice(&block[..n]),
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Why there is no Dovecot that can be started here; `None`: there is one.
pub fn lacking() -> Option<&'static str> {
    found().as_ref().err().map(String::as_str)
}

fn program() -> &'static Path {
    match found() {
        Ok(program) => program,
        Err(why) => panic!("{why}"),
    }
}

/// Dovecot, where it is; looked for once in a process. Often it is in a folder that users have not
/// in PATH.
fn found() -> &'static Result<PathBuf, String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/sbin"].map(PathBuf::from);
        let program = std::env::split_paths(&path)
            .chain(usual)
            .map(|folder| folder.join("dovecot"))
            .find(|program| program.is_file())
            .ok_or("there is no Dovecot on this machine: install dovecot-imapd, or run tests/run, which does")?;
        let output = Command::new(&program).arg("--version").output().map_err(|e| e.to_string())?;
        let version = String::from_utf8_lossy(&output.stdout);
        if version.starts_with("2.3.") {
            return Ok(program);
        }
        Err(format!(
            "the tests need Dovecot 2.3, and {} is {}: from 2.4 on its configuration is another language, which \
             tests/support/dovecot.rs does not write yet",
            program.display(),
            version.trim(),
        ))
    })
}

/// A folder with all that the server needs.
fn prepare(options: &Options, plain: SocketAddr, tls: SocketAddr) -> io::Result<TempDir> {
    // A Unix socket's path may have about 100 bytes, and macOS has long names for its temporary
    // folder.
    let temporary = std::env::temp_dir();
    let short = temporary.as_os_str().len() <= 40;
    let folder = tempfile::Builder::new().prefix("dovecot-").tempdir_in(if short {
        temporary.as_path()
    } else {
        Path::new("/tmp")
    })?;
    let path = folder.path().canonicalize()?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    for name in ["run", "state", "home", "acl", "dict"] {
        fs::create_dir(path.join(name))?;
    }
    let certificates = certificate::make(&["localhost", "127.0.0.1", "127.0.0.2"]);
    fs::write(path.join("ca.pem"), certificates.authority)?;
    fs::write(path.join("server.pem"), certificates.server)?;
    fs::write(path.join("server.key"), certificates.key)?;

    let account = if fs::metadata(&path)?.uid() == 0 {
        let (uid, gid) = nobody()?;
        for name in ["home", "acl", "dict"] {
            chown(path.join(name), Some(uid), Some(gid))?;
        }
        Account::Root { uid, gid }
    } else {
        let id = |what| -> io::Result<String> {
            let output = Command::new("id").arg(what).output()?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        Account::User { user: id("-un")?, group: id("-gn")?, uid: id("-u")?, gid: id("-g")? }
    };
    fs::write(path.join("dovecot.conf"), configuration(options, &path, plain, tls, &account))?;
    Ok(folder)
}

/// Whose the server's processes and its mail are.
enum Account {
    /// Processes of the package's own users; mail of `nobody`.
    Root { uid: u32, gid: u32 },
    /// Everything is the current user's.
    User { user: String, group: String, uid: String, gid: String },
}

fn nobody() -> io::Result<(u32, u32)> {
    let text = fs::read_to_string("/etc/passwd")?;
    text.lines()
        .find_map(|line| {
            let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        })
        .ok_or_else(|| io::Error::other("no user nobody in /etc/passwd"))
}

fn configuration(
    options: &Options,
    folder: &Path,
    plain: SocketAddr,
    tls: SocketAddr,
    account: &Account,
) -> String {
    let dir = folder.display();
    let host: IpAddr = plain.ip();
    let (users, no_chroot, uid, gid) = match account {
        Account::Root { uid, gid } => (String::new(), "", uid.to_string(), gid.to_string()),
        Account::User { user, group, uid, gid } => (
            format!(
                "default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n"
            ),
            // Only root can change the root folder.
            "chroot =",
            uid.clone(),
            gid.clone(),
        ),
    };
    let (ssl, clear) = match options {
        Options { require_tls: true, .. } => ("required", "yes"),
        Options { no_tls: true, .. } => ("no", "no"),
        _ => ("yes", "no"),
    };
    let mut imap = String::new();
    if options.literals == Literals::Minus {
        imap.push_str("  imap_literal_minus = yes\n");
    }
    if let Some(capability) = &options.capability {
        let _ = writeln!(imap, "  imap_capability = {capability}");
    } else if options.literals == Literals::Wait {
        let _ = writeln!(imap, "  imap_capability = {WITHOUT_LITERALS}");
    }
    let name = name(folder);
    let extra = &options.extra;
    format!(
        "\
base_dir = {dir}/run
state_dir = {dir}/state
instance_name = {name}
log_path = {dir}/dovecot.log
{users}
protocols = imap
listen = {host}
login_greeting = Dovecot ready, {name}.
# when the master goes, so do the sessions
shutdown_clients = yes

ssl = {ssl}
ssl_cert = <{dir}/server.pem
ssl_key = <{dir}/server.key
disable_plaintext_auth = {clear}
auth_mechanisms = plain login scram-sha-1 scram-sha-256
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/home/%n allow_all_users=yes
}}

mail_location = maildir:~/Maildir
mail_home = {dir}/home/%n
mailbox_list_index = yes
mail_attribute_dict = file:%h/dovecot-attributes
mail_max_userip_connections = 2000
mail_fsync = never
first_valid_uid = 1
first_valid_gid = 1
namespace inbox {{
  inbox = yes
  separator = /
  prefix =
  mailbox Drafts {{
    auto = subscribe
    special_use = \\Drafts
  }}
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
  mailbox Trash {{
    auto = subscribe
    special_use = \\Trash
  }}
}}
namespace shared {{
  type = shared
  separator = /
  prefix = shared/%%u/
  location = maildir:{dir}/home/%%n/Maildir:INDEX=~/shared/%%u
  subscriptions = no
  list = children
}}
mail_plugins = $mail_plugins acl quota
protocol imap {{
  mail_plugins = $mail_plugins imap_acl imap_quota imap_zlib
  imap_metadata = yes
  imap_urlauth_host = localhost
  imap_id_send = name *
  imap_hibernate_timeout = 0
{imap}}}
plugin {{
  acl = vfile
  acl_shared_dict = file:{dir}/dict/shared-mailboxes
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=4G:messages=1000000
}}

service imap-login {{
  inet_listener imap {{
    address = {host}
    port = {plain_port}
  }}
  inet_listener imaps {{
    address = {host}
    port = {tls_port}
    ssl = yes
  }}
  {no_chroot}
  process_min_avail = 1
  service_count = 0
  client_limit = 1000
}}
service imap {{
  process_limit = 1024
}}
service anvil {{
  {no_chroot}
  client_limit = 3000
  # Without this, a failed login makes the next ones from the same address wait, 2 to 15 s.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  client_limit = 4000
}}
service stats {{
  {no_chroot}
}}
{extra}
",
        password = options.password.as_deref().unwrap_or(super::PASSWORD),
        plain_port = plain.port(),
        tls_port = tls.port(),
    )
}
