//! The crate `imap` (rust-imap) at work: blocking, each result collected whole. It has one command
//! in flight at a time.

use super::lines::items;
use super::link::{Address, Stream};
use super::measure::{Begin, Figures, resident};
use super::work::Work;

fn session(server: &Address) -> imap::Session<Box<dyn Stream>> {
    let mut client = imap::Client::new(server.over(server.socket()));
    client.read_greeting().expect("a greeting");
    let Ok(session) = client.login("user", "password") else { panic!("logged in") };
    session
}

/// Does the work.
pub fn run(work: Work, server: &Address) -> Figures {
    if work.name == "W7" {
        let before = resident();
        let begin = Begin::now();
        let all: Vec<_> = (0..work.count)
            .map(|_| {
                let mut session = session(server);
                session.examine("INBOX").expect("selected");
                session
            })
            .collect();
        let peak = (resident() - before) / all.len() as u64;
        return Figures { peak, ..begin.end() };
    }
    let mut session = session(server);
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
