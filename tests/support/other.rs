//! The other session: a small IMAP client that shares no code with the library, to do to a mailbox
//! what somebody else might do while the library looks on.
//!
//! In: lines without tag and CRLF. Out: the server's responses, whole, without their last CRLF. It
//! runs one command at a time and panics, with what was said so far, at anything it did not expect;
//! each answer may take ten seconds.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// How long the server may take over one response.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a command came to.
#[derive(Clone, Debug)]
pub struct Reply {
    /// All that came before the tagged line, literals included.
    pub untagged: Vec<Vec<u8>>,
    /// The tagged line without its tag: `OK [APPENDUID 1 4] Append completed.`
    pub tagged: String,
}

impl Reply {
    /// Whether the server said OK.
    pub fn is_ok(&self) -> bool {
        self.tagged.starts_with("OK ")
    }

    /// The untagged responses as text.
    pub fn lines(&self) -> Vec<String> {
        self.untagged.iter().map(|line| text(line)).collect()
    }
}

/// A session on a stream of any kind.
#[derive(Debug)]
pub struct Other<S = TcpStream> {
    stream: S,
    /// Read, not yet given out.
    buffer: Vec<u8>,
    tags: u32,
    /// What both sides said, for messages.
    said: String,
}

impl Other<TcpStream> {
    /// Connects in the clear and reads the greeting.
    pub async fn connect(server: SocketAddr) -> Self {
        Self::over(dial(server).await).await
    }
}

/// A connection to `server` from its own address: Dovecot takes one between equal addresses for
/// safe, so that a password may go in the clear even where TLS is required.
pub async fn dial(server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(server.ip(), 0)).expect("a port of our own");
    let stream = socket.connect(server).await.expect("the server's port is open");
    stream.set_nodelay(true).expect("a TCP stream");
    stream
}

impl<S: AsyncRead + AsyncWrite + Unpin> Other<S> {
    /// Reads the greeting from `stream`.
    pub async fn over(stream: S) -> Self {
        let mut session = Self { stream, buffer: Vec::new(), tags: 0, said: String::new() };
        let greeting = session.response().await;
        assert!(greeting.starts_with(b"* OK "), "a greeting: {}", text(&greeting));
        session
    }

    /// Logs in; the password is that of all users.
    pub async fn login(&mut self, user: &str) {
        self.command(&format!("LOGIN {user} {}", super::PASSWORD)).await;
    }

    /// Runs one command; NO or BAD is a panic. Gives the untagged responses as text.
    pub async fn command(&mut self, line: &str) -> Vec<String> {
        let reply = self.attempt(line).await;
        assert!(reply.is_ok(), "{line:?} came to {:?}; all that was said:\n{}", reply.tagged, self.said);
        reply.lines()
    }

    /// Runs one command, whatever its result.
    pub async fn attempt(&mut self, line: &str) -> Reply {
        let tag = self.send(line).await;
        self.reply(&tag).await
    }

    /// Appends a message (`flags` as in `\Seen $Work`, or none) and gives its UID.
    pub async fn append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> u32 {
        let tag = self.send(&format!("APPEND {mailbox} ({flags}) {{{}}}", message.len())).await;
        let go_on = self.response().await;
        assert!(go_on.starts_with(b"+"), "a literal is refused: {}", text(&go_on));
        self.write(message).await;
        self.write(b"\r\n").await;
        let reply = self.reply(&tag).await;
        assert!(reply.is_ok(), "APPEND came to {:?}", reply.tagged);
        if let Some(rest) = reply.tagged.strip_prefix("OK [APPENDUID ") {
            let uid = rest.split([' ', ']']).nth(1).and_then(|uid| uid.parse().ok());
            return uid.unwrap_or_else(|| panic!("no UID for what was appended: {}", reply.tagged));
        }
        // Without UIDPLUS it is the one before the next.
        let lines = self.command(&format!("STATUS {mailbox} (UIDNEXT)")).await;
        let next = lines
            .iter()
            .find_map(|line| line.split_once("(UIDNEXT ")?.1.strip_suffix(')')?.parse::<u32>().ok());
        next.unwrap_or_else(|| panic!("no UIDNEXT: {lines:?}")) - 1
    }

    /// Selects a mailbox.
    pub async fn select(&mut self, mailbox: &str) -> Vec<String> {
        self.command(&format!("SELECT {mailbox}")).await
    }

    /// Changes flags: `store("4", "+FLAGS (\\Seen)")`, by UID.
    pub async fn store(&mut self, uids: &str, change: &str) -> Vec<String> {
        self.command(&format!("UID STORE {uids} {change}")).await
    }

    /// Removes messages of the selected mailbox, by UID.
    pub async fn remove(&mut self, uids: &str) {
        self.store(uids, "+FLAGS.SILENT (\\Deleted)").await;
        // Without UIDPLUS all go that are marked; in these tests they are the same.
        if !self.attempt(&format!("UID EXPUNGE {uids}")).await.is_ok() {
            self.command("EXPUNGE").await;
        }
    }

    /// The whole of one message, as it is stored.
    pub async fn body(&mut self, uid: u32) -> Vec<u8> {
        let reply = self.attempt(&format!("UID FETCH {uid} (BODY.PEEK[])")).await;
        let row = reply.untagged.iter().find(|line| find(line, b"BODY[] ").is_some());
        let row = row.unwrap_or_else(|| panic!("no message {uid}: {reply:?}"));
        let start = find(row, b"}\r\n").expect("a literal") + 3;
        let size = literal(&row[..start - 2]).expect("the size of the literal");
        row[start..start + size].to_vec()
    }

    /// Says goodbye and waits for the server to close.
    pub async fn logout(mut self) {
        let tag = self.send("LOGOUT").await;
        self.reply(&tag).await;
    }

    /// Sends one line under a tag of its own, and gives the tag.
    pub async fn send(&mut self, line: &str) -> String {
        self.tags += 1;
        let tag = format!("o{}", self.tags);
        self.write(format!("{tag} {line}\r\n").as_bytes()).await;
        tag
    }

    /// Sends bytes as they are, in one write.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.said.push_str(&format!("C: {}\n", text(bytes).trim_end()));
        self.stream.write_all(bytes).await.expect("the server takes what we send");
        self.stream.flush().await.expect("the server takes what we send");
    }

    /// Reads up to the line with `tag`.
    pub async fn reply(&mut self, tag: &str) -> Reply {
        let mut untagged = Vec::new();
        loop {
            let response = self.response().await;
            if let Some(rest) = response.strip_prefix(format!("{tag} ").as_bytes()) {
                return Reply { untagged, tagged: text(rest) };
            }
            untagged.push(response);
        }
    }

    /// Reads one response, its literals included.
    pub async fn response(&mut self) -> Vec<u8> {
        match tokio::time::timeout(PATIENCE, self.read_response()).await {
            Ok(Some(response)) => {
                self.said.push_str(&format!("S: {}\n", text(&response)));
                response
            }
            Ok(None) => panic!("the server closed; all that was said:\n{}", self.said),
            Err(_) => panic!("nothing more within {PATIENCE:?}; all that was said:\n{}", self.said),
        }
    }

    /// The stream, to go on in another way (TLS after STARTTLS).
    pub fn into_stream(self) -> S {
        assert!(self.buffer.is_empty(), "the server sent more: {}", text(&self.buffer));
        self.stream
    }

    /// Reads one response; none if the server closed before its end. Waits as long as it takes.
    pub async fn read_response(&mut self) -> Option<Vec<u8>> {
        let mut end = 0;
        loop {
            let line = loop {
                match find(&self.buffer[end..], b"\r\n") {
                    Some(at) => break end + at,
                    None => self.read().await?,
                }
            };
            let size = literal(&self.buffer[..line]).filter(|_| !is_status(&self.buffer));
            end = line + 2 + size.unwrap_or(0);
            while self.buffer.len() < end {
                self.read().await?;
            }
            if size.is_none() {
                let rest = self.buffer.split_off(end);
                let mut response = std::mem::replace(&mut self.buffer, rest);
                response.truncate(line);
                return Some(response);
            }
        }
    }

    async fn read(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.buffer).await.ok()?;
        (read > 0).then_some(())
    }
}

/// The size of the literal that `line` (without CRLF) announces at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(&inside[open + 1..]).ok()?.parse().ok()
}

/// Whether this ends at its line whatever stands there: its end is text for people.
fn is_status(response: &[u8]) -> bool {
    let mut words = response.split(|byte| b" \r".contains(byte));
    let first = words.next().unwrap_or_default();
    let kinds: [&[u8]; 5] = [b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"];
    first == b"+" || words.next().is_some_and(|word| kinds.contains(&word))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
