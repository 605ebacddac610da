//! The workers of the demonstration: processes of this very program, which can be killed, stopped
//! and started again.
//!
//! In: a set-up for each, written to a file. Out: processes that end with this one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::error::{Error, Result};

/// A worker process.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    name: String,
    program: PathBuf,
    set_up: PathBuf,
    log: PathBuf,
    /// By how many hours its wall clock is off.
    clock: Option<i64>,
    child: Option<Child>,
}

/// What the program `faketime` would have a process load.
fn faketime_library() -> Result<String> {
    let output = std::process::Command::new("faketime")
        .args(["-f", "+1h", "printenv", "LD_PRELOAD"])
        .output()
        .map_err(Error::io("faketime (on Debian: apt-get install faketime)"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// This very program, set up by its file alone: what the user's environment says is of another
/// fleet.
pub(super) fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLEET_") {
            command.env_remove(name);
        }
    }
    command
}

impl WorkerProcess {
    /// A worker with this set-up, which is written to the folder. It is not started yet.
    pub(super) fn new(
        program: &Path,
        folder: &Path,
        name: &str,
        set_up: &str,
        clock: Option<i64>,
    ) -> Result<Self> {
        let path = folder.join(format!("{name}.toml"));
        std::fs::write(&path, set_up).map_err(Error::io("the set-up of a worker"))?;
        Ok(Self {
            name: name.to_owned(),
            program: program.to_owned(),
            set_up: path,
            log: folder.join(format!("{name}.log")),
            clock,
            child: None,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Starts it; a log of an earlier run is continued.
    pub(super) fn start(&mut self) -> Result<()> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(Error::io("the log of a worker"))?;
        let mut command = program(&self.program);
        if let Some(hours) = self.clock {
            // `faketime` would stay between this process and the worker, and be killed in its place.
            let library = faketime_library()?;
            // A steady clock is the same in all processes.
            command.envs([("LD_PRELOAD", library.as_str()), ("DONT_FAKE_MONOTONIC", "1")]);
            command.env("FAKETIME", format!("{hours:+}h"));
        }
        let child = command
            .args(["worker", "--config"])
            .arg(&self.set_up)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io("a worker"))?;
        self.child = Some(child);
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().and_then(Child::id).and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            // It may have ended just now.
            _ = kill_process(pid, signal);
        }
    }

    /// Kills it, as `kill -9` does.
    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            _ = child.kill().await;
        }
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub(super) async fn end(&mut self) {
        self.signal(Signal::TERM);
        if let Some(mut child) = self.child.take()
            && tokio::time::timeout(std::time::Duration::from_secs(30), child.wait()).await.is_err()
        {
            tracing::warn!(worker = self.name, "did not end; it is killed");
            _ = child.kill().await;
        }
    }

    /// Stops all its threads where they are.
    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets them go on.
    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT);
    }
}
