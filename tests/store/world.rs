//! A server, an account there, a store of it in a temporary folder; and how they are compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{
    Action, Attachment, LocalMailbox, MessageId, MessageSummary, PageBy, Store, SyncPolicy,
};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, MailboxName, Uid};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// What a test may take, in virtual time.
pub(crate) const LIMIT: Duration = Duration::from_secs(60 * 60);

pub(crate) struct World {
    pub(crate) server: Server,
    folder: TempDir,
}

/// A store with an account attached.
pub(crate) struct Client {
    pub(crate) store: Store,
    pub(crate) attachment: Attachment,
    pub(crate) account: Account,
}

impl World {
    pub(crate) fn new(server: Server) -> Self {
        Self { server, folder: TempDir::new().expect("a temporary folder") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("mail.store")
    }

    pub(crate) fn account_by(&self, mut policy: Policy) -> Account {
        // Each world has a gate of its own, and what fails is tried again soon.
        let host =
            format!("{}.example.org", self.folder.path().file_name().expect("a name").to_string_lossy());
        let config = Config::new(host)
            .plaintext()
            .allow_plaintext_login(true)
            .login(self.server.user(), self.server.password());
        policy.max_redials = 1000;
        policy.max_backoff = Duration::from_secs(5);
        let server = self.server.clone();
        let connector = move |_| {
            let stream = server.connect();
            async move { Ok(stream) }
        };
        Account::builder(config).policy(policy).connector(connector).open()
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(self.path()).await.expect("a store")
    }

    pub(crate) async fn client(&self) -> Client {
        self.client_by(Policy::default(), SyncPolicy::new()).await
    }

    pub(crate) async fn client_by(&self, policy: Policy, sync: SyncPolicy) -> Client {
        let (store, account) = (self.store().await, self.account_by(policy));
        let attachment = store.attach_with(&account, sync).await.expect("attached");
        Client { store, attachment, account }
    }

    /// Store and server are alike, and the rows agree with each other.
    #[track_caller]
    pub(crate) fn check<'a>(&'a self, store: &'a Store) -> impl Future<Output = ()> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let (here, there) = (mirror(store).await, self.truth());
            assert_eq!(here, there, "{place}: the store, and the server");
            self.check_rows();
        }
    }

    /// The mailboxes of the server.
    pub(crate) fn truth(&self) -> Mirror {
        let mut mirror = Mirror::new();
        for name in self.server.mailboxes() {
            let mailbox = self.server.mailbox(name.clone()).expect("it is listed");
            let messages = mailbox.messages.iter().map(|message| (message.uid, plain(&message.flags)));
            mirror.insert(name, messages.collect());
        }
        mirror
    }

    pub(crate) fn check_rows(&self) {
        check_rows(&self.path());
    }
}

impl Client {
    pub(crate) async fn in_step(&self) {
        let waited = tokio::time::timeout(Duration::from_secs(20 * 60), self.attachment.in_step()).await;
        let Ok(done) = waited else {
            let mailboxes = self.store.mailboxes().await;
            let operations = self.store.operations().await;
            panic!("not in step: {mailboxes:#?} {operations:#?} {:?}", self.account.status().now());
        };
        done.expect("in step");
    }

    /// Everything ends at once, at whatever point it is.
    pub(crate) async fn crash(self) {
        let Self { store, attachment, account } = self;
        drop((attachment, account, store));
        closed().await;
    }
}

/// What the rows say of each other.
pub(crate) fn check_rows(path: &Path) {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a store");
    for (what, wrong) in [
        (
            "a content without a message",
            "SELECT count(*) FROM content WHERE id NOT IN (SELECT content FROM message WHERE content IS NOT NULL)",
        ),
        (
            "a message without its content",
            "SELECT count(*) FROM message WHERE content IS NOT NULL AND content NOT IN (SELECT id FROM content)",
        ),
        (
            "a body without its content",
            "SELECT count(*) FROM body WHERE content NOT IN (SELECT id FROM content)",
        ),
        ("a piece without its body", "SELECT count(*) FROM piece WHERE body NOT IN (SELECT id FROM body)"),
        ("bytes of bodies", "SELECT bytes - (SELECT ifnull(sum(size), 0) FROM body) FROM bodies"),
        (
            "a thread without contents",
            "SELECT count(*) FROM thread WHERE id NOT IN (SELECT thread FROM content)",
        ),
        (
            "a content without its thread",
            "SELECT count(*) FROM content WHERE thread NOT IN (SELECT id FROM thread)",
        ),
        (
            "words without a content",
            "SELECT count(*) FROM search WHERE rowid NOT IN (SELECT id FROM content)",
        ),
        (
            "an operation on no message",
            "SELECT count(*) FROM operation WHERE message IS NOT NULL AND message NOT IN (SELECT id FROM message)",
        ),
        (
            "a message in no mailbox",
            "SELECT count(*) FROM message WHERE place IS NOT NULL AND place NOT IN (SELECT id FROM mailbox)",
        ),
        (
            "a message of no mailbox",
            "SELECT count(*) FROM message WHERE mailbox IS NOT NULL AND mailbox NOT IN (SELECT id FROM mailbox)",
        ),
        (
            "totals",
            "SELECT count(*) FROM mailbox b WHERE total <> (SELECT count(*) FROM message WHERE place = b.id)",
        ),
        (
            "unseen",
            "SELECT count(*) FROM mailbox b WHERE unseen <> (SELECT count(*) FROM message WHERE place = b.id AND unseen = 1)",
        ),
    ] {
        let found: i64 = file.query_row(wrong, [], |row| row.get(0)).expect(what);
        assert_eq!(found, 0, "{what}");
    }
}

/// Pseudo-random numbers that are the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).expect("few")).expect("few")
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.roll(of.len())) }
    }
}

/// Until what runs on other threads has closed the files, too.
pub(crate) async fn closed() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

pub(crate) type Mirror = BTreeMap<MailboxName, BTreeMap<Uid, Flags>>;

/// Flags without `\Recent`.
pub(crate) fn plain(flags: &Flags) -> Flags {
    flags.iter().filter(|flag| *flag != Flag::Recent).collect()
}

/// The mailboxes of a store, as a user sees them; of messages that have no UID yet nothing.
pub(crate) async fn mirror(store: &Store) -> Mirror {
    let mut mirror = Mirror::new();
    for mailbox in store.mailboxes().await.expect("readable") {
        if !mailbox.is_selectable() {
            continue;
        }
        let all = all(&store.mailbox(mailbox.id)).await;
        assert_eq!(
            u64::try_from(all.len()).expect("few"),
            mailbox.messages,
            "{}: the count, and the messages with content",
            mailbox.name
        );
        let messages =
            all.iter().map(|message| (message.uid.expect("it is at the server"), message.flags.clone()));
        mirror.insert(mailbox.name, messages.collect());
    }
    mirror
}

/// All messages of a mailbox, page by page, oldest first.
pub(crate) async fn all(mailbox: &LocalMailbox) -> Vec<MessageSummary> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = mailbox.page(PageBy::oldest().count(7), cursor).await.expect("readable");
        all.extend(page.messages);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

/// The message with this subject.
pub(crate) async fn by_subject(store: &Store, subject: &str) -> MessageSummary {
    let found = store.search(format!("subject:\"{subject}\"")).await.expect("readable");
    let found = found.into_iter().find(|message| message.subject.as_deref() == Some(subject));
    found.unwrap_or_else(|| panic!("no message {subject}"))
}

pub(crate) async fn id_of(store: &Store, subject: &str) -> MessageId {
    by_subject(store, subject).await.id
}

/// A message of its own Message-ID.
pub(crate) fn message(subject: &str) -> String {
    let id = subject.replace(' ', ".");
    format!(
        "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: {subject}\r\n\
         Message-ID: <{id}@example.org>\r\n\r\nThe text of {subject}.\r\n"
    )
}

pub(crate) fn uid(uid: u32) -> Uid {
    Uid::new(uid).expect("not zero")
}

/// What kind of operation this is, in one word.
pub(crate) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Flags { .. } => "flags",
        Action::Move => "move",
        Action::Copy { .. } => "copy",
        Action::Expunge => "expunge",
        Action::Append { .. } => "append",
        _ => "other",
    }
}

/// The subject of a message in the store of this file, seen or not.
pub(crate) fn subject_of(path: &Path, message: MessageId) -> Option<String> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let find = "SELECT subject FROM message m JOIN content c ON c.id = m.content WHERE m.id = ?";
    file.expect("a store").query_row(find, [message.get()], |row| row.get(0)).ok()
}
