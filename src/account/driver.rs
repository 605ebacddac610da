//! The account's task: it owns the connections and leases them.
//!
//! ```text
//!   Account ── messages ──> driver ── asks ──> pool (who gets which), redial (when to dial)
//!                             │ spawns
//!                             v
//!                   a task a connection: gate, dial, login, then its bytes and events ── Dialled, Ended ──> driver
//! ```
//!
//! In: wishes, leases that end, what becomes of connections, time. Out: leases, the status.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};

use tokio::time::{Instant, timeout_at};

use self::dialling::Dialling;
use self::live::{Live, closed, random};
use super::connection::Events;
use super::gate::Gate;
use super::latest::Latest;
use super::lease::{Leased, MailboxLease, SessionLease};
use super::message::{Message, MessageSender, Want};
use super::pool::{ConnectionId, Pool, WishId};
use super::queue::QueueReceiver;
use super::redial::{Failure, Redial, Verdict};
use super::status::Published;
use super::tasks::Tasks;
use super::{AccountState, AccountStatus, Connector, Policy, Traffic};
use crate::client::{Mailbox, Select};
use crate::engine::Scope;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Config, Refresh, Suspend};
use crate::types::CloseReason;

pub(super) struct AccountDriver {
    config: Arc<Config>,
    connector: Option<Connector>,
    messages: QueueReceiver<Box<Message>>,
    /// To this task itself, for those that it spawns.
    own: MessageSender,
    /// In which all is done but the moving of bytes of a second connection.
    tasks: Tasks,
    published: Latest<Published>,
    gate: Arc<Gate>,
    pool: Pool,
    redial: Redial,
    /// In boxes, since a map has room for many from the start.
    connections: HashMap<ConnectionId, Box<Live>>,
    dials: HashMap<ConnectionId, Dialling>,
    /// Shared by those dials.
    refresh: Option<Arc<Refresh>>,
    wants: HashMap<WishId, Want>,
    /// Wishes whose connection was lost before it could be used: they wait again once its end has
    /// been seen to, since that decides when to dial.
    interrupted: Vec<(ConnectionId, WishId)>,
    next_connection: u64,
    /// Wishes of the account itself.
    own_wishes: u64,
    /// Of the connections that have ended.
    traffic: Traffic,
    /// The last failure, for the status and for those who wait.
    failure: Option<Error>,
    closing: Option<Option<Instant>>,
    /// Whether the machine has been asleep, as long as a dial is put off.
    suspend: Option<Suspend>,
}

/// What an [`AccountDriver`] begins with.
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) policy: Policy,
    pub(super) connector: Option<Connector>,
    pub(super) messages: QueueReceiver<Box<Message>>,
    pub(super) own: MessageSender,
    pub(super) published: Latest<Published>,
    pub(super) tasks: Tasks,
}

impl AccountDriver {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { config, policy, connector, messages, own, published, tasks } = parts;
        let host = format!("{}:{}", config.get_host(), config.get_port());
        Self {
            gate: Gate::of(&host, &policy),
            pool: Pool::new(policy.max_connections, policy.keep_idle),
            redial: Redial::new(policy),
            config: Arc::new(config),
            connector,
            messages,
            own,
            tasks,
            published,
            connections: HashMap::new(),
            dials: HashMap::new(),
            refresh: None,
            wants: HashMap::new(),
            interrupted: Vec::new(),
            next_connection: 0,
            own_wishes: 0,
            traffic: Traffic::default(),
            failure: None,
            closing: None,
            suspend: None,
        }
    }

    /// Runs until the account has been shut down. In a box: a future has room for what it is given
    /// twice.
    pub(super) async fn run(mut self: Box<Self>) {
        while !self.has_ended() {
            let message = match self.deadline() {
                Some(at) => timeout_at(at, self.messages.recv()).await.ok(),
                None => Some(self.messages.recv().await),
            };
            if let Some(message) = message {
                self.handle(*message);
            }
            self.step(Instant::now());
        }
        let closed = AccountStatus { state: AccountState::Closed, ..AccountStatus::default() };
        self.published.update(|published| published.set(closed));
    }

    fn has_ended(&self) -> bool {
        self.closing.is_some() && self.connections.is_empty() && self.dials.is_empty()
    }

    /// When to look again though nothing has happened.
    fn deadline(&self) -> Option<Instant> {
        let now = Instant::now();
        let dial = match self.redial.verdict(now.into_std()) {
            Verdict::Wait(at) if self.pool.wants_more() => Some(Instant::from_std(at)),
            _ => None,
        };
        let idle = self.pool.deadline().map(Instant::from_std);
        let suspend = self.suspend.as_ref().and_then(Suspend::deadline);
        [dial, suspend, idle, self.closing.flatten()].into_iter().flatten().min()
    }

    fn handle(&mut self, message: Message) {
        let now = Instant::now();
        match message {
            Message::Wish(id, want) => self.wish(id, want),
            Message::Withdrawn(id) => {
                self.pool.withdraw(id);
                self.wants.remove(&id);
            }
            Message::Dialled(id, result) => self.on_dialled(id, result, now),
            Message::Selected(id, wish, scope, events, result) => {
                self.on_selected(id, wish, scope, events, result);
            }
            Message::Returned(id, scope) => self.on_returned(id, scope),
            Message::Drained(id) => self.on_drained(id, now),
            Message::Moving(id, moving) => self.on_moving(id, moving),
            Message::Ended(id, error) => self.on_ended(id, &error, now),
            Message::Traffic(reply) => {
                let live = self.connections.values().map(|live| live.sender.stats());
                // Who asked may have gone.
                _ = reply.send(live.fold(self.traffic, |sum, stats| sum.and(&stats)));
            }
            Message::NetworkChanged => {
                self.wake();
                self.connections.values().for_each(|live| _ = live.sender.check().detach());
            }
            Message::Slept => self.wake(),
            Message::CredentialsChanged(config) => {
                if let Some(config) = config {
                    self.config = Arc::new(*config);
                }
                self.redial.credentials_changed();
            }
            Message::Shutdown(limit) => self.shut_down(limit.map(|limit| now + limit)),
        }
    }

    fn wish(&mut self, id: WishId, want: Want) {
        if self.closing.is_some() {
            return want.refuse(closed());
        }
        if let (true, Some(error)) = (self.redial.is_parked(), &self.failure) {
            return want.refuse(error.clone());
        }
        self.pool.wish(id, want.mailbox());
        self.wants.insert(id, want);
    }

    /// What follows from all that has happened.
    fn step(&mut self, now: Instant) {
        while let Some((wish, connection)) = self.pool.next_lease() {
            self.lease(wish, connection);
        }
        self.pool.forget_limit(now.into_std());
        self.notice_sleep(now);
        self.dial(now);
        for id in self.pool.take_expired(now.into_std(), self.closing.is_some()) {
            self.close(id);
        }
        if self.closing.flatten().is_some_and(|until| until <= now) {
            self.abort();
        }
        self.publish(now);
        self.give_back();
    }

    /// At rest no one waits, and nothing is dialled: then no room is kept for it.
    fn give_back(&mut self) {
        if self.wants.is_empty() {
            self.wants.shrink_to_fit();
        }
        if self.dials.is_empty() {
            self.dials.shrink_to_fit();
            self.refresh = None;
        }
    }

    /// Ends a pause if the machine has been asleep: the network is another one, or back.
    fn notice_sleep(&mut self, now: Instant) {
        let waits = matches!(self.redial.verdict(now.into_std()), Verdict::Wait(_)) && self.pool.wants_more();
        if !waits {
            self.suspend = None;
            return;
        }
        let config = &self.config;
        let suspend = || Suspend::new(config.wall.clone(), config.get_timeouts().suspend);
        if self.suspend.get_or_insert_with(suspend).has_slept(now) {
            self.wake();
        }
    }

    /// Pauses of before mean nothing any more, here and in what looks at mailboxes now and then.
    fn wake(&mut self) {
        self.redial.wake();
        self.published.update(Published::wake);
    }

    fn refuse_waiting(&mut self, error: &Error) {
        for id in self.pool.take_waiting() {
            if let Some(want) = self.wants.remove(&id) {
                want.refuse(error.clone());
            }
        }
    }

    /// This connection is leased by that wish.
    fn lease(&mut self, wish: WishId, id: ConnectionId) {
        let Some(live) = self.connections.get(&id).filter(|live| !live.sender.is_closed()) else {
            return self.interrupt(id, wish);
        };
        let Some(want) = self.wants.remove(&wish) else {
            return self.pool.on_returned(id, None, Instant::now().into_std());
        };
        let own = self.own.clone();
        let scope = Scope::with_heir(move |moving| _ = own.send(Message::Moving(id, moving)));
        let sender = live.sender.in_scope(scope.clone());
        let leased = |scope| Leased { connection: id, scope, account: self.own.clone() };
        match want {
            // A guard that no one takes goes back by itself.
            Want::Session(reply) => _ = reply.send(Ok(SessionLease::new(sender, leased(scope)))),
            Want::Mailbox(select, reply) => {
                if let Some((_, mailbox)) = live.selected().filter(|(by, _)| by.serves(&select)) {
                    self.look(id, wish, &live.sender, mailbox.through(sender), scope);
                } else {
                    self.select(id, wish, sender, scope, (*select).clone(), None);
                }
                self.wants.insert(wish, Want::Mailbox(select, reply));
            }
            Want::Follow(select, reply) => {
                let events = live.tap.take();
                self.select(id, wish, sender, scope, (*select).clone(), events);
                self.wants.insert(wish, Want::Follow(select, reply));
            }
        }
    }

    fn on_selected(
        &mut self,
        id: ConnectionId,
        wish: WishId,
        scope: Arc<Scope>,
        events: Option<Events>,
        result: Result<Mailbox>,
    ) {
        let want = self.wants.remove(&wish);
        let leased = Leased { connection: id, scope, account: self.own.clone() };
        match (result, want) {
            // A guard that no one takes goes back by itself.
            (Ok(mailbox), Some(Want::Mailbox(select, reply))) => {
                self.on_open(id, *select, &mailbox);
                _ = reply.send(Ok(MailboxLease::new(mailbox, leased)));
            }
            (Ok(mailbox), Some(Want::Follow(select, reply))) if events.is_some() => {
                self.on_open(id, *select, &mailbox);
                let followed = events.map(|events| (MailboxLease::new(mailbox, leased), events));
                _ = followed.map(|followed| reply.send(Ok(followed)));
            }
            (Ok(_), _) => drop(leased),
            // The connection was lost: another one will do.
            (Err(error), Some(want)) if error.kind() == ErrorKind::Closed && self.closing.is_none() => {
                self.wants.insert(wish, want);
                self.interrupt(id, wish);
            }
            (Err(error), want) => {
                if let Some(live) = self.connections.get_mut(&id) {
                    live.mailbox = None;
                }
                want.into_iter().for_each(|want| want.refuse(error.clone()));
                drop(leased);
            }
        }
    }

    /// This mailbox is selected on a connection.
    fn on_open(&mut self, id: ConnectionId, select: Select, mailbox: &Mailbox) {
        if let Some(live) = self.connections.get_mut(&id) {
            live.mailbox = Some((select.without_state(), mailbox.through(live.sender.clone())));
        }
    }

    /// A connection was lost before this wish could use it.
    fn interrupt(&mut self, id: ConnectionId, wish: WishId) {
        if self.connections.contains_key(&id) {
            self.interrupted.push((id, wish));
        } else {
            self.wish_again(wish);
        }
    }

    fn wish_again(&mut self, wish: WishId) {
        match self.wants.get(&wish) {
            Some(_) if self.closing.is_some() => {
                self.wants.remove(&wish).into_iter().for_each(|want| want.refuse(closed()));
            }
            Some(want) => match self.failure.clone().filter(|_| self.redial.is_parked()) {
                // Nothing is dialled for it before the credentials change.
                Some(error) => {
                    self.wants.remove(&wish).into_iter().for_each(|want| want.refuse(error.clone()))
                }
                None => self.pool.wish_again(wish, want.mailbox()),
            },
            None => {}
        }
    }

    fn on_returned(&mut self, id: ConnectionId, scope: Arc<Scope>) {
        if scope.poll_done(&Context::from_waker(Waker::noop())).is_ready() {
            return self.on_drained(id, Instant::now());
        }
        let own = self.own.clone();
        self.tasks.spawn(async move {
            poll_fn(|cx| scope.poll_done(cx)).await;
            _ = own.send(Message::Drained(id));
        });
    }

    fn on_drained(&mut self, id: ConnectionId, now: Instant) {
        let Some(live) = self.connections.get(&id) else { return };
        let selected = live.selected().map(|(_, mailbox)| mailbox.name().clone());
        self.pool.on_returned(id, selected, now.into_std());
    }

    fn on_ended(&mut self, id: ConnectionId, error: &Error, now: Instant) {
        let Some(live) = self.connections.remove(&id) else { return };
        self.traffic = self.traffic.and(&live.sender.stats());
        self.pool.on_lost(id);
        let lived = now.duration_since(live.since);
        let failure = match error.close_reason() {
            Some(CloseReason::Logout) => None,
            _ => Some(Failure::of(error)),
        };
        self.redial.on_end(now.into_std(), lived, failure, random());
        if self.redial.is_broken() {
            self.failure = Some(error.clone());
        }
        let (again, others) =
            std::mem::take(&mut self.interrupted).into_iter().partition(|(of, _)| *of == id);
        self.interrupted = others;
        let again: Vec<(ConnectionId, WishId)> = again;
        again.into_iter().rev().for_each(|(_, wish)| self.wish_again(wish));
    }

    /// Logs out of a connection that no one has leased.
    fn close(&mut self, id: ConnectionId) {
        if let Some(live) = self.connections.get_mut(&id) {
            live.mailbox = None;
            live.sender.logout().detach();
        }
    }

    fn shut_down(&mut self, until: Option<Instant>) {
        let earlier = self.closing.flatten();
        self.closing = Some(earlier.into_iter().chain(until).min());
        self.refuse_waiting(&closed());
        for (_, dial) in self.dials.drain() {
            dial.task.abort();
            self.pool.on_dialled(None, Instant::now().into_std());
        }
    }

    /// The time for shutting down is over.
    fn abort(&mut self) {
        for (id, live) in self.connections.drain() {
            live.task.abort();
            self.pool.on_lost(id);
        }
    }

    fn publish(&self, now: Instant) {
        let state = self.state(now);
        let next = AccountStatus {
            state,
            connections: self.connections.len(),
            leased: self.pool.leased(),
            waiting: self.wants.len(),
            max_connections: self.pool.max(),
        };
        self.published.update(|published| published.set(next));
    }

    fn state(&self, now: Instant) -> AccountState {
        if self.closing.is_some() {
            return AccountState::Closing;
        }
        if !self.connections.is_empty() {
            return AccountState::Connected;
        }
        match (self.redial.verdict(now.into_std()), &self.failure) {
            (Verdict::Parked, Some(error)) => AccountState::Parked { error: error.clone() },
            (Verdict::Wait(until), Some(error)) if self.pool.is_waited_for() => {
                AccountState::Waiting { until: Instant::from_std(until), error: error.clone() }
            }
            _ if self.pool.is_dialling() => AccountState::Connecting,
            _ => AccountState::Idle,
        }
    }
}

mod dialling;
mod live;
mod moving;
mod selecting;
#[cfg(test)]
mod tests;
