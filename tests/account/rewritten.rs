//! A server's lines as a rule has them: counters that it lacks, answers from which something is
//! missing.
//!
//! In: a stream of the embedded server, a rule. Out: a stream on which the client finds the rest.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, copy, duplex, split};
use tokio::sync::watch;

/// A line of the server.
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    /// It is part of an answer to SELECT or EXAMINE.
    pub(crate) opens: bool,
}

impl Line<'_> {
    pub(crate) fn starts(&self, text: &str) -> bool {
        self.text.starts_with(text)
    }

    /// The line with this number behind the name, or without both.
    pub(crate) fn with(&self, name: &str, number: Option<&str>) -> String {
        let Some(at) = self.text.find(&format!("{name} ")) else { return self.text.to_owned() };
        let (before, rest) = self.text.split_at(at);
        let rest = rest[name.len() + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
        match number {
            Some(number) => format!("{before}{name} {number}{rest}"),
            None => format!("{}{}", before.trim_end_matches(' '), rest),
        }
    }
}

/// What becomes of a line; nothing: the client does not get it.
pub(crate) type Rule = fn(Line<'_>) -> Option<String>;

pub(crate) fn as_it_is(line: Line<'_>) -> Option<String> {
    Some(line.text.to_owned())
}

/// What becomes of all lines.
#[derive(Clone)]
pub(crate) struct Rewriting(Arc<Mutex<Rule>>, Arc<watch::Sender<()>>);

impl Default for Rewriting {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(as_it_is)), Arc::default())
    }
}

impl Rewriting {
    pub(crate) fn set(&self, rule: Rule) {
        *self.0.lock().expect("no test panics while it holds it") = rule;
    }

    fn rule(&self) -> Rule {
        *self.0.lock().expect("no test panics while it holds it")
    }

    /// Those that there are carry nothing any more.
    pub(crate) fn hang(&self) {
        self.1.send_replace(());
    }

    /// The client's end of a connection whose lines are changed.
    pub(crate) fn through(&self, server: DuplexStream) -> DuplexStream {
        let (client, far) = duplex(64 * 1024);
        let ((from_server, mut to_server), (mut from_client, mut to_client)) = (split(server), split(far));
        let (this, mut hangs) = (self.clone(), self.1.subscribe());
        let mut also = hangs.clone();
        let sent = async move {
            // Either end may go at any time.
            _ = copy(&mut from_client, &mut to_server).await;
            _ = to_server.shutdown().await;
        };
        let received = async move {
            let (mut lines, mut line, mut opens) = (BufReader::new(from_server), String::new(), false);
            while lines.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                opens |= line.starts_with("* FLAGS ");
                let changed = this.rule()(Line { text: &line, opens });
                opens &= line.starts_with('*');
                line.clear();
                if to_client.write_all(changed.unwrap_or_default().as_bytes()).await.is_err() {
                    return;
                }
            }
            _ = to_client.shutdown().await;
        };
        tokio::spawn(async move { until_it_hangs(sent, &mut also).await });
        tokio::spawn(async move { until_it_hangs(received, &mut hangs).await });
        client
    }
}

/// From then on its ends are held, and nothing is done with them.
async fn until_it_hangs(work: impl Future<Output = ()>, hangs: &mut watch::Receiver<()>) {
    let mut work = pin!(work);
    tokio::select! {
        () = &mut work => {}
        Ok(()) = hangs.changed() => std::future::pending().await,
    }
}
