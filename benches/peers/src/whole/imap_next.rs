//! imap-next at work: a layer of events below a client, with imap-codec as its parser.

use imap_next::client::{Client, Event, Options};
use imap_next::imap_types::command::{Command, CommandBody};
use imap_next::imap_types::core::{Tag, Vec1};
use imap_next::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName};
use imap_next::imap_types::response::{Data, Status};
use imap_next::imap_types::search::SearchKey;
use imap_next::stream::Stream;
use tokio_rustls::TlsStream;

use super::link::Address;
use super::measure::{Begin, Figures, clock, resident};
use super::work::Work;

struct Session {
    stream: Stream,
    client: Client,
    tags: usize,
}

impl Session {
    async fn open(server: &Address) -> Self {
        let stream = match server.connect().await {
            Ok(socket) => Stream::insecure(socket),
            Err(tls) => Stream::tls(TlsStream::Client(tls)),
        };
        let mut session = Self { stream, client: Client::new(Options::default()), tags: 0 };
        while !matches!(session.next().await, Event::GreetingReceived { .. }) {}
        session.done(CommandBody::login("user", "password").expect("a login")).await;
        session
    }

    async fn next(&mut self) -> Event {
        match self.stream.next(&mut self.client).await {
            Ok(event) => event,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn submit(&mut self, body: CommandBody<'static>) {
        self.tags += 1;
        let tag = Tag::try_from(format!("A{}", self.tags)).expect("a tag");
        self.client.enqueue_command(Command { tag, body });
    }

    /// One command up to its tagged line: how many data responses there were.
    async fn done(&mut self, body: CommandBody<'static>) -> Vec<usize> {
        self.submit(body);
        let mut rows = Vec::new();
        loop {
            match self.next().await {
                Event::DataReceived { data: Data::Fetch { .. } } => rows.push(1),
                Event::DataReceived { data: Data::Search(found, ..) } => rows.push(found.len()),
                Event::StatusReceived { status: Status::Tagged(_) } => return rows,
                _ => {}
            }
        }
    }
}

/// Does the work, in a runtime.
pub async fn run(work: Work, server: &Address) -> Figures {
    if work.name == "W7" {
        let before = resident();
        let begin = Begin::now();
        let mut all = Vec::new();
        for _ in 0..work.count {
            let mut session = Session::open(server).await;
            session.done(CommandBody::examine("INBOX").expect("a name")).await;
            session.submit(CommandBody::Idle);
            while !matches!(session.next().await, Event::IdleAccepted { .. }) {}
            all.push(session);
        }
        let peak = (resident() - before) / all.len() as u64;
        return Figures { peak, ..begin.end() };
    }
    let mut session = Session::open(server).await;
    let begin = Begin::now();
    session.done(CommandBody::examine("INBOX").expect("a name")).await;
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
        "W3" | "W4" => vec![
            MessageDataItemName::Uid,
            MessageDataItemName::BodyExt { section: None, partial: None, peek: true },
        ],
        "W8" => {
            let search = CommandBody::search(None, Vec1::from(SearchKey::All), true);
            let found: usize = session.done(search).await.into_iter().sum();
            assert_eq!(found, work.exists as usize);
            return begin.end();
        }
        "W5" => {
            for _ in 0..work.count {
                session.done(CommandBody::Noop).await;
            }
            return begin.end();
        }
        "W5p" => {
            let (mut sent, mut done) = (0, 0);
            while done < work.count {
                while sent < work.count && sent - done < super::IN_FLIGHT {
                    session.submit(CommandBody::Noop);
                    sent += 1;
                }
                if matches!(session.next().await, Event::StatusReceived { status: Status::Tagged(_) }) {
                    done += 1;
                }
            }
            return begin.end();
        }
        _ => {
            session.submit(CommandBody::Idle);
            let (mut seen, mut received) = (0, 0);
            while seen < work.count {
                if matches!(session.next().await, Event::DataReceived { data: Data::Exists(_) }) {
                    received += clock();
                    seen += 1;
                }
            }
            return Figures { wall: received, ..begin.end() };
        }
    };
    let names = MacroOrMessageDataItemNames::MessageDataItemNames(names);
    let fetch = CommandBody::fetch("1:*", names, false).expect("a set");
    assert_eq!(session.done(fetch).await.len(), work.exists as usize, "all of {}", work.name);
    begin.end()
}
