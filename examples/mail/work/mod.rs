//! What the client does: actions on the store, and what comes of them as events.
//!
//! ```text
//!   actions ──> Worker ──> Store ──(attached)──> Account ──> server
//!                 │          └── changes ──┐
//!                 └──────> events <────────┴── status of the account
//! ```

mod attached;
mod body;
mod draft;
mod link;
mod reply;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use imap_duplex::store::{
    JoinedHits, LocalSearch, MailboxId, MessageId, MessageSummary, NewMessage, OperationId, PageBy, Store,
    StoreResult,
};
use imap_duplex::types::{Flag, Flags};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{interval, sleep};

pub(crate) use self::link::Link;
use crate::app::{Action, Draft, Event, Progress, Role, Row, Source};
use crate::support::failure::Failure;

/// The pause between two looks at what has changed, so that a sync of many does not keep the screen
/// busy.
const PAUSE: Duration = Duration::from_millis(200);

/// What is asked of it waits in a queue.
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) link: Link,
    pub(crate) events: UnboundedSender<Event>,
    /// Who writes.
    pub(crate) from: (String, String),
    /// Where attachments are saved.
    pub(crate) saved: PathBuf,
}

/// Name and address of whom drafts are from.
pub(crate) fn author(text: &str) -> (String, String) {
    reply::author(text)
}

/// A message in a line, for a list on paper.
pub(crate) fn line(message: &MessageSummary) -> String {
    let row = rows::row(message, 0);
    let mark = |is: bool, mark: char| if is { mark } else { ' ' };
    let date = crate::draw::list_date(row.date);
    let subject = if row.subject.is_empty() { "(no subject)" } else { &row.subject };
    let line = format!(
        "{}{}{} {date}  {:24}  {subject}",
        mark(!row.is_seen, '*'),
        mark(row.is_flagged, '!'),
        mark(row.is_pending, '~'),
        crate::draw::fit(&row.from, 24),
    );
    crate::draw::clean(&line)
}

impl Worker {
    /// Does what is asked for until the user quits.
    pub(crate) async fn run(mut self, mut actions: UnboundedReceiver<Action>) {
        let changes = tokio::spawn(report_changes(self.store.clone(), self.events.clone()));
        let mut waiting = Vec::new();
        loop {
            waiting.clear();
            actions.recv_many(&mut waiting, 64).await;
            if waiting.is_empty() || waiting.contains(&Action::Quit) {
                break;
            }
            for action in in_order(&waiting) {
                self.act(action.clone()).await;
            }
        }
        changes.abort();
        self.link.end().await;
    }

    /// What is said of the outcome.
    async fn act(&mut self, action: Action) {
        let done = match action {
            Action::Away(away) => self.link.set_away(&self.store, away).await.map_err(|e| e.to_string()),
            Action::SyncNow => {
                self.link.sync_now();
                Ok(())
            }
            Action::Open(message) => {
                // It may have to be fetched: other things go on.
                let (store, events) = (self.store.clone(), self.events.clone());
                tokio::spawn(async move {
                    let body = body::load(&store, MessageId::new(message)).await;
                    _ = events.send(Event::Body { message, body });
                });
                Ok(())
            }
            Action::Edit(_) | Action::Export { .. } | Action::SearchServers(_) => {
                // The server may be asked: other things go on.
                let (store, events, saved) = (self.store.clone(), self.events.clone(), self.saved.clone());
                tokio::spawn(async move {
                    let done = beside(&store, action, &saved).await;
                    _ = events.send(done.unwrap_or_else(|e| Event::Trouble(e.to_string())));
                });
                Ok(())
            }
            Action::LoadFolders | Action::LoadQueue | Action::Load { .. } => {
                self.load(action).await.map_err(|e| e.to_string())
            }
            other => {
                let done = self.change(other).await;
                self.send(done.map_or_else(|e| Event::Failed(e.to_string()), Event::Done));
                return;
            }
        };
        if let Err(text) = done {
            self.send(Event::Trouble(text));
        }
    }

    fn send(&self, event: Event) {
        // Without a receiver the program ends.
        _ = self.events.send(event);
    }

    async fn load(&self, action: Action) -> StoreResult<()> {
        match action {
            Action::LoadFolders => {
                let folders = rows::folders(&self.store.mailboxes().await?, self.link.account());
                self.send(Event::Folders(folders));
                self.send(Event::Progress(self.progress().await?));
            }
            Action::LoadQueue => {
                let folders = self.store.mailboxes().await?;
                let mut queue = Vec::new();
                for operation in self.store.operations().await? {
                    if operation.account == self.link.account() {
                        queue.push(rows::queued(&self.store, &operation, &folders).await);
                    }
                }
                self.send(Event::Queue(queue));
            }
            Action::Load { source, count } => {
                let (rows, found) = self.list(&source, count).await?;
                let is_all = u32::try_from(found).unwrap_or(u32::MAX) < count;
                self.send(Event::List { source, rows, is_all });
            }
            _ => {}
        }
        Ok(())
    }

    /// The rows of a list, and how many messages were found for it.
    async fn list(&self, source: &Source, count: u32) -> StoreResult<(Vec<Row>, usize)> {
        match source {
            Source::Folder { id, by_thread } => {
                let mailbox = self.store.mailbox(MailboxId::new(*id));
                let page = mailbox.page(PageBy::newest().count(count), None).await?.messages;
                let rows = match by_thread {
                    true => rows::by_thread(&self.store, &page).await,
                    false => page.iter().map(|message| rows::row(message, 0)).collect(),
                };
                Ok((rows, page.len()))
            }
            Source::Search { text, also } => {
                let mut found = self.store.search(LocalSearch::new(as_typed(text)).count(count)).await?;
                let here = found.len();
                for id in also.iter().map(|id| MessageId::new(*id)) {
                    if found[..here].iter().all(|message| message.id != id) {
                        // It may have gone since.
                        found.extend(self.store.message(id).await.ok());
                    }
                }
                found.sort_by_key(|message| std::cmp::Reverse(message.cursor()));
                Ok((found.iter().map(|message| rows::row(message, 0)).collect(), here))
            }
        }
    }

    async fn progress(&self) -> StoreResult<Progress> {
        let status = self.store.status().await?;
        let own = status.accounts.iter().find(|account| account.id == self.link.account());
        Ok(own.map_or_else(Progress::default, |account| Progress {
            stored: account.messages_stored,
            messages: account.messages,
            folders_listed: account.mailboxes_listed,
            folders: account.mailboxes,
        }))
    }

    /// Changes the store, and says what was done.
    async fn change(&self, action: Action) -> Result<String, Failure> {
        let ids = |messages: Vec<i64>| messages.into_iter().map(MessageId::new).collect::<Vec<_>>();
        let store = &self.store;
        match action {
            Action::Seen { messages, seen: true } => {
                store.flag(ids(messages), Flag::Seen, Flags::new()).await?
            }
            Action::Seen { messages, seen: false } => {
                store.flag(ids(messages), Flags::new(), Flag::Seen).await?
            }
            Action::Flag { messages, flagged: true } => {
                store.flag(ids(messages), Flag::Flagged, Flags::new()).await?;
            }
            Action::Flag { messages, flagged: false } => {
                store.flag(ids(messages), Flags::new(), Flag::Flagged).await?;
            }
            Action::Move { messages, to } => {
                let (count, to) = (messages.len(), MailboxId::new(to));
                store.move_to(ids(messages), to).await?;
                let name = store.mailbox(to).info().await?.name;
                return Ok(format!("{} to {name}", moved(count)));
            }
            Action::MoveToNew { messages, name } => {
                let count = messages.len();
                let to = store.create_mailbox(self.link.account(), &name).await?;
                store.move_to(ids(messages), to).await?;
                return Ok(format!("{} to {name}, which is new", moved(count)));
            }
            Action::Expunge(messages) => {
                let count = messages.len();
                store.expunge(ids(messages)).await?;
                return Ok(if count == 1 { "deleted".to_owned() } else { format!("{count} deleted") });
            }
            Action::Save(draft) => return self.save(&draft).await,
            Action::Retry(operation) => {
                store.retry(OperationId::new(operation)).await?;
                return Ok("it is sent once more".to_owned());
            }
            Action::DropQueued(operation) => {
                store.drop_operation(OperationId::new(operation)).await?;
                return Ok("it was dropped".to_owned());
            }
            _ => {}
        }
        Ok(String::new())
    }

    async fn save(&self, draft: &Draft) -> Result<String, Failure> {
        let folders = rows::folders(&self.store.mailboxes().await?, self.link.account());
        let drafts = match folders.iter().find(|folder| folder.role == Some(Role::Drafts)) {
            Some(folder) => MailboxId::new(folder.id),
            None => self.store.create_mailbox(self.link.account(), "Drafts").await?,
        };
        let message = reply::message(draft, &self.from)
            .map_err(|e| Failure::new(format!("the draft can't be written: {e}")))?;
        let message = NewMessage::new(message).flags([Flag::Draft, Flag::Seen]);
        // The older one goes once the new one is at the server.
        match draft.replaces {
            Some(older) => self.store.replace(MessageId::new(older), drafts, message).await?,
            None => self.store.append(drafts, message).await?,
        };
        Ok(format!("kept in {}", self.store.mailbox(drafts).info().await?.name))
    }
}

/// What the server may have to be asked for.
async fn beside(store: &Store, action: Action, saved: &Path) -> Result<Event, Failure> {
    match action {
        Action::Edit(message) => Ok(Event::Draft(draft::load(store, MessageId::new(message)).await?)),
        Action::Export { message, which } => {
            Ok(Event::Said(attached::save(store, MessageId::new(message), which, saved).await?))
        }
        Action::SearchServers(text) => {
            let hits = store.search_joined(text.as_str()).await?.joined().await?;
            let messages = hits.messages.iter().map(|message| message.id.get()).collect();
            Ok(Event::Joined { text, messages, said: said_of(&hits) })
        }
        _ => Ok(Event::Said(String::new())),
    }
}

/// What the servers have found beside the store, and where they have not looked.
fn said_of(hits: &JoinedHits) -> String {
    if hits.is_offline() {
        return "there is no connection: only what is on this machine was searched".to_owned();
    }
    let mut said = match hits.from_servers {
        0 => "the server has found nothing else".to_owned(),
        more => format!("{more} more found by the server"),
    };
    if hits.unknown > 0 {
        said.push_str(&format!("; {} are not on this machine yet", hits.unknown));
    }
    if let Some(first) = hits.not_searched.first() {
        said.push_str(&format!("; {} folders were not searched: {}", hits.not_searched.len(), first.reason));
    }
    said
}

fn moved(count: usize) -> String {
    if count == 1 { "moved".to_owned() } else { format!("{count} moved") }
}

/// What is typed is the beginning of a word until a space follows.
fn as_typed(text: &str) -> String {
    let is_word = text.ends_with(char::is_alphanumeric) && text.matches('"').count().is_multiple_of(2);
    let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    if is_word && !["is:", "has:", "since:", "before:"].iter().any(|name| last.starts_with(name)) {
        format!("{text}*")
    } else {
        text.to_owned()
    }
}

/// What changes something comes first, in its order; of several lists the last alone is loaded.
fn in_order(waiting: &[Action]) -> impl Iterator<Item = &Action> {
    let is_load =
        |action: &&Action| matches!(action, Action::LoadFolders | Action::LoadQueue | Action::Load { .. });
    let list = waiting.iter().rev().find(|action| matches!(action, Action::Load { .. }));
    let others = [Action::LoadFolders, Action::LoadQueue];
    let others = others.into_iter().filter_map(|load| waiting.iter().find(|action| **action == load));
    waiting.iter().filter(move |action| !is_load(action)).chain(others).chain(list)
}

/// Reports that something has changed, and what time it is.
async fn report_changes(store: Store, events: UnboundedSender<Event>) {
    let mut changes = store.changes(None);
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        let (event, pause) = tokio::select! {
            change = changes.next() => match change {
                Some(_) => (Event::Changed, PAUSE),
                None => return,
            },
            _ = seconds.tick() => {
                (Event::Time(rows::local(jiff::Timestamp::now().as_second())), Duration::ZERO)
            }
        };
        if events.send(event).is_err() {
            return;
        }
        sleep(pause).await;
    }
}
