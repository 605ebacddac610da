//! An example, running as a process of its own.
//!
//! In: its arguments. Out: its lines as they come, and how it ended. It is killed if a test goes
//! wrong.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::PASSWORD;

/// How soon a change must be reported. Dovecot itself waits half a second; the rest is for busy
/// machines.
const SOON: Duration = Duration::from_secs(3);

/// The program, which cargo has built beside the tests: `target/debug/examples/watch`.
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("our own file");
    let folder = test.ancestors().nth(2).expect("a target folder");
    let program = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is missing: `cargo test` builds it, and so does `cargo build --examples`",
        program.display()
    );
    program
}

/// The program, running; the password is that of all users.
pub struct Program {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    /// What has been read of its output, for messages.
    said: Vec<String>,
}

/// How the program ended.
pub struct Ended {
    pub status: ExitStatus,
    /// What it printed that had not been read.
    pub rest: Vec<String>,
    pub errors: String,
}

impl Program {
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        Self::spawn(command(name, arguments))
    }

    /// As [`command`] has made it.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.env("IMAP_PASSWORD", PASSWORD).spawn().expect("the example runs");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)).ok();
        });
        Self { child, lines, said: Vec::new() }
    }

    /// The next line.
    pub async fn line(&mut self) -> String {
        let line = self.lines.recv().await;
        let line = line.unwrap_or_else(|| panic!("it ended; it had said:\n{}", self.said.join("\n")));
        self.said.push(line.clone());
        line
    }

    /// The next line with this text in it.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            let line = self.line().await;
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The next event of this name, with `--json`. All on the way must be events as well, and none
    /// unreadable.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            let event = event(&self.line().await);
            if event["event"] == name {
                return event;
            }
        }
    }

    /// As [`event`](Self::event), for what must be reported soon.
    pub async fn soon(&mut self, name: &str) -> Value {
        match tokio::time::timeout(SOON, self.event(name)).await {
            Ok(event) => event,
            Err(_) => panic!("no {name} within {SOON:?}; it had said:\n{}", self.said.join("\n")),
        }
    }

    /// Ctrl-c.
    pub async fn interrupt(self) -> Ended {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", "INT", &id]).status().expect("kill");
        assert!(sent.success());
        self.end().await
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("our own child");
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Ended {
        let mut rest = Vec::new();
        while let Some(line) = self.lines.recv().await {
            rest.push(line);
        }
        let (status, errors) = wait(&mut self.child).await;
        Ended { status, rest, errors }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing is left to kill after a test that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path(name));
    command.args(arguments).env_remove("IMAP_PASSWORD").env_remove("IMAP_TOKEN").env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub async fn wait(child: &mut Child) -> (ExitStatus, String) {
    let status = loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let mut errors = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("text");
    (status, errors)
}

/// An event as `--json` prints it.
pub fn event(line: &str) -> Value {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    let name = event["event"].as_str().unwrap_or_else(|| panic!("an event has a name: {line}"));
    assert!(!["unparsed", "unknown", "contradiction", "lagged"].contains(&name), "{line}");
    assert!(line.starts_with(&format!(r#"{{"event":"{name}""#)) && !line.contains("null"), "{line}");
    event
}
