//! A terminal of tmux with a program in it.
//!
//! In: a command, keys. Out: what the screen shows. It ends with the test, in a panic too.

use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long the screen may take to show something.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct Tmux {
    folder: TempDir,
}

impl Tmux {
    /// Runs this shell command in a terminal of 100 columns and 30 lines.
    pub(crate) fn start(command: &str) -> Self {
        let terminal = Self { folder: TempDir::new().expect("a temporary folder") };
        let started =
            terminal.run(&["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", command]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        terminal
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let socket = self.folder.path().join("tmux");
        let mut command = Command::new("tmux");
        command.arg("-S").arg(socket).args(arguments);
        // Its characters are UTF-8 whatever the tests' locale is; and this may run in a tmux.
        command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env_remove("TMUX");
        command.output().expect("tmux; `tests/run` installs it")
    }

    /// Keys by tmux's names: `Enter`, `Escape`, `C-s`, `a`. Where another key follows `Escape`,
    /// wait for what that does: both together are one key.
    pub(crate) fn keys(&self, keys: &str) {
        let keys: Vec<&str> = keys.split_whitespace().collect();
        assert!(self.run(&[&["send-keys"], &keys[..]].concat()).status.success());
    }

    pub(crate) fn type_text(&self, text: &str) {
        assert!(self.run(&["send-keys", "-l", text]).status.success());
    }

    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// Waits until the screen is so, and gives it.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> impl Future<Output = String> {
        let place = std::panic::Location::caller();
        async move {
            let deadline = Instant::now() + PATIENCE;
            loop {
                let screen = self.screen();
                if is_so(&screen) {
                    return screen;
                }
                assert!(Instant::now() < deadline, "{place}: {what} is not so:\n{screen}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Waits until the screen has this text.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> impl Future<Output = String> {
        self.until(text, move |screen| screen.contains(text))
    }

    /// Waits until the screen does not have this text any more.
    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) -> impl Future<Output = String> {
        self.until(text, move |screen| !screen.contains(text))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}
