//! async-imap at work. It has one command in flight at a time, so there is no W5p; and its `wait`
//! for a change ends IDLE, so there is no W6.

use futures_util::TryStreamExt;

use super::lines::items;
use super::link::{Address, AsyncStream};
use super::measure::{Begin, Figures, resident};
use super::work::Work;

type Session = async_imap::Session<Box<dyn AsyncStream>>;

async fn session(server: &Address) -> Session {
    let stream: Box<dyn AsyncStream> = match server.connect().await {
        Ok(socket) => Box::new(socket),
        Err(tls) => Box::new(tls),
    };
    let mut client = async_imap::Client::new(stream);
    client.read_response().await.expect("read").expect("a greeting");
    let Ok(session) = client.login("user", "password").await else { panic!("logged in") };
    session
}

/// Does the work, in a runtime.
pub async fn run(work: Work, server: &Address) -> Figures {
    if work.name == "W7" {
        let before = resident();
        let begin = Begin::now();
        let mut all = Vec::new();
        for _ in 0..work.count {
            let mut session = session(server).await;
            session.examine("INBOX").await.expect("selected");
            let mut idle = session.idle();
            idle.init().await.expect("idling");
            all.push(idle);
        }
        let peak = (resident() - before) / all.len() as u64;
        return Figures { peak, ..begin.end() };
    }
    let mut session = session(server).await;
    let begin = Begin::now();
    session.examine("INBOX").await.expect("selected");
    match items(work.name) {
        Some(items) => {
            let rows = session.fetch("1:*", items).await.expect("sent");
            let read = rows.try_fold(0, async |read, _| Ok(read + 1)).await.expect("rows");
            assert_eq!(read, work.exists, "all of {}", work.name);
        }
        None if work.name == "W8" => {
            assert_eq!(session.uid_search("ALL").await.expect("found").len(), work.exists as usize);
        }
        None => {
            for _ in 0..work.count {
                session.noop().await.expect("done");
            }
        }
    }
    begin.end()
}
