//! Promise 14 against servers with moods: hostile arguments under any set of capabilities, which
//! changes while the session lasts; literals that are refused in place of `+`, or over which the
//! server hangs up; commands that are done by steps, with names that the server made up; tokens
//! that are dropped at any step. Whatever happens, what the server reads are commands of the
//! client's own, in a form that it has said it takes, and nothing hangs.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use imap_duplex::command::{
    Append, AppendAll, Expunge, Fetch, Items, List, PartialRange, Search, StatusItems, Store,
};
use imap_duplex::types::Flag;
use imap_duplex::{ErrorKind, Mailbox, Result, Sender};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use crate::c14_smuggling::{NASTY, announced};
use crate::c14_ways::{WAYS, hand_over};
use crate::client::uid;
use crate::session::quiet;
use crate::support::within;

/// Each may be there or not.
const OPTIONS: [&str; 40] = [
    "LITERAL+",
    "LITERAL-",
    "BINARY",
    "UTF8=ACCEPT",
    "ENABLE",
    "UIDPLUS",
    "MOVE",
    "ESEARCH",
    "MULTIAPPEND",
    "UNSELECT",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "LIST-METADATA",
    "METADATA",
    "LIST-MYRIGHTS",
    "ACL",
    "QUOTA",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "LANGUAGE",
    "I18NLEVEL=2",
    "CATENATE",
    "FILTERS",
    "MULTISEARCH",
    "NOTIFY",
    "OBJECTID",
    "REPLACE",
    "SEARCHRES",
    "SEARCH=FUZZY",
    "SORT",
    "SORT=DISPLAY",
    "THREAD=REFERENCES",
    "URLAUTH",
    "URLAUTH=BINARY",
    "X-GM-EXT-1",
    "ANNOTATE-EXPERIMENT-1",
    "CONDSTORE",
    "PARTIAL",
    "ID",
    "UNAUTHENTICATE",
];

/// Gives the same numbers each time.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % below
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn text(&mut self) -> String {
        let pieces = 1 + self.below(3);
        let text: String = (0..pieces).map(|_| NASTY[self.below(NASTY.len())]).collect();
        if self.one_in(12) { text.repeat(150) } else { text }
    }

    fn capabilities(&mut self) -> Vec<&'static str> {
        let base: &[&str] = match self.below(4) {
            0 => &["IMAP4rev2"],
            1 => &["IMAP4rev1", "IMAP4rev2"],
            _ => &["IMAP4rev1"],
        };
        let more = OPTIONS.into_iter().filter(|_| !self.one_in(3));
        base.iter().copied().chain(more).collect()
    }
}

/// Whether these bytes are somewhere in those.
fn find(all: &[u8], wanted: &[u8]) -> bool {
    all.windows(wanted.len()).any(|some| some == wanted)
}

/// What a server has read, and what was wrong with it.
#[derive(Default)]
struct Log {
    commands: Vec<String>,
    wrong: Vec<String>,
    last_tag: u64,
}

/// A server with moods.
struct Peer {
    stream: BufReader<DuplexStream>,
    chance: Chance,
    capabilities: Vec<&'static str>,
    utf8: bool,
    log: Arc<Mutex<Log>>,
}

/// The client's connection is gone, or the server has hung up.
struct Over;

impl Peer {
    async fn say(&mut self, bytes: impl AsRef<[u8]>) -> std::result::Result<(), Over> {
        self.stream.write_all(bytes.as_ref()).await.map_err(|_| Over)
    }

    fn has(&self, name: &str) -> bool {
        self.capabilities.contains(&name)
    }

    /// Whether text may have 8-bit characters: switched on, or with IMAP4rev2 alone.
    fn takes_utf8(&self) -> bool {
        self.utf8 || !self.has("IMAP4rev1")
    }

    fn is_wrong(&self, what: String) {
        self.log.lock().expect("no panic").wrong.push(what);
    }

    async fn run(mut self) {
        let greeting = format!("* PREAUTH [CAPABILITY {}] ready\r\n", self.capabilities.join(" "));
        if self.say(greeting).await.is_err() {
            return;
        }
        while let Ok(command) = self.command().await {
            // What was refused in its middle has been answered.
            let Some(command) = command else { continue };
            if self.answer(&command).await.is_err() {
                return;
            }
        }
    }

    /// One line, up to its CRLF.
    async fn line(&mut self) -> std::result::Result<Vec<u8>, Over> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line).await.map_err(|_| Over)?;
        if read == 0 || !line.ends_with(b"\n") {
            return Err(Over);
        }
        let inside = line.strip_suffix(b"\r\n").unwrap_or(b"\r").to_vec();
        if inside.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0')) {
            self.is_wrong(format!("a line that is none: {}", line.escape_ascii()));
        }
        Ok(inside)
    }

    /// A command without its tag, literals and all; `None` if it was refused before its end.
    async fn command(&mut self) -> std::result::Result<Option<(String, Vec<u8>)>, Over> {
        let (mut all, mut tag) = (Vec::new(), String::new());
        loop {
            let line = self.line().await?;
            if tag.is_empty() {
                let text = String::from_utf8_lossy(&line).into_owned();
                tag = self.tag_of(&text);
            }
            let quoted_utf8 = !line.is_ascii() && !self.takes_utf8();
            all.extend_from_slice(&line);
            if quoted_utf8 && !find(&all, b"XRAW") {
                self.is_wrong(format!("8-bit text outside a literal: {}", line.escape_ascii()));
            }
            let Some((size, waits)) = announced(&line) else { return Ok(Some((tag, all))) };
            let fits =
                self.has("LITERAL+") || (self.has("LITERAL-") || self.has("IMAP4rev2")) && size <= 4096;
            if !waits && !fits {
                self.is_wrong(format!("a literal that is not waited for: {}", line.escape_ascii()));
            }
            // Of annotations it is the usual form (RFC 5464 section 5, RFC 5257 section 6).
            let is_upload = ["APPEND ", "REPLACE "].iter().any(|name| find(&all, name.as_bytes()));
            let start = line.iter().rposition(|byte| *byte == b'{').unwrap_or_default();
            let takes = self.has("BINARY") || self.takes_utf8() || self.has("ANNOTATE-EXPERIMENT-1");
            if line[..start].ends_with(b"~") && is_upload && !takes {
                self.is_wrong(format!("a literal8: {}", line.escape_ascii()));
            }
            if waits {
                match self.chance.below(20) {
                    0 | 1 => {
                        let end = ["NO not this", "BAD what is this"][self.chance.below(2)];
                        self.say(format!("{tag} {end}\r\n")).await?;
                        return Ok(None);
                    }
                    2 => {
                        let bye = self.say("* BYE enough of that\r\n").await;
                        return bye.and(Err(Over));
                    }
                    3 => return Err(Over),
                    _ => self.say("+ go on\r\n").await?,
                }
            }
            let mut literal = vec![0; size];
            self.stream.read_exact(&mut literal).await.map_err(|_| Over)?;
            all.extend_from_slice(b"\r\n");
            all.extend(literal);
        }
    }

    /// Its tag, which has to be the client's next: no argument has that.
    fn tag_of(&self, line: &str) -> String {
        let tag = line.split(' ').next().unwrap_or_default();
        let number = tag.strip_prefix('A').and_then(|number| number.parse::<u64>().ok());
        let mut log = self.log.lock().expect("no panic");
        match number {
            Some(number) if number > log.last_tag => log.last_tag = number,
            _ => log.wrong.push(format!("no command of the client's: {line:?}")),
        }
        tag.to_owned()
    }

    async fn answer(&mut self, (tag, bytes): &(String, Vec<u8>)) -> std::result::Result<(), Over> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let command = text.split_once(' ').map_or("", |(_, rest)| rest).to_owned();
        self.log.lock().expect("no panic").commands.push(command.clone());
        if self.chance.one_in(12) {
            self.capabilities = self.chance.capabilities();
            self.say(format!("* CAPABILITY {}\r\n", self.capabilities.join(" "))).await?;
        }
        let mut certain = command == "CREATE MARK";
        let verb = command.split(' ').next().unwrap_or_default();
        match verb {
            "CAPABILITY" => self.say(format!("* CAPABILITY {}\r\n", self.capabilities.join(" "))).await?,
            "SELECT" | "EXAMINE" if command.ends_with("INBOX") => {
                certain = true;
                self.say("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n").await?;
            }
            "SELECT" | "EXAMINE" => return self.say(format!("{tag} NO no such mailbox\r\n")).await,
            "UID" if command.starts_with("UID SEARCH") => {
                certain = true;
                let found = match command.contains("RETURN (") {
                    true => format!("* ESEARCH (TAG \"{tag}\") UID ALL 11:12\r\n"),
                    false => "* SEARCH 11 12\r\n".to_owned(),
                };
                self.say(found).await?;
            }
            "LIST" | "LSUB" | "XLIST" => {
                for _ in 0..self.chance.below(3) {
                    // A name is a literal of whatever bytes.
                    let name = self.chance.text();
                    let row = format!("* {verb} () \"/\" {{{}}}\r\n{name}\r\n", name.len());
                    self.say(row).await?;
                }
            }
            "ENABLE" => {
                let on = ["UTF8=ACCEPT", "IMAP4rev2"];
                let on: Vec<_> =
                    on.into_iter().filter(|name| command.contains(*name) && self.has(name)).collect();
                self.utf8 |= !on.is_empty();
                self.say(format!("* ENABLED {}\r\n", on.join(" "))).await?;
            }
            "UNAUTHENTICATE" => {
                // Names are written as they were before.
                certain = true;
                self.utf8 = false;
            }
            "LOGIN" => certain = true,
            _ => {}
        }
        let end = match self.chance.below(10) {
            _ if certain => "OK done",
            0 => "NO not now",
            1 => "BAD what",
            _ => "OK done",
        };
        self.say(format!("{tag} {end}\r\n")).await
    }
}

/// How many ways there are beside those of `c14_ways`: what is done by steps, and what changes the
/// session.
const STEPS: usize = 12;

async fn by_steps(imap: &Sender, inbox: &Mailbox, text: &str, way: usize) -> Result<()> {
    let both = || uid(11)..=uid(12);
    match way {
        0 => inbox.move_to(both(), text).await.map(drop),
        1 => imap.list(List::new("*").with_status(StatusItems::counts())).await.map(drop),
        2 => imap
            .list(List::new(text).or(text).with_my_rights().with_metadata(["/private/comment"]))
            .await
            .map(drop),
        3 => inbox.submit(Fetch::new(both(), Items::flags()).partial(PartialRange::last(1))).await.map(drop),
        4 => {
            let messages = [text, "x", text].map(|text| Append::new(text.to_owned()));
            imap.submit(AppendAll::new(text, messages).one_by_one()).await.map(drop)
        }
        5 => inbox.submit(Store::add([Flag::new(text)]).of(both()).report()).await.map(drop),
        6 => inbox.submit(Expunge::messages(both()).report()).await.map(drop),
        7 => imap.enable(["UTF8=ACCEPT"]).await.map(drop),
        8 => imap.append(text, Append::utf8(text.to_owned())).await.map(drop),
        9 => inbox.unselect().await,
        10 => inbox.save(Search::text(text)).await.map(drop),
        _ => {
            imap.unauthenticate().await?;
            let logged_in = imap.login(text, text).await;
            if logged_in.is_err() {
                imap.login("alice", "secret").await?;
            }
            Ok(())
        }
    }
}

/// What comes of it, if it ends within so many polls; dropped after that.
async fn polled<T>(work: impl Future<Output = T>, polls: Option<usize>) -> Option<T> {
    let Some(polls) = polls else { return Some(work.await) };
    let mut work = pin!(work);
    for _ in 0..polls {
        if let Poll::Ready(done) = std::future::poll_fn(|task| Poll::Ready(work.as_mut().poll(task))).await {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// What happened in one session.
#[derive(Default)]
struct Counts {
    texts: usize,
    commands: usize,
    refused: usize,
    dropped: usize,
    ended: usize,
}

/// Hands texts to the library, until the session ends or there have been enough.
async fn session(seed: u64, counts: &mut Counts) {
    let mut chance = Chance(seed);
    let (theirs, ours) = duplex(1 << 16);
    let log = Arc::new(Mutex::new(Log::default()));
    let capabilities = chance.capabilities();
    let peer = Peer {
        stream: BufReader::new(ours),
        chance: Chance(seed ^ 0x9e37_79b9_7f4a_7c15),
        utf8: false,
        capabilities,
        log: Arc::clone(&log),
    };
    let serving = tokio::spawn(peer.run());
    let (imap, events) = quiet().connect_over(theirs).await.expect("a greeting");
    drop(events);
    let mut story = Vec::new();
    for _ in 0..25 {
        let Ok(inbox) = imap.select("INBOX").await else { break };
        let (text, way) = (chance.text(), chance.below(WAYS + STEPS));
        let polls = chance.one_in(4).then(|| chance.below(6));
        counts.texts += 1;
        story.push(format!("{text:?} by way {way}"));
        let work = async {
            match way.checked_sub(WAYS) {
                Some(step) => by_steps(&imap, &inbox, &text, step).await,
                None => hand_over(&imap, &inbox, &text, way).await,
            }
        };
        match polled(work, polls).await {
            None => counts.dropped += 1,
            Some(Err(error)) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported) => {
                counts.refused += 1;
            }
            Some(_) => {}
        }
        if let Err(error) = imap.create("MARK").await {
            if error.kind() == ErrorKind::Closed {
                break;
            }
            // Its user has been logged out, and the token of the login dropped.
            let _ = imap.login("alice", "secret").await;
        }
    }
    counts.ended += usize::from(imap.noop().await.is_err_and(|error| error.kind() == ErrorKind::Closed));
    drop(imap);
    let _ = serving.await;
    let log = log.lock().expect("no panic");
    counts.commands += log.commands.len();
    assert!(
        log.wrong.is_empty(),
        "session {seed}: {:?}\nafter {story:#?}\nread: {:#?}",
        log.wrong,
        log.commands
    );
    // The client's own, at the end.
    let logouts = log.commands.iter().filter(|command| command.starts_with("LOGOUT")).count();
    assert!(logouts <= 1, "session {seed}: {logouts} times LOGOUT after {story:#?}");
}

/// `IMAP_DUPLEX_SESSIONS` says how many, of about twenty texts each.
#[tokio::test(start_paused = true)]
async fn whatever_mood_a_server_is_in_it_reads_commands_of_the_clients_own() {
    let sessions: u64 =
        std::env::var("IMAP_DUPLEX_SESSIONS").ok().and_then(|it| it.parse().ok()).unwrap_or(500);
    let mut counts = Counts::default();
    for seed in 0..sessions {
        let spread = (seed + 1).wrapping_mul(0x2545_f491_4f6c_dd1d);
        within(Duration::from_secs(3_600), session(spread, &mut counts)).await;
    }
    let Counts { texts, commands, refused, dropped, ended } = counts;
    let all =
        format!("{texts} texts, {commands} commands, {refused} refused, {dropped} dropped, {ended} ended");
    assert!(texts as u64 > sessions * 8 && commands > texts, "{all}");
    assert!(refused > 0 && dropped > 0 && ended > 0 && refused + dropped < texts, "{all}");
}
