//! A PostgreSQL and a NATS server of one's own, in a temporary folder, for the demonstration and
//! for tests.
//!
//! In: the programs of the system's packages. Out: servers on free ports of the loopback interface,
//! which end with this process and whose files go with them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::{Error, Result};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);
/// Where programs are that a user's `PATH` does not name.
const PLACES: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/// A PostgreSQL server of one's own.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    has_tls: bool,
    child: Option<Child>,
}

/// A NATS server of one's own, with JetStream.
#[derive(Debug)]
pub struct Nats {
    folder: TempDir,
    program: PathBuf,
    port: u16,
    has_tls: bool,
    child: Option<Child>,
}

/// Where this program is, by `PATH` and where packages put servers.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(PLACES.iter().map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|p| p.is_file())
}

/// The folder of PostgreSQL's programs: Debian keeps them out of `PATH`, by version.
fn find_postgres() -> Option<PathBuf> {
    if let Some(initdb) = find("initdb") {
        return initdb.parent().map(Path::to_owned);
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    versions.pop()
}

/// What is missing here, by Debian's names of the packages.
#[must_use]
pub fn missing_packages() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if find_postgres().is_none() {
        missing.push("postgresql");
    }
    if find("nats-server").is_none() {
        missing.push("nats-server");
    }
    missing
}

fn not_here(package: &str) -> Error {
    Error::invalid(format!("{package} is not here; on Debian: apt-get install {package}"))
}

/// A port that is free now. Another process may take it before the server does: then it does not
/// start, and another port is tried.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("a free port"))?;
    Ok(listener.local_addr().map_err(Error::io("a free port"))?.port())
}

/// Whom a server runs as: PostgreSQL refuses root.
fn other_user() -> Option<(u32, u32)> {
    let output = Command::new("id").arg("-u").output().ok()?;
    if output.stdout.trim_ascii() != b"0" {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

/// A temporary folder that the servers' user can use.
fn folder(user: Option<(u32, u32)>) -> Result<TempDir> {
    let folder =
        tempfile::Builder::new().prefix("fleet-").tempdir().map_err(Error::io("a temporary folder"))?;
    if let Some((uid, gid)) = user {
        chown(folder.path(), Some(uid), Some(gid)).map_err(Error::io("a temporary folder"))?;
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), mode).map_err(Error::io("a temporary folder"))?;
    }
    Ok(folder)
}

/// `server.crt` and `server.key` in this folder, of this user, if there are a certificate and a key.
fn write_certificate(folder: &Path, user: Option<(u32, u32)>, tls: Option<(&str, &str)>) -> Result<()> {
    for (name, text) in tls.into_iter().flat_map(|(cert, key)| [("server.crt", cert), ("server.key", key)]) {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(Error::io(name))?;
        // PostgreSQL refuses a key that others can read.
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).map_err(Error::io(name))?;
        if let Some((uid, gid)) = user {
            chown(&path, Some(uid), Some(gid)).map_err(Error::io(name))?;
        }
    }
    Ok(())
}

/// A command that runs as this user, in this folder, and ends with this process however that ends.
fn command(program: &Path, user: Option<(u32, u32)>, folder: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = match find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]);
            if let Some((uid, gid)) = user {
                command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".into()]);
            }
            command.arg(program);
            command
        }
        None => {
            let mut command = Command::new(program);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        }
    };
    command.current_dir(folder).stdin(Stdio::null()).process_group(0);
    command
}

/// The last lines of a server's log, for the error that it did not start.
fn end_of(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}

impl Postgres {
    /// A new database, named `postgres`, of a user `postgres` without a password.
    ///
    /// # Errors
    /// If PostgreSQL is not here or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(None)
    }

    /// The same, which offers TLS with this certificate and key, both as PEM.
    ///
    /// # Errors
    /// If PostgreSQL is not here or does not start.
    pub fn start_with_tls(certificate: &str, key: &str) -> Result<Self> {
        Self::start_with(Some((certificate, key)))
    }

    fn start_with(tls: Option<(&str, &str)>) -> Result<Self> {
        let programs = find_postgres().ok_or_else(|| not_here("postgresql"))?;
        let user = other_user();
        let folder = folder(user)?;
        let data = folder.path().join("data");
        let output = command(&programs.join("initdb"), user, folder.path())
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .output()
            .map_err(Error::io("initdb"))?;
        if !output.status.success() {
            return Err(Error::invalid(format!("initdb: {}", String::from_utf8_lossy(&output.stderr))));
        }
        write_certificate(&data, user, tls)?;
        let mut postgres = Self { folder, programs, port: free_port()?, has_tls: tls.is_some(), child: None };
        let mut tries = 0;
        while let Err(error) = postgres.start_again() {
            tries += 1;
            if tries == 3 {
                return Err(error);
            }
            postgres.port = free_port()?;
        }
        Ok(postgres)
    }

    /// Starts it again on its port if it does not run.
    ///
    /// # Errors
    /// If it does not start.
    pub fn ensure_running(&mut self) -> Result<()> {
        if is_running(&mut self.child) { Ok(()) } else { self.start_again() }
    }

    /// Starts it again on its port, after [`kill`](Self::kill).
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        // Processes of the one that was killed may live for a moment, and keep its memory.
        let deadline = Instant::now() + START;
        loop {
            match self.try_start() {
                Err(_) if Instant::now() < deadline && self.has_started_before() => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                result => return result,
            }
        }
    }

    fn has_started_before(&self) -> bool {
        self.folder.path().join("started").is_file()
    }

    fn try_start(&mut self) -> Result<()> {
        let log_path = self.folder.path().join("log");
        let log = std::fs::File::create(&log_path).map_err(Error::io("the log"))?;
        let errors = log.try_clone().map_err(Error::io("the log"))?;
        let mut child = command(&self.programs.join("postgres"), other_user(), self.folder.path())
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k", "", "-c", "max_connections=300"])
            .args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB"])
            .args(["-c", if self.has_tls { "ssl=on" } else { "ssl=off" }])
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("postgres"))?;
        let ready = || std::fs::read_to_string(&log_path).is_ok_and(|log| log.contains("ready to accept"));
        wait_for("PostgreSQL", &mut child, &log_path, ready)?;
        self.child = Some(child);
        std::fs::write(self.folder.path().join("started"), "").map_err(Error::io("a file"))
    }

    /// The address of the database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills it without warning, all its processes. What was committed stays, since the system goes
    /// on.
    pub fn kill(&mut self) {
        end(&mut self.child);
        // Its children notice within a moment that it is gone.
        let pid = self.folder.path().join("data/postmaster.pid");
        let deadline = Instant::now() + START;
        while TcpListener::bind(self.address()).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        _ = std::fs::remove_file(pid);
    }
}

impl Nats {
    /// A new server, without anything in it.
    ///
    /// # Errors
    /// If NATS is not here or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(None)
    }

    /// The same, by TLS with this certificate and key, both as PEM.
    ///
    /// # Errors
    /// If NATS is not here or does not start.
    pub fn start_with_tls(certificate: &str, key: &str) -> Result<Self> {
        Self::start_with(Some((certificate, key)))
    }

    fn start_with(tls: Option<(&str, &str)>) -> Result<Self> {
        let program =
            std::env::var_os("FLEET_NATS_SERVER").map(PathBuf::from).or_else(|| find("nats-server"));
        let program = program.ok_or_else(|| not_here("nats-server"))?;
        let folder = folder(None)?;
        write_certificate(folder.path(), None, tls)?;
        let mut nats = Self { folder, program, port: free_port()?, has_tls: tls.is_some(), child: None };
        let mut tries = 0;
        while let Err(error) = nats.start_again() {
            tries += 1;
            if tries == 3 {
                return Err(error);
            }
            nats.port = free_port()?;
        }
        Ok(nats)
    }

    /// Starts it again on its port if it does not run.
    ///
    /// # Errors
    /// If it does not start.
    pub fn ensure_running(&mut self) -> Result<()> {
        if is_running(&mut self.child) { Ok(()) } else { self.start_again() }
    }

    /// Starts it again on its port, after [`kill`](Self::kill).
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        let log_path = self.folder.path().join("log");
        let log = std::fs::File::create(&log_path).map_err(Error::io("the log"))?;
        let tls: &[&str] =
            if self.has_tls { &["--tls", "--tlscert", "server.crt", "--tlskey", "server.key"] } else { &[] };
        let mut child = command(&self.program, None, self.folder.path())
            .args(tls)
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"])
            .arg(self.folder.path().join("data"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(Error::io("nats-server"))?;
        let ready = || std::fs::read_to_string(&log_path).is_ok_and(|log| log.contains("Server is ready"));
        wait_for("nats-server", &mut child, &log_path, ready)?;
        self.child = Some(child);
        Ok(())
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        end(&mut self.child);
    }
}

fn wait_for(name: &str, child: &mut Child, log: &Path, ready: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + START;
    while !ready() {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(Error::invalid(format!("{name} has ended ({status}): {}", end_of(log))));
        }
        if Instant::now() > deadline {
            // It may have ended just now.
            _ = child.kill();
            _ = child.wait();
            return Err(Error::invalid(format!("{name} does not start: {}", end_of(log))));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn is_running(child: &mut Option<Child>) -> bool {
    child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // It may have ended already.
        _ = child.kill();
        _ = child.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
