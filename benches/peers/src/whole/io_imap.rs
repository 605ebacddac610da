//! io-imap at work, by its blocking client: each result collected whole, but for W4, where it
//! streams. It has one command in flight at a time.

use std::any::Any;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use io_imap::client::{ImapClient, ImapClientStd, ImapStream};
use io_imap::types::core::Vec1;
use io_imap::types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName};
use io_imap::types::mailbox::Mailbox;
use io_imap::types::search::SearchKey;

use super::link::{Address, Stream};
use super::measure::{Begin, Figures, resident};
use super::work::{BODY, Work};

struct Link {
    stream: Box<dyn Stream>,
    socket: TcpStream,
}

impl Read for Link {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.stream.read(room)
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

impl ImapStream for Link {
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> std::io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }
}

/// Counts what is written to it.
struct Count<'a>(&'a mut usize);

impl Write for Count<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        *self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn session(server: &Address) -> ImapClientStd {
    let socket = server.socket();
    let stream = server.over(socket.try_clone().expect("a socket"));
    let mut client = ImapClientStd::new(Link { stream, socket });
    client.greeting().expect("a greeting");
    client.login("user", "password", Default::default()).expect("logged in");
    client
}

/// Does the work.
pub fn run(work: Work, server: &Address) -> Figures {
    let examine = |client: &mut ImapClientStd| {
        client.examine(Mailbox::Inbox, Default::default()).expect("selected");
    };
    if work.name == "W7" {
        let before = resident();
        let begin = Begin::now();
        let all: Vec<_> = (0..work.count)
            .map(|_| {
                let mut client = session(server);
                examine(&mut client);
                client
            })
            .collect();
        let peak = (resident() - before) / all.len() as u64;
        return Figures { peak, ..begin.end() };
    }
    let mut client = session(server);
    let begin = Begin::now();
    examine(&mut client);
    let names = match work.name {
        "W1" => vec![
            MessageDataItemName::Uid,
            MessageDataItemName::Flags,
            MessageDataItemName::InternalDate,
            MessageDataItemName::Rfc822Size,
        ],
        "W2" => vec![
            MessageDataItemName::Uid,
            MessageDataItemName::Flags,
            MessageDataItemName::Envelope,
            MessageDataItemName::BodyStructure,
        ],
        "W3" => vec![
            MessageDataItemName::Uid,
            MessageDataItemName::BodyExt { section: None, partial: None, peek: true },
        ],
        "W4" => {
            let mut read = 0;
            let uid = std::num::NonZeroU32::MIN;
            client.fetch_body_stream(uid, true, Count(&mut read)).expect("streamed");
            assert_eq!(read, BODY);
            return begin.end();
        }
        "W8" => {
            let found = client.search(Vec1::from(SearchKey::All), Default::default()).expect("found");
            assert_eq!(found.len(), work.exists as usize);
            return begin.end();
        }
        _ => {
            for _ in 0..work.count {
                client.noop().expect("done");
            }
            return begin.end();
        }
    };
    let names = MacroOrMessageDataItemNames::MessageDataItemNames(names);
    let set = "1:*".try_into().expect("a set");
    let rows = client.fetch(set, names, Default::default()).expect("rows");
    assert_eq!(rows.len(), work.exists as usize, "all of {}", work.name);
    begin.end()
}
