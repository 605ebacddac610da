//! One connection to the server, without I/O: a client's octets in, [`Step`]s out.
//!
//! ```text
//!               LOGIN, AUTHENTICATE            SELECT, EXAMINE
//!   no user ------------------------> a user ------------------> a user and a Snapshot
//!                                            <------------------
//!                                             CLOSE, UNSELECT
//! ```
//!
//! Beside that a session is in one [`Mode`]: it takes commands, or is in the middle of one that
//! takes more than one step. What others do comes by its queue in the [`World`]; `tell` says when
//! it may be told.

mod append;
mod auth;
mod copy;
mod dispatch;
mod fetch;
mod fetch_items;
mod list;
mod mailboxes;
mod notify;
mod outbox;
mod quota;
mod reply;
mod report;
mod search;
mod select;
mod snapshot;
mod status;
mod store;

#[cfg(test)]
mod tests;

use std::task::Waker;

use bytes::BytesMut;

use super::log::LoggedCommand as Logged;
use super::quirks::{Quirk, Quirks};
use super::responder::Urgent;
use super::script::Act;
use super::world::{SessionId, Shared, World};
use crate::types::{Answer, Code, Status, StatusResponse, Untagged};
use crate::wire::request::{Request, RequestFrame, RequestFramer, is_done, request};
use crate::wire::respond::{Strings, response};
use crate::wire::response::Response;

use outbox::Outbox;
pub(crate) use outbox::Step;
use reply::{Allows, Reply};
use snapshot::Snapshot;

/// The longest line that is taken. Clients of CONDSTORE may send sets of 8192 octets and more (RFC
/// 7162 section 4).
const LONGEST_LINE: usize = 1024 * 1024;
/// Beside its messages, so much of a command.
const BESIDE_MESSAGE: usize = 2 * 1024 * 1024;
/// So many of the largest messages in one command (MULTIAPPEND), or more that are smaller.
const MESSAGES_AT_ONCE: usize = 4;
/// So many octets wait to be written before the next is made.
const ENOUGH: usize = 64 * 1024;
/// The largest literal of somebody who has not logged in.
const LITERAL_OF_STRANGER: usize = 8 * 1024;

/// What a session is in the middle of.
#[derive(Debug)]
enum Mode {
    /// The next command.
    Commands,
    /// IDLE, with its tag, until DONE.
    Idle(String),
    /// AUTHENTICATE PLAIN, with its tag: the client's answer.
    Sasl(String),
    /// A FETCH whose rows are made as they can be written.
    Rows(fetch::Job),
    /// STARTTLS has been answered: nothing is read until TLS is there.
    Tls,
    /// It has ended.
    Over,
}

/// What ENABLE has switched on, or what amounts to it.
#[derive(Clone, Copy, Debug, Default)]
struct Enabled {
    condstore: bool,
    qresync: bool,
    rev2: bool,
    /// Strings are UTF-8: by one of the two.
    utf8: bool,
    /// By UTF8=ACCEPT itself.
    utf8_accept: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Shared,
    id: SessionId,
    framer: RequestFramer,
    /// TLS can be begun.
    can_tls: bool,
    secure: bool,
    user: Option<String>,
    enabled: Enabled,
    selected: Option<Snapshot>,
    mode: Mode,
    out: Outbox,
    /// Octets that a script has behind the answer that is being made.
    after: Option<bytes::Bytes>,
    quirks: Quirks,
}

impl Session {
    /// A session that greets its client. `can_tls`: whether STARTTLS can be done, `secure`: whether
    /// it is needless.
    pub(crate) fn new(shared: Shared, can_tls: bool, secure: bool) -> Self {
        let (id, plus, rev2, preauth, quirks) = {
            let mut world = shared.lock();
            let rev2 = !world.has("IMAP4rev1");
            let plus = world.settings.extensions.plus_limit();
            let settings = (world.settings.preauth.clone(), world.settings.quirks.clone());
            (world.connect(secure), plus, rev2, settings.0, settings.1)
        };
        // Of somebody who has not logged in; `log_in` takes more.
        let mut framer = RequestFramer::new(LONGEST_LINE).lines_of(LONGEST_LINE);
        framer.set_plus_limit(plus.map(|bytes| bytes.min(LITERAL_OF_STRANGER)));
        let enabled = Enabled { rev2, utf8: rev2, ..Enabled::default() };
        let mut session = Self {
            shared,
            id,
            framer,
            can_tls,
            secure,
            user: None,
            enabled,
            selected: None,
            mode: Mode::Commands,
            out: Outbox::default(),
            after: None,
            quirks,
        };
        if !secure && session.quirks.has(Quirk::SilentInClear) {
            session.mode = Mode::Over;
            return session;
        }
        session.greet(preauth);
        session
    }

    fn greet(&mut self, preauth: Option<String>) {
        let shared = self.shared.clone();
        let mut world = shared.lock();
        if world.over {
            self.bye("The server is gone");
            return;
        }
        let status = if preauth.is_some() { Status::PreAuth } else { Status::Ok };
        if let Some(user) = preauth {
            self.log_in(&mut world, user);
        }
        let code = Code::Capability(self.capabilities(&world).iter().collect());
        self.status(status, Some(code), "imap-duplex test server ready");
    }

    /// Reads what has come, and does it, as far as there is room for the answers.
    pub(crate) fn run(&mut self, input: &mut BytesMut) {
        self.news();
        while self.out.waiting() < ENOUGH && self.step(input) {}
        self.news();
    }

    /// One command, or a piece of one; false if there is none.
    fn step(&mut self, input: &mut BytesMut) -> bool {
        match self.mode {
            Mode::Rows(_) => {
                self.go_on_fetching();
                return true;
            }
            Mode::Tls | Mode::Over => {
                input.clear();
                return false;
            }
            _ => {}
        }
        match self.framer.decode(input) {
            Ok(None) => false,
            Ok(Some(RequestFrame::Command(line))) => {
                self.line(&line);
                true
            }
            Ok(Some(RequestFrame::Literal(size))) => {
                self.literal(size);
                true
            }
            Err(too_long) => {
                let text = too_long.to_string();
                self.status(Status::Bad, None, &text);
                self.bye("This can't be read on");
                true
            }
        }
    }

    /// A line that is a command, or what a command in progress waits for.
    fn line(&mut self, line: &[u8]) {
        match std::mem::replace(&mut self.mode, Mode::Commands) {
            Mode::Idle(tag) => {
                let shared = self.shared.clone();
                let mut world = shared.lock();
                let reply =
                    if is_done(line) { Reply::ok("IDLE done") } else { Reply::bad("DONE was expected") };
                self.end(&mut world, &tag, Allows::All, reply);
            }
            Mode::Sasl(tag) => self.sasl_line(&tag, line),
            mode => {
                self.mode = mode;
                self.command(line);
            }
        }
    }

    fn command(&mut self, line: &[u8]) {
        let shared = self.shared.clone();
        let mut world = shared.lock();
        if line.is_empty() {
            // An empty line between commands, as some send behind a literal.
            self.status(Status::Bad, None, "A command was expected");
            return;
        }
        let logged = Logged::new(self.id, line);
        let acts = world.script.take(&logged.name);
        let tag = logged.tag.clone();
        let refused = self.quirks.refuses(&logged);
        world.hear(logged);
        if self.script(acts, &tag) {
            return;
        }
        if let Some(answered) = refused {
            if answered {
                self.end(&mut world, &tag, Allows::Flags, Reply::bad("Too high a number"));
            }
            return;
        }
        match request(line, self.enabled.utf8) {
            Ok(Request { tag, command }) => self.dispatch(&mut world, tag, command),
            Err(wrong) => match wrong.tag.clone() {
                Some(tag) => self.end(&mut world, &tag, Allows::Flags, Reply::bad(wrong.to_string())),
                None => self.status(Status::Bad, None, &wrong.to_string()),
            },
        }
    }

    /// What a test wants at this command; true if it is not to be done.
    fn script(&mut self, acts: Vec<Act>, tag: &str) -> bool {
        let mut done = false;
        let with_tag = |bytes: bytes::Bytes| {
            let text = String::from_utf8_lossy(&bytes);
            // Octets that are no text have no place for a tag.
            if text.contains("{tag}") { text.replace("{tag}", tag).into_bytes().into() } else { bytes }
        };
        for act in acts {
            match act {
                Act::Delay(time) => self.out.pause(time),
                Act::Cut(bytes) => self.out.cut_after(bytes),
                Act::Before(bytes) => self.out.write(&with_tag(bytes)),
                Act::Within(bytes) => self.out.say_within(with_tag(bytes)),
                Act::After(bytes) => self.after = Some(with_tag(bytes)),
                Act::Answer(status) => {
                    done = true;
                    self.tagged(tag, status);
                }
                Act::Instead(bytes) => {
                    done = true;
                    self.out.write(&with_tag(bytes));
                }
            }
        }
        done
    }

    /// A client wants to send a literal, and waits.
    fn literal(&mut self, size: usize) {
        let logged = Logged::new(self.id, self.framer.begun());
        let shared = self.shared.clone();
        let mut world = shared.lock();
        let is_append = logged.name == "APPEND";
        let most = match (&self.user, is_append) {
            (None, _) => LITERAL_OF_STRANGER,
            (Some(_), true) => world.settings.append_limit,
            (Some(_), false) => BESIDE_MESSAGE,
        };
        // The limit is for each message; that for all of a command is ours.
        let most = most.min(self.framer.room());
        if size <= most && !world.script.refuse_literals {
            self.framer.accept();
            drop(world);
            self.write(&Response::Continuation { text: bytes::Bytes::from_static(b"go on") });
            return;
        }
        self.framer.refuse();
        // RFC 7889 section 3.
        let code = (is_append && size > most).then_some(Code::TooBig);
        let reply = Reply::no(code, "This literal is not taken");
        let tag = logged.tag.clone();
        world.hear(logged);
        self.end(&mut world, &tag, Allows::All, reply);
    }

    /// Wakes this waker when there is something new; true if there is already, since
    /// [`run`](Self::run).
    pub(crate) fn wake_by(&mut self, waker: &Waker) -> bool {
        let mut world = self.shared.lock();
        let Some(line) = world.line(self.id) else { return false };
        line.waker = Some(waker.clone());
        line.fresh
    }

    /// Whether it is to end at once, whatever is left to write: cut by the test, or the server is
    /// gone. If not, that will wake this waker.
    pub(crate) fn must_end(&mut self, waker: &Waker) -> bool {
        let mut world = self.shared.lock();
        let over = world.over;
        let Some(line) = world.line(self.id) else { return true };
        line.waker = Some(waker.clone());
        over || line.cut
    }

    /// Whether a test wants it to end with a BYE, which has not been said yet.
    pub(crate) fn has_bye(&mut self) -> bool {
        let mut world = self.shared.lock();
        let line = world.line(self.id);
        line.is_some_and(|line| line.urgent.iter().any(|urgent| matches!(urgent, Urgent::Bye(_))))
    }

    /// What to do next with the connection.
    pub(crate) fn next(&mut self) -> Option<Step> {
        self.out.next()
    }

    /// The most octets for one write, if a test has set that.
    pub(crate) fn split(&self) -> Option<usize> {
        self.shared.lock().script.split
    }

    /// TLS has been begun.
    pub(crate) fn secured(&mut self) {
        self.secure = true;
        self.mode = Mode::Commands;
        if let Some(line) = self.shared.lock().line(self.id) {
            line.secure = true;
        }
    }

    fn strings(&self) -> Strings {
        if self.enabled.utf8 { Strings::Utf8 } else { Strings::Quoted }
    }

    fn write(&mut self, told: &Response) {
        let bytes = response(told, self.strings());
        self.out.write(&bytes);
    }

    /// `* …`.
    fn answer(&mut self, name: &'static str, answer: Answer) {
        self.write(&Response::Untagged(Untagged::new(name, answer, None)));
    }

    /// `* OK [CODE] text`.
    fn status(&mut self, status: Status, code: Option<Code>, text: &str) {
        let told = StatusResponse::new(status, code, text);
        self.answer(status.as_str(), Answer::Status(told));
    }

    fn tagged(&mut self, tag: &str, status: StatusResponse) {
        if let Some(within) = self.out.take_within() {
            self.out.write(&within);
        }
        self.write(&Response::Tagged { tag: tag.to_owned(), status });
        if let Some(after) = self.after.take() {
            self.out.write(&after);
        }
    }

    /// A command's end: what may be told now, and its tagged response.
    fn end(&mut self, world: &mut World, tag: &str, allows: Allows, reply: Reply) {
        self.flush(world, allows);
        let mut status = reply.status;
        if reply.tells_mod_seq && self.enabled.qresync && status.code.is_none() {
            status.code = self.highest_mod_seq(world);
        }
        self.tagged(tag, status);
    }

    /// The connection ends with these words.
    fn bye(&mut self, text: &str) {
        self.status(Status::Bye, None, text);
        self.out.close();
        self.mode = Mode::Over;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.lock().lines.remove(&self.id);
    }
}
