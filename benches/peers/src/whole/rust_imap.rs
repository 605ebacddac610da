//! The crate `imap` (rust-imap) at work: blocking, each result collected whole. It has one command
//! in flight at a time.

use std::net::TcpStream;

use super::lines::items;
use super::measure::{Begin, Figures, resident};
use super::work::Work;

fn session(port: u16) -> imap::Session<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
    stream.set_nodelay(true).expect("a socket");
    let mut client = imap::Client::new(stream);
    client.read_greeting().expect("a greeting");
    let Ok(session) = client.login("user", "password") else { panic!("logged in") };
    session
}

/// Does the work.
pub fn run(work: Work, port: u16) -> Figures {
    if work.name == "W7" {
        let before = resident();
        let begin = Begin::now();
        let all: Vec<_> = (0..work.count)
            .map(|_| {
                let mut session = session(port);
                session.examine("INBOX").expect("selected");
                session
            })
            .collect();
        let peak = (resident() - before) / all.len() as u64;
        return Figures { peak, ..begin.end() };
    }
    let mut session = session(port);
    let begin = Begin::now();
    session.examine("INBOX").expect("selected");
    match items(work.name) {
        Some(items) => {
            let rows = session.fetch("1:*", items).expect("rows");
            assert_eq!(rows.len(), work.exists as usize, "all of {}", work.name);
        }
        None if work.name == "W8" => {
            assert_eq!(session.uid_search("ALL").expect("found").len(), work.exists as usize);
        }
        None => {
            for _ in 0..work.count {
                session.noop().expect("done");
            }
        }
    }
    begin.end()
}
