//! Programs that watch an account: how they are set up, what they make of the stream, and what is
//! left of them when they are killed. Each has a store of its own, which may fail.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use imap_duplex::account::{
    Account, Change, ChangeKind, Changes, FileStore, MailboxKey, MemoryStore, StateStore, StoreFuture,
    StoredMailbox, Watch,
};
use imap_duplex::command::Items;
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, MailboxName, SpecialUse};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{Duration, Random};
use crate::watch::{Mirror, QUIET};

/// What tells mailboxes apart beside their names.
#[derive(Clone, Default)]
pub(super) struct Tags {
    pub(super) subscribed: BTreeSet<MailboxName>,
    pub(super) sent: Option<MailboxName>,
}

/// One way to name mailboxes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    All,
    Names,
    Patterns,
    Sent,
    Subscribed,
}

const NAMES: [&str; 4] = ["INBOX", "Work", "New3", "Gone"];
const PATTERNS: [&str; 2] = ["Work*", "New%"];

impl Which {
    fn watch(self) -> Watch {
        match self {
            Self::All => Watch::all(),
            Self::Names => Watch::mailboxes(NAMES),
            Self::Patterns => Watch::matching(PATTERNS),
            Self::Sent => Watch::special_use([SpecialUse::Sent]),
            Self::Subscribed => Watch::subscribed(),
        }
    }

    fn takes(self, name: &MailboxName, tags: &Tags) -> bool {
        match self {
            Self::All => true,
            Self::Names => NAMES.contains(&name.as_str()),
            Self::Patterns => name.as_str().starts_with("Work") || name.as_str().starts_with("New"),
            Self::Sent => tags.sent.as_ref() == Some(name),
            Self::Subscribed => tags.subscribed.contains(name),
        }
    }
}

/// How a program watches.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    which: Vec<Which>,
    from_start: bool,
    flags: bool,
    items: bool,
    max_unacknowledged: usize,
}

impl Setup {
    pub(super) fn one_of(random: &mut Random) -> Self {
        let mut setup = Self {
            which: Vec::new(),
            from_start: random.below(3) > 0,
            flags: random.below(4) > 0,
            items: true,
            max_unacknowledged: 1,
        };
        setup.change(random, true);
        setup
    }

    /// As another run of the program may have it.
    fn change(&mut self, random: &mut Random, selects: bool) {
        use Which::{All, Names, Patterns, Sent, Subscribed};
        let all: [&[Which]; 7] =
            [&[All], &[All], &[Names], &[Patterns], &[Subscribed], &[Sent, Names], &[Subscribed, Patterns]];
        if selects {
            self.which = random.one_of(&all).unwrap_or_default().to_vec();
        }
        self.items = random.below(2) == 0;
        self.max_unacknowledged = random.one_of(&[1, 3, 20, 65_536, 65_536]).unwrap_or(1);
    }

    fn watch(&self) -> Watch {
        let all = self.which.iter().map(|which| which.watch()).reduce(Watch::or);
        let watch = all.expect("at least one").from_start(self.from_start).flags(self.flags);
        let watch = watch.compare_flags(Duration::from_secs(100)).max_unacknowledged(self.max_unacknowledged);
        if self.items { watch.items(Items::envelope()) } else { watch }
    }

    fn takes(&self, name: &MailboxName, tags: &Tags) -> bool {
        self.which.iter().any(|which| which.takes(name, tags))
    }
}

/// How a store fails once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Failure {
    /// Nothing is written.
    Before,
    /// Some of it is.
    Between,
    /// All of it is, and the program does not know.
    After,
}

/// What has become of the writes of a store.
#[derive(Default)]
struct Writes {
    fails: Option<Failure>,
    /// How many there were.
    calls: u64,
    /// The last one that has written each record.
    durable: BTreeMap<MailboxKey, u64>,
}

/// Where a program keeps what it has acknowledged.
#[derive(Clone)]
struct Store {
    inner: Arc<dyn StateStore>,
    writes: Arc<Mutex<Writes>>,
}

/// In memory, or in a file.
#[derive(Clone)]
enum Place {
    Memory(MemoryStore),
    File(Arc<TempDir>),
}

impl Place {
    fn one_of(random: &mut Random) -> Self {
        match random.below(3) {
            0 => Self::File(Arc::new(tempfile::tempdir().expect("a temporary folder"))),
            _ => Self::Memory(MemoryStore::default()),
        }
    }

    /// As another run of the program opens it.
    fn open(&self) -> Store {
        let inner: Arc<dyn StateStore> = match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::File(folder) => Arc::new(FileStore::new(folder.path().join("state.json"))),
        };
        Store { inner, writes: Arc::default() }
    }
}

impl Store {
    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().expect("no panic")
    }
}

impl StateStore for Store {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        self.inner.load()
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        self.save_all(vec![(key, record)])
    }

    fn load_selection(&self) -> StoreFuture<'_, Option<String>> {
        self.inner.load_selection()
    }

    fn save_selection(&self, selection: String) -> StoreFuture<'_, ()> {
        self.inner.save_selection(selection)
    }

    fn save_all(&self, mut records: Vec<(MailboxKey, Option<StoredMailbox>)>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let (call, fails) = {
                let mut writes = self.writes();
                writes.calls += 1;
                (writes.calls, writes.fails.take())
            };
            match fails {
                Some(Failure::Before) => records.clear(),
                Some(Failure::Between) => records.truncate(records.len() / 2),
                Some(Failure::After) | None => {}
            }
            let keys: Vec<_> = records.iter().map(|(key, _)| key.clone()).collect();
            if !records.is_empty() {
                self.inner.save_all(records).await?;
            }
            self.writes().durable.extend(keys.into_iter().map(|key| (key, call)));
            match fails {
                Some(_) => Err(io::Error::other("the disk is full")),
                None => Ok(()),
            }
        })
    }
}

/// A program that believes the stream.
pub(super) struct Program {
    pub(super) setup: Setup,
    place: Place,
    /// As long as it runs.
    running: Option<(Changes, Store)>,
    /// What the run before has watched, if that is another one; and this run has been in step.
    before: Option<Vec<Which>>,
    has_settled: bool,
    /// What it has made of the stream; and of what it has acknowledged, which is what an end leaves
    /// of it.
    mirror: Mirror,
    acknowledged: Mirror,
    /// The identities of what was acknowledged: nothing else ever has one of them.
    identities: BTreeSet<String>,
    /// What was not acknowledged yet.
    open: Vec<Change>,
    /// Mailboxes that this run has taken later, as long as nothing says that they are new.
    entered: BTreeSet<MailboxName>,
    /// What was acknowledged when the store failed, by the number of that write.
    attempted: Vec<(u64, Change)>,
}

impl Program {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            setup: Setup::one_of(random),
            place: Place::one_of(random),
            running: None,
            before: None,
            has_settled: false,
            mirror: Mirror::default(),
            acknowledged: Mirror::default(),
            identities: BTreeSet::new(),
            open: Vec::new(),
            entered: BTreeSet::new(),
            attempted: Vec::new(),
        }
    }

    pub(super) fn changes(&mut self) -> &mut Changes {
        &mut self.running.as_mut().expect("it runs").0
    }

    /// It begins; what is not delivered it has from elsewhere.
    pub(super) async fn begin(&mut self, account: &Account, server: &Server, tags: &Tags) {
        let store = self.place.open();
        let records = store.load().await.expect("it can be read");
        if !self.setup.from_start {
            self.take_what_is_there(&records, server, tags);
        }
        self.mirror = Mirror(self.acknowledged.0.clone());
        let changes = account.watch(self.setup.watch(), store.clone()).await.expect("it can be read");
        self.running = Some((changes, store));
    }

    /// What is there at the first look is not delivered.
    fn take_what_is_there(
        &mut self,
        records: &BTreeMap<MailboxKey, StoredMailbox>,
        server: &Server,
        tags: &Tags,
    ) {
        let is_unread = |record: &&StoredMailbox| record.state.is_none() && !record.is_new && !record.is_gone;
        let unread: BTreeSet<_> = records.values().filter(is_unread).map(|record| &record.name).collect();
        for name in server.mailboxes() {
            let was_taken = match &self.before {
                Some(before) => before.iter().any(|which| which.takes(&name, tags)),
                None => !records.is_empty(),
            };
            let is_known = records.values().any(|record| record.name == name && !record.is_gone);
            let is_new = !was_taken && !is_known && self.setup.takes(&name, tags);
            if !is_new && !unread.contains(&name) {
                continue;
            }
            let there = server.mailbox(name.clone()).expect("it is there").messages;
            let flags = |flags: Flags| self.setup.flags.then_some(flags);
            let messages = there.into_iter().map(|message| (message.uid, flags(message.flags))).collect();
            self.acknowledged.0.insert(name, messages);
        }
    }

    /// What it takes of these.
    pub(super) fn taken(&self, there: &[MailboxName], tags: &Tags) -> BTreeSet<MailboxName> {
        there.iter().filter(|name| self.setup.takes(name, tags)).cloned().collect()
    }

    /// It takes these from now on, which may have been there before. Whether what is in them may
    /// not be delivered.
    pub(super) fn may_begin_with(&mut self, more: impl Iterator<Item = MailboxName>) -> bool {
        if !self.setup.from_start {
            self.entered.extend(more);
        }
        !self.entered.is_empty()
    }

    /// What was in them was not delivered: so it has that from elsewhere.
    pub(super) fn begin_with_rest(&mut self, server: &Server, tags: &Tags) {
        for name in std::mem::take(&mut self.entered) {
            let Some(there) = server.mailbox(name.clone()).filter(|_| self.setup.takes(&name, tags)) else {
                continue;
            };
            let flags = |flags: Flags| self.setup.flags.then_some(flags);
            let messages: BTreeMap<_, _> =
                there.messages.into_iter().map(|message| (message.uid, flags(message.flags))).collect();
            self.acknowledged.0.insert(name.clone(), messages.clone());
            self.mirror.0.insert(name, messages);
        }
    }

    /// Another run may watch other mailboxes.
    pub(super) fn change_setup(&mut self, random: &mut Random) {
        let selects = random.below(4) == 0 && self.has_settled;
        self.before = if self.has_settled { None } else { self.before.take() };
        if selects {
            self.before = Some(self.setup.which.clone());
        }
        self.has_settled = false;
        self.setup.change(random, selects);
    }

    /// It is killed: what is left is what its store has.
    pub(super) fn end(&mut self) {
        if let Some((_, store)) = self.running.take() {
            let writes = store.writes();
            let is_durable =
                |call: u64, key: &MailboxKey| writes.durable.get(key).is_some_and(|last| *last >= call);
            for (call, change) in self.attempted.drain(..) {
                if is_durable(call, change.mailbox_key()) {
                    self.acknowledged.apply(&change);
                }
            }
        }
        self.open.clear();
    }

    /// The next write fails.
    pub(super) fn fail(&mut self, how: Failure) {
        self.running.as_ref().expect("it runs").1.writes().fails = Some(how);
    }

    pub(super) fn take(&mut self, change: Change) {
        assert!(!self.identities.contains(&change.id()), "{change} was acknowledged: {}", change.id());
        if matches!(change.kind, ChangeKind::Created | ChangeKind::Renamed { .. }) {
            self.entered.remove(&change.mailbox);
        }
        self.mirror.apply(&change);
        self.open.push(change);
    }

    /// Acknowledges all that it has taken. Whether there was something.
    pub(super) async fn acknowledge(&mut self) -> bool {
        let (changes, store) = self.running.as_ref().expect("it runs");
        let done = changes.ack_all(&self.open).await;
        let call = store.writes().calls;
        let had = !self.open.is_empty();
        self.attempted.extend(self.open.drain(..).map(|change| (call, change)));
        if done.is_ok() {
            for (_, change) in self.attempted.drain(..) {
                self.identities.insert(change.id());
                self.acknowledged.apply(&change);
            }
        }
        had
    }

    /// Whether it waits for an acknowledgement before it gets more.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= self.setup.max_unacknowledged
    }

    pub(super) async fn check(&mut self, server: &Server, tags: &Tags) {
        let mut there = server.mailboxes();
        there.retain(|name| self.setup.takes(name, tags));
        for mailbox in &there {
            let now = server.mailbox(mailbox.clone()).expect("it is there");
            assert_eq!(self.mirror.uids(mailbox.as_str()), now.uids(), "{mailbox}");
            for message in now.messages.iter().filter(|_| self.setup.flags) {
                let known = self.mirror.0.get(mailbox).and_then(|all| all.get(&message.uid)).cloned();
                // \Recent is no flag of a message: it is for the session that saw it first.
                let flags = known.flatten().unwrap_or_default();
                let flags: Flags = flags.iter().filter(|flag| *flag != Flag::Recent).collect();
                assert_eq!(flags, message.flags, "{mailbox} {}", message.uid);
            }
        }
        let known = self.mirror.0.iter().filter(|(_, messages)| !messages.is_empty());
        let gone: Vec<_> = known.map(|(name, _)| name).filter(|name| !there.contains(name)).collect();
        assert!(gone.is_empty(), "{gone:?} are gone");
        self.has_settled = true;
        // A sweep may just have found counts that the server says otherwise than before.
        let status = self.changes().status();
        let is_in_step = timeout(QUIET, status.in_step()).await;
        let status = status.now();
        assert!(is_in_step == Ok(true) && status.mailboxes == there.len(), "{status:?}");
    }
}
