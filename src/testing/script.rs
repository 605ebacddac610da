//! What a test wants the server to do otherwise than rightly: at the next command of a kind, or to all that is written.

use std::time::Duration;

use bytes::Bytes;

use super::world::Shared;
use crate::types::{Code, Status, StatusResponse};

/// One thing to do at a command.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// The answer comes so much later.
    Delay(Duration),
    /// The command is not done, and answered so.
    Answer(StatusResponse),
    /// The command is not done, and these octets are all that is answered.
    Instead(Bytes),
    /// Octets before the answer.
    Before(Bytes),
    /// Octets behind the first response of the answer.
    Within(Bytes),
    /// Octets behind the answer.
    After(Bytes),
    /// The connection ends after so many octets of the answer.
    Cut(usize),
}

/// What to do at which command.
#[derive(Debug)]
struct Rule {
    id: u64,
    /// Its name in capitals; empty for any.
    command: String,
    /// How often yet.
    times: usize,
    acts: Vec<Act>,
}

/// All that is to be done otherwise.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: Vec<Rule>,
    last: u64,
    /// The most octets that go out in one write.
    pub(crate) split: Option<usize>,
    /// No literal that asks is taken.
    pub(crate) refuse_literals: bool,
}

impl Script {
    /// What is to be done at this command, which has come now.
    pub(crate) fn take(&mut self, name: &str) -> Vec<Act> {
        let fits = |rule: &&mut Rule| rule.times > 0 && (rule.command.is_empty() || rule.command == name);
        let Some(rule) = self.rules.iter_mut().find(fits) else { return Vec::new() };
        rule.times -= 1;
        let acts = rule.acts.clone();
        self.rules.retain(|rule| rule.times > 0);
        acts
    }

    fn rule(&mut self, id: u64) -> Option<&mut Rule> {
        self.rules.iter_mut().find(|rule| rule.id == id)
    }
}

/// What the server does at the next command of a kind, from [`Server::on`](super::Server::on).
///
/// The methods can be put together: `server.on("FETCH").delay(second).cut_after(100)` waits a second, writes 100 octets of
/// the answer, and closes. Each holds for one command, unless [`times`](Self::times) or [`always`](Self::always) says
/// otherwise. Where octets are given, `{tag}` in them stands for the command's tag, and a line's end (`\r\n`) is theirs to
/// have.
#[derive(Clone, Debug)]
pub struct Hook {
    shared: Shared,
    id: u64,
}

impl Hook {
    pub(crate) fn new(shared: Shared, command: &str) -> Self {
        let id = {
            let mut world = shared.lock();
            let script = &mut world.script;
            script.last += 1;
            let command = if command == "*" { String::new() } else { command.to_ascii_uppercase() };
            script.rules.push(Rule { id: script.last, command, times: 1, acts: Vec::new() });
            script.last
        };
        Self { shared, id }
    }

    fn act(&self, act: Act) -> Self {
        if let Some(rule) = self.shared.lock().script.rule(self.id) {
            rule.acts.push(act);
        }
        self.clone()
    }

    fn repeat(&self, times: usize) -> Self {
        if let Some(rule) = self.shared.lock().script.rule(self.id) {
            rule.times = times;
        }
        self.clone()
    }

    /// At so many commands, not at one alone.
    pub fn times(self, times: usize) -> Self {
        self.repeat(times)
    }

    /// At each command, from now on.
    pub fn always(self) -> Self {
        self.repeat(usize::MAX)
    }

    /// The answer comes so much later, and with it all that comes after it. The command is done at once.
    pub fn delay(self, time: Duration) -> Self {
        self.act(Act::Delay(time))
    }

    /// The command is not done, but answered with NO.
    pub fn no(self, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::No, None, text)))
    }

    /// The command is not done, but answered with NO and this code, such as [`Code::InUse`].
    pub fn no_with(self, code: Code, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::No, Some(code), text)))
    }

    /// The command is not done, but answered with BAD.
    pub fn bad(self, text: &str) -> Self {
        self.act(Act::Answer(StatusResponse::new(Status::Bad, None, text)))
    }

    /// The command is not done, and all that is answered are these octets; none for silence.
    pub fn instead(self, octets: impl Into<Bytes>) -> Self {
        self.act(Act::Instead(octets.into()))
    }

    /// These octets come before the answer.
    pub fn before(self, octets: impl Into<Bytes>) -> Self {
        self.act(Act::Before(octets.into()))
    }

    /// These octets come behind the first response of the answer, or before its tagged line if that is all there is.
    pub fn within(self, octets: impl Into<Bytes>) -> Self {
        self.act(Act::Within(octets.into()))
    }

    /// These octets come behind the answer.
    pub fn after(self, octets: impl Into<Bytes>) -> Self {
        self.act(Act::After(octets.into()))
    }

    /// The connection ends after so many octets of the answer, without a word. If the answer is shorter, what follows it
    /// counts as well.
    pub fn cut_after(self, octets: usize) -> Self {
        self.act(Act::Cut(octets))
    }
}
