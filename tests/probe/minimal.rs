//! The probe against a server that has IMAP4rev1 and hardly more: written here, of lines, so that
//! it shares nothing with the library. It gives no UIDs of what is appended, no hints, and no
//! codes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

use crate::support::program::Program;
use crate::support::within;
use crate::{LIMIT, row, rows};

/// The messages of each mailbox: UID, flags, bytes.
type Mail = BTreeMap<String, Vec<(u32, String, Vec<u8>)>>;

const ENVELOPE: &str = "(NIL \"Plan\" NIL NIL NIL NIL NIL NIL NIL NIL)";
const BODY: &str = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 15 1)";

/// One session: which mailbox is selected, and what all sessions share.
struct Session {
    capabilities: &'static str,
    mail: Arc<Mutex<Mail>>,
    selected: String,
}

/// What is between quotation marks, if it begins with one.
fn unquoted(word: &str) -> String {
    word.trim_matches('"').to_owned()
}

/// Whether a set of UIDs has this one.
fn has(set: &str, uid: u32) -> bool {
    set.split(',').any(|range| {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        let number = |end: &str| end.parse().unwrap_or(u32::MAX);
        (number(from)..=number(to)).contains(&uid)
    })
}

impl Session {
    fn list(&self, word: &str, pattern: &str) -> Vec<String> {
        let prefix = pattern.trim_end_matches(['*', '%']);
        let fits = |name: &&String| name.as_str() == prefix || prefix != pattern && name.starts_with(prefix);
        let mail = self.mail.lock().expect("a lock");
        mail.keys().filter(fits).map(|name| format!("* {word} () \"/\" \"{name}\"")).collect()
    }

    /// The untagged lines, and the tagged one without its tag.
    fn run(&mut self, words: &[&str], literal: Vec<u8>) -> (Vec<String>, &'static str) {
        let mail = Arc::clone(&self.mail);
        let name = |at: usize| unquoted(words.get(at).copied().unwrap_or_default());
        let rest = words.join(" ").to_ascii_uppercase();
        let command = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        let mut mail = match &*command {
            "LIST" | "LSUB" => return (self.list(&command, &name(2)), "OK"),
            _ => mail.lock().expect("a lock"),
        };
        let lines = match &*command {
            "CAPABILITY" => vec![format!("* CAPABILITY {}", self.capabilities)],
            "LOGIN" | "NOOP" | "CHECK" | "SUBSCRIBE" | "UNSUBSCRIBE" => Vec::new(),
            "LOGOUT" => vec!["* BYE".into()],
            "CREATE" if mail.insert(name(1), Vec::new()).is_none() => Vec::new(),
            "DELETE" if mail.remove(&name(1)).is_some() => Vec::new(),
            "RENAME" => match mail.remove(&name(1)) {
                Some(messages) => {
                    mail.insert(name(2), messages);
                    Vec::new()
                }
                None => return (Vec::new(), "NO"),
            },
            "APPEND" => match mail.get_mut(&name(1)) {
                Some(messages) => {
                    let last = messages.last().map_or(0, |message| message.0);
                    messages.push((last + 1, String::new(), literal));
                    Vec::new()
                }
                None => return (Vec::new(), "NO"),
            },
            "STATUS" if rest.contains("APPENDLIMIT") => {
                vec![format!("* STATUS \"{}\" (APPENDLIMIT NIL)", name(1))]
            }
            "STATUS" => vec![format!("* STATUS \"{}\" (MESSAGES {})", name(1), mail[&name(1)].len())],
            "SELECT" if mail.contains_key(&name(1)) => {
                self.selected = name(1);
                let number = mail[&self.selected].len();
                vec![
                    "* FLAGS (\\Seen \\Deleted)".into(),
                    format!("* {number} EXISTS"),
                    "* OK [UIDVALIDITY 1]".into(),
                ]
            }
            // What it does not have is not selected (RFC 3501 section 6.3.1).
            "EXAMINE" | "SELECT" => {
                self.selected.clear();
                return (Vec::new(), "NO");
            }
            "UID" => return (self.by_uid(&mut mail, words, &rest), "OK"),
            "CREATE" | "DELETE" => return (Vec::new(), "NO"),
            _ => return (Vec::new(), "BAD"),
        };
        (lines, "OK")
    }

    fn by_uid(&self, mail: &mut Mail, words: &[&str], rest: &str) -> Vec<String> {
        let set = words.get(2).copied().unwrap_or_default().to_owned();
        if rest.starts_with("UID COPY") {
            let copies: Vec<_> = mail[&self.selected].iter().filter(|it| has(&set, it.0)).cloned().collect();
            let to = mail.get_mut(&unquoted(words[3])).expect("it is there");
            to.extend(copies);
            return Vec::new();
        }
        let messages = mail.get_mut(&self.selected).expect("it is selected");
        if rest.starts_with("UID SEARCH") {
            let found = messages.iter().filter(|it| !rest.contains(" SEEN") || it.1.contains("Seen"));
            return vec![format!("* SEARCH{}", found.map(|it| format!(" {}", it.0)).collect::<String>())];
        }
        let is_store = rest.starts_with("UID STORE");
        let mut lines = Vec::new();
        for (at, (uid, flags, bytes)) in messages.iter_mut().enumerate().filter(|(_, it)| has(&set, it.0)) {
            if is_store {
                *flags = "\\Seen".into();
            }
            let mut row = format!("* {} FETCH (UID {uid}", at + 1);
            for (item, value) in [
                ("FLAGS", format!("({flags})")),
                ("INTERNALDATE", "\"17-Jul-2024 02:23:25 -0700\"".into()),
                ("RFC822.SIZE", bytes.len().to_string()),
                ("ENVELOPE", ENVELOPE.into()),
                ("BODYSTRUCTURE", BODY.into()),
            ] {
                if rest.contains(item) {
                    row += &format!(" {item} {value}");
                }
            }
            lines.push(row + ")");
        }
        lines
    }

    async fn serve(mut self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufStream::new(stream);
        stream.write_all(b"* OK ready\r\n").await?;
        loop {
            stream.flush().await?;
            let (mut line, mut literal) = (String::new(), Vec::new());
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some((_, size)) = line.trim_end().strip_suffix('}').and_then(|it| it.rsplit_once('{')) {
                stream.write_all(b"+ go on\r\n").await?;
                stream.flush().await?;
                literal = vec![0; size.parse().expect("a synchronizing literal")];
                stream.read_exact(&mut literal).await?;
                stream.read_line(&mut String::new()).await?;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let (lines, ended) = self.run(&words[1..], literal);
            for line in lines {
                stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            }
            stream.write_all(format!("{} {ended} done\r\n", words[0]).as_bytes()).await?;
        }
    }
}

/// The probe of such a server: its rows, and what is left.
async fn probe(capabilities: &'static str) -> Vec<serde_json::Value> {
    let mail = Arc::new(Mutex::new(Mail::from([("INBOX".to_owned(), Vec::new())])));
    let listening = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listening.local_addr().expect("it has one").port();
    let shared = Arc::clone(&mail);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listening.accept().await {
            let session = Session { capabilities, mail: Arc::clone(&shared), selected: String::new() };
            tokio::spawn(session.serve(stream));
        }
    });
    let ended = Program::start("probe", &["--json", &format!("imap://a:b@127.0.0.1:{port}/")]).end().await;
    assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{:?}", ended.rest);
    let left: Vec<_> = mail.lock().expect("a lock").keys().cloned().collect();
    assert_eq!(left, ["INBOX"]);
    rows(&ended.rest.join("\n"))
}

#[tokio::test]
async fn a_server_with_hardly_anything_has_nothing_that_fails() {
    within(LIMIT, async {
        let tried = probe("IMAP4rev1").await;
        assert_eq!(row(&tried, "IMAP4rev1")["worked"], true, "{tried:?}");
        let tried = probe("IMAP4rev1 APPENDLIMIT APPENDLIMIT=1000000 MULTIAPPEND-NOT X-ODD").await;
        assert_eq!(row(&tried, "APPENDLIMIT")["answer"], "NIL", "{tried:?}");
        assert_eq!(row(&tried, "APPENDLIMIT=1000000")["answer"], "1 message", "{tried:?}");
        assert_eq!(row(&tried, "X-ODD")["worked"], "skipped", "{tried:?}");
    })
    .await;
}
