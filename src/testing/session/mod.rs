//! One connection to the server, without I/O: a client's bytes in, [`Step`]s out.
//!
//! ```text
//!               LOGIN, AUTHENTICATE            SELECT, EXAMINE
//!   no user ------------------------> a user ------------------> a user and a Snapshot
//!                                            <------------------
//!                                             CLOSE, UNSELECT
//! ```
//!
//! Besides, a session is in one [`Mode`]: it accepts commands, or is executing one that takes more
//! than one step. Changes by others arrive through its queue in the [`World`]; `report` decides
//! when they may be sent.

mod acl;
mod annotations;
mod append;
mod auth;
mod compress;
mod context;
mod copy;
mod dispatch;
mod fetch;
mod fetch_items;
mod find;
mod labels;
mod language;
mod list;
mod mailboxes;
mod metadata;
mod notify;
mod outbox;
mod quota;
mod reply;
mod report;
mod search;
mod search_in;
mod select;
mod snapshot;
mod status;
mod store;
mod urls;

#[cfg(test)]
mod tests;

use std::task::Waker;

use bytes::BytesMut;

use super::log::LoggedCommand as Logged;
use super::notification::Urgent;
use super::quirks::{Quirk, Quirks};
use super::sasl::{Bindings, Dialogue};
use super::script::Act;
use super::search::Collation;
use super::world::{SessionId, Shared, World};
use crate::types::{Answer, Code, Status, StatusResponse, Untagged};
use crate::wire::request::{Request, RequestFrame, RequestFramer, is_done, request};
use crate::wire::respond::{FetchRow, Strings, response};
use crate::wire::response::Response;

use outbox::Outbox;
pub(crate) use outbox::Step;
use reply::Allows;
pub(crate) use reply::Reply;
use snapshot::Snapshot;

/// The longest line accepted. Clients of CONDSTORE may send sets of 8192 bytes and more (RFC 7162
/// section 4).
const MAX_LINE: usize = 1024 * 1024;
/// The limit for a command apart from its messages.
const BESIDE_MESSAGE: usize = 2 * 1024 * 1024;
/// The limit for the messages of one command (MULTIAPPEND), in messages of the largest size.
const MESSAGES_AT_ONCE: usize = 4;
/// With this many bytes waiting to be written, no more output is made.
const ENOUGH: usize = 64 * 1024;
/// The largest literal before login.
const MAX_LITERAL_BEFORE_LOGIN: usize = 8 * 1024;

/// What a session is waiting for.
#[derive(Debug)]
enum Mode {
    /// Waits for the next command.
    Commands,
    /// IDLE, with its tag, until DONE.
    Idle(String),
    /// AUTHENTICATE, with its tag: waits for the client's answer.
    Sasl(String, Dialogue),
    /// A FETCH whose rows are made as the client reads them.
    Rows(fetch::Job),
    /// STARTTLS has been answered: nothing is read until TLS is active.
    Tls,
    /// COMPRESS has been answered: what is read from here on is compressed.
    Compress,
    /// The session has ended.
    Over,
}

/// Extensions switched on by ENABLE, or implied by a command.
#[derive(Clone, Copy, Debug, Default)]
struct Enabled {
    condstore: bool,
    qresync: bool,
    rev2: bool,
    /// Strings are UTF-8: by UTF8=ACCEPT or IMAP4rev2.
    utf8: bool,
    /// UTF8=ACCEPT itself is enabled.
    utf8_accept: bool,
    /// Messages have no numbers (RFC 9586).
    uid_only: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Shared,
    id: SessionId,
    framer: RequestFramer,
    /// STARTTLS is possible.
    can_tls: bool,
    secure: bool,
    compressed: bool,
    /// What binds a login to the connection.
    bindings: Bindings,
    has_greeted: bool,
    user: Option<String>,
    enabled: Enabled,
    selected: Option<Snapshot>,
    /// By which rules texts are compared.
    collation: Collation,
    mode: Mode,
    out: Outbox,
    /// Bytes that a script puts after the answer in progress.
    after: Option<bytes::Bytes>,
    quirks: Quirks,
}

impl Session {
    /// A session that sends its greeting. `can_tls`: whether STARTTLS is possible.
    pub(crate) fn new(shared: Shared, can_tls: bool) -> Self {
        let mut session = Self::silent(shared, can_tls, false);
        if session.quirks.has(Quirk::SilentInClear) {
            session.mode = Mode::Over;
        } else {
            session.greet();
        }
        session
    }

    /// A session that sends its greeting once TLS is active.
    pub(crate) fn before_tls(shared: Shared) -> Self {
        Self::silent(shared, false, true)
    }

    fn silent(shared: Shared, can_tls: bool, secure: bool) -> Self {
        let (id, plus, rev2, quirks) = {
            let mut world = shared.lock();
            let rev2 = !world.has("IMAP4rev1");
            let plus = world.settings.extensions.plus_limit();
            let quirks = world.settings.quirks.clone();
            (world.connect(secure), plus, rev2, quirks)
        };
        let framer = RequestFramer::new(MAX_LINE).lines_of(MAX_LINE);
        let enabled = Enabled { rev2, utf8: rev2, ..Enabled::default() };
        let mut session = Self {
            shared,
            id,
            framer,
            can_tls,
            secure,
            compressed: false,
            bindings: Bindings::new(),
            has_greeted: false,
            user: None,
            enabled,
            selected: None,
            collation: Collation::default(),
            mode: Mode::Commands,
            out: Outbox::default(),
            after: None,
            quirks,
        };
        session.limit_before_login(plus);
        session
    }

    /// Sets the limits before login; `log_in` raises them. `plus`: the largest literal that a
    /// client need not ask for.
    fn limit_before_login(&mut self, plus: Option<usize>) {
        self.framer.set_limit(MAX_LINE);
        self.framer.set_plus_limit(plus.map(|bytes| bytes.min(MAX_LITERAL_BEFORE_LOGIN)));
    }

    fn greet(&mut self) {
        self.has_greeted = true;
        let shared = self.shared.clone();
        let mut world = shared.lock();
        let preauth = world.settings.preauth.clone();
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

    /// Reads and executes input, as far as there is room for the answers.
    pub(crate) fn run(&mut self, input: &mut BytesMut) {
        self.report_waiting();
        while self.out.waiting() < ENOUGH && self.step(input) {}
        self.report_waiting();
    }

    /// One command, or a part of one; false if there is none.
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
            Mode::Compress => return false,
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
                self.bye("The input can't be parsed any further");
                true
            }
        }
    }

    /// A line that is a command, or input for a command in progress.
    fn line(&mut self, line: &[u8]) {
        match std::mem::replace(&mut self.mode, Mode::Commands) {
            Mode::Idle(tag) => {
                let shared = self.shared.clone();
                let mut world = shared.lock();
                let reply =
                    if is_done(line) { Reply::ok("IDLE done") } else { Reply::bad("DONE was expected") };
                if self.quirks.has(Quirk::LateSync) {
                    self.tagged(&tag, reply.status);
                } else {
                    self.end(&mut world, &tag, Allows::All, reply);
                }
            }
            Mode::Sasl(tag, dialogue) => self.sasl_line(&tag, dialogue, line),
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
            // An empty line between commands, as some clients send after a literal.
            self.status(Status::Bad, None, "A command was expected");
            return;
        }
        let logged = Logged::new(self.id, line);
        let acts = world.script.take(&logged.name);
        let tag = logged.tag.clone();
        let refused = self.quirks.refuses(&logged);
        world.log_command(logged);
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

    /// Applies a script to this command; true if it is not to be executed.
    fn script(&mut self, acts: Vec<Act>, tag: &str) -> bool {
        let mut done = false;
        let with_tag = |bytes: bytes::Bytes| {
            let text = String::from_utf8_lossy(&bytes);
            // Bytes that are not text can't contain a tag's placeholder.
            if text.contains("{tag}") { text.replace("{tag}", tag).into_bytes().into() } else { bytes }
        };
        for act in acts {
            match act {
                Act::Delay(time) => self.out.pause(time),
                Act::Cut(bytes) => self.out.cut_after(bytes),
                Act::Before(bytes) => self.out.write(&with_tag(bytes)),
                Act::Within(bytes) => self.out.write_within(with_tag(bytes)),
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

    /// A client requests to send a synchronizing literal.
    fn literal(&mut self, size: usize) {
        let logged = Logged::new(self.id, self.framer.begun());
        let shared = self.shared.clone();
        let mut world = shared.lock();
        let is_append = logged.name == "APPEND";
        let max = match (&self.user, is_append) {
            (None, _) => MAX_LITERAL_BEFORE_LOGIN,
            (Some(_), true) => world.settings.append_limit,
            (Some(_), false) => BESIDE_MESSAGE,
        };
        // The message limit is the user's concern; the limit for the whole command is the framer's.
        let max = max.min(self.framer.room());
        if size <= max && !world.script.refuse_literals {
            self.framer.accept();
            drop(world);
            self.write(&Response::Continuation { text: bytes::Bytes::from_static(b"go on") });
            return;
        }
        self.framer.refuse();
        // The code of RFC 7889 section 3.
        let code = (is_append && size > max).then_some(Code::TooBig);
        let reply = Reply::no(code, "This literal is not taken");
        let tag = logged.tag.clone();
        world.log_command(logged);
        self.end(&mut world, &tag, Allows::All, reply);
    }

    /// Wakes this waker on the next notification; true if there has been one already since
    /// [`run`](Self::run).
    pub(crate) fn wake_by(&mut self, waker: &Waker) -> bool {
        let mut world = self.shared.lock();
        let Some(line) = world.line(self.id) else { return false };
        line.waker = Some(waker.clone());
        line.fresh
    }

    /// Whether to end at once, whatever is left to write: the test cut the connection, or the
    /// server was dropped. If not, either will wake this waker.
    pub(crate) fn must_end(&mut self, waker: &Waker) -> bool {
        let mut world = self.shared.lock();
        let over = world.over;
        let Some(line) = world.line(self.id) else { return true };
        line.waker = Some(waker.clone());
        over || line.cut
    }

    /// Whether a test wants a BYE that has not been sent yet.
    pub(crate) fn has_bye(&mut self) -> bool {
        let mut world = self.shared.lock();
        let line = world.line(self.id);
        line.is_some_and(|line| line.urgent.iter().any(|urgent| matches!(urgent, Urgent::Bye(_))))
    }

    /// The next step for the connection.
    pub(crate) fn next(&mut self) -> Option<Step> {
        self.out.next()
    }

    /// The maximum of bytes in one write, if a test has set one.
    pub(crate) fn split(&self) -> Option<usize> {
        self.shared.lock().script.split
    }

    /// Called when TLS is active, with what binds a login to it.
    pub(crate) fn secured(&mut self, bindings: Bindings) {
        self.secure = true;
        self.bindings = bindings;
        if !self.has_greeted {
            self.greet();
            return;
        }
        self.mode = Mode::Commands;
        if let Some(line) = self.shared.lock().line(self.id) {
            line.secure = true;
        }
    }

    fn strings(&self) -> Strings {
        if self.enabled.utf8 { Strings::Utf8 } else { Strings::Quoted }
    }

    /// The beginning of a row, by number or, with UIDONLY, by UID.
    fn row(&self, seq: u32, uid: u32) -> FetchRow {
        match self.enabled.uid_only {
            true => FetchRow::by_uid(uid, self.strings()),
            false => FetchRow::new(seq, self.strings()),
        }
    }

    fn write(&mut self, line: &Response) {
        let bytes = response(line, self.strings());
        self.out.write(&bytes);
    }

    /// `* …`.
    fn answer(&mut self, name: &'static str, answer: Answer) {
        self.write(&Response::Untagged(Untagged::new(name, answer, None)));
    }

    /// `* OK [CODE] text`.
    fn status(&mut self, status: Status, code: Option<Code>, text: &str) {
        let response = StatusResponse::new(status, code, text);
        self.answer(status.as_str(), Answer::Status(Box::new(response)));
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

    /// Ends a command: reports permitted changes, then sends its tagged response.
    fn end(&mut self, world: &mut World, tag: &str, allows: Allows, reply: Reply) {
        self.flush(world, allows);
        let mut status = reply.status;
        if reply.with_mod_seq && self.enabled.qresync && status.code.is_none() {
            status.code = self.highest_mod_seq(world);
        }
        self.tagged(tag, status);
    }

    /// Ends the connection with a BYE of this text.
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
