//! The cases that a store has to survive, against a real Dovecot: its Maildirs are put back as a
//! backup has them, its UIDVALIDITYs and indexes are changed, another client renames, removes and
//! replaces. Each ends with file and server alike, as somebody sees who uses nothing of the
//! library: a plain client there, SQL here.

mod anomalies;
mod changed;
mod gone;
mod restored;
mod unreadable;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{Attachment, MailboxId, PendingOperation, Store, StoreErrorKind, SyncPolicy};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::dovecot::{Dovecot, Options};
use crate::support::other::Other;
use crate::support::{PASSWORD, fresh_user};
use crate::world::{Client, check_rows, message};

/// What one test may take on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(180);

/// What the server says that it can do: all, no mod-sequences, hardly anything.
const SERVERS: [Option<&str>; 3] = [
    None,
    Some(
        "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT CHILDREN ESEARCH MOVE SPECIAL-USE \
         LIST-EXTENDED LIST-STATUS",
    ),
    Some("IMAP4rev1"),
];

/// UID, with flags, subject and size.
type Mail = BTreeMap<u32, (BTreeSet<String>, String, u64)>;
/// The mailboxes by their names.
type Mailboxes = BTreeMap<String, Mail>;

struct Real {
    server: Dovecot,
    user: String,
    folder: TempDir,
}

impl Real {
    fn with(capability: Option<&str>, extra: &str) -> Self {
        let options = Options {
            capability: capability.map(str::to_owned),
            no_tls: true,
            extra: format!("auth_mechanisms = plain\n{extra}"),
            ..Options::default()
        };
        let server = Dovecot::with(&options);
        Self { server, user: fresh_user(), folder: TempDir::new().expect("a temporary folder") }
    }

    /// With messages 1 to 6 in INBOX, and the mailboxes Work and Archive.
    async fn filled(capability: Option<&str>) -> Self {
        // Rights that are changed in the files are known at once.
        let real = Self::with(capability, "plugin {\n  acl = vfile:cache_secs=0\n}\n");
        let mut session = real.session().await;
        for name in ["Work", "Archive"] {
            session.command(&format!("CREATE {name}")).await;
        }
        for number in 1..=6 {
            real.arrives("INBOX", &format!("message {number}")).await;
        }
        session.logout().await;
        real
    }

    async fn session(&self) -> Other {
        self.server.session(&self.user).await
    }

    /// A message with this subject arrives, and has this UID.
    async fn arrives(&self, mailbox: &str, subject: &str) -> u32 {
        self.server.deliver(&self.user, mailbox, message(subject).as_bytes()).await
    }

    /// Another client removes these for good.
    async fn removes(&self, mailbox: &str, uids: &str) {
        let mut session = self.session().await;
        session.select(mailbox).await;
        session.remove(uids).await;
        session.logout().await;
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("mail.store")
    }

    async fn store(&self) -> Store {
        // What ran on other threads when a client ended may hold the file for a moment yet.
        for _ in 0..1_000 {
            match Store::open(self.path()).await {
                Ok(store) => return store,
                Err(error) if error.kind() == StoreErrorKind::Owned => sleep(Duration::from_millis(10)).await,
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the store has an owner for ever");
    }

    async fn attach(&self, store: Store) -> Client {
        let config = Config::new("127.0.0.1")
            .port(self.server.plain_addr().port())
            .plaintext()
            .allow_plaintext_login(true)
            .login(self.user.clone(), PASSWORD);
        let mut policy = Policy::default();
        (policy.max_redials, policy.max_backoff) = (1000, Duration::from_millis(200));
        policy.host_spacing = Duration::from_millis(1);
        let account = Account::builder(config).policy(policy).open();
        let sync = SyncPolicy::new().interval(Duration::from_secs(2));
        let attachment: Attachment = store.attach_with(&account, sync).await.expect("attached");
        Client { store, attachment, account }
    }

    /// A store in step, attached.
    async fn client(&self) -> Client {
        let client = self.attach(self.store().await).await;
        client.in_step().await;
        client
    }

    /// A store that has all, and no connection.
    async fn offline(&self) -> Store {
        self.client().await.crash().await;
        self.store().await
    }

    /// The same with a connection again, in step.
    async fn online(&self, store: Store) -> Client {
        let client = self.attach(store).await;
        client.in_step().await;
        client
    }

    /// The user's mail at the server.
    fn home(&self) -> PathBuf {
        self.server.folder().join("home").join(&self.user)
    }

    /// The Maildir of a mailbox.
    fn maildir(&self, mailbox: &str) -> PathBuf {
        let home = self.home().join("Maildir");
        if mailbox == "INBOX" { home } else { home.join(format!(".{mailbox}")) }
    }

    fn backup(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    /// Copies the user's mail, indexes included, while the server rests.
    async fn back_up(&mut self) {
        self.server.stop();
        run("cp", &["-R", "-p", &text(&self.home()), &text(&self.backup())]);
        self.server.start_again();
    }

    /// Puts that copy in the place of the mail.
    fn put_back(&self) {
        fs::remove_dir_all(self.home()).expect("it is there");
        run("cp", &["-R", "-p", &text(&self.backup()), &text(&self.home())]);
    }

    /// Removes the server's indexes: mod-sequences begin again, and flags are those of the file
    /// names.
    fn forget_indexes(&self, mailbox: &str) {
        for entry in fs::read_dir(self.maildir(mailbox)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("dovecot.index") || name.starts_with("dovecot.list.index") {
                fs::remove_file(path).expect("it is there");
            }
        }
    }

    /// Another UIDVALIDITY, and UIDs from `1 + shift` on where they were from 1 on. The server
    /// rests.
    fn change_uid_validity(&self, mailbox: &str, uid_validity: u32, shift: u32) {
        self.forget_indexes(mailbox);
        self.edit_uids(mailbox, |lines| {
            let header: Vec<String> = lines[0]
                .split(' ')
                .map(|word| match (&word[..1], word[1..].parse::<u32>()) {
                    ("V", _) => format!("V{uid_validity}"),
                    ("N", Ok(next)) => format!("N{}", next + shift),
                    _ => word.to_owned(),
                })
                .collect();
            lines[0] = header.join(" ");
            for line in &mut lines[1..] {
                let (uid, rest) = line.split_once(' ').expect("a UID");
                *line = format!("{} {rest}", uid.parse::<u32>().expect("a UID") + shift);
            }
        });
    }

    /// Changes the lines of `dovecot-uidlist`: `3 V1234 N7 G…`, then `1 :name` for each message.
    fn edit_uids(&self, mailbox: &str, edit: impl FnOnce(&mut Vec<String>)) {
        let path = self.maildir(mailbox).join("dovecot-uidlist");
        let mut lines: Vec<String> =
            fs::read_to_string(&path).expect("a list").lines().map(str::to_owned).collect();
        edit(&mut lines);
        // In place: it stays its owner's.
        fs::write(&path, lines.join("\n") + "\n").expect("written");
    }

    async fn mailbox(&self, store: &Store, name: &str) -> MailboxId {
        store.mailbox_named(name).await.expect("there").id()
    }

    /// All mailboxes at the server, by a plain client.
    async fn at_server(&self) -> Mailboxes {
        let mut session = self.session().await;
        let mut mailboxes = Mailboxes::new();
        for line in session.command("LIST \"\" *").await {
            let Some((attributes, name)) = line.split_once(" \"/\" ") else { continue };
            if attributes.contains("\\Noselect") || attributes.contains("\\NonExistent") {
                continue;
            }
            mailboxes.insert(name.trim_matches('"').to_owned(), Mail::new());
        }
        for (name, mail) in &mut mailboxes {
            session.command(&format!("EXAMINE \"{name}\"")).await;
            let items = "UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)]";
            for row in session.attempt(&format!("UID FETCH 1:* ({items})")).await.lines() {
                // Flags that another session has just changed come in rows of their own.
                if !row.contains(" FETCH (") || !row.contains("RFC822.SIZE ") {
                    continue;
                }
                let after = |what: &str| row.split_once(what).expect("it was asked for").1;
                let number = |what: &str| after(what).split([' ', ')']).next().expect("a number").to_owned();
                let uid = number("UID ").parse().expect("a UID");
                let size = number("RFC822.SIZE ").parse().expect("a size");
                let flags = flags_of(after("FLAGS (").split(')').next().expect("a list"));
                let subject = after("Subject: ").lines().next().expect("a line").to_owned();
                mail.insert(uid, (flags, subject, size));
            }
        }
        session.logout().await;
        mailboxes
    }

    /// All mailboxes in the file, by SQL.
    fn in_file(&self) -> Mailboxes {
        let file =
            Connection::open_with_flags(self.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a store");
        let mut find =
            file.prepare("SELECT name, shown_name FROM mailbox WHERE key IS NOT NULL").expect("SQL");
        let names = find.query_map([], |row| {
            let (name, shown): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            assert_eq!(Some(&name), shown.as_ref(), "its name, and what the user sees");
            Ok((name, Mail::new()))
        });
        let mut mailboxes: Mailboxes = names.expect("SQL").map(|row| row.expect("a row")).collect();
        let mut find = file
            .prepare(
                "SELECT b.name, m.uid, m.shown, c.subject, c.size, m.place IS m.mailbox AND m.shown = m.flags \
                 FROM message m JOIN mailbox b ON b.id = m.mailbox LEFT JOIN content c ON c.id = m.content",
            )
            .expect("SQL");
        let rows = find.query_map([], |row| {
            let (name, uid): (String, Option<u32>) = (row.get(0)?, row.get(1)?);
            let (flags, subject): (String, Option<String>) = (row.get(2)?, row.get(3)?);
            let is_shown_so: bool = row.get(5)?;
            assert!(is_shown_so, "{name} {uid:?} {subject:?}: the user sees what the server has");
            Ok((
                name,
                uid,
                (flags_of(&flags), subject.unwrap_or_default(), row.get::<_, i64>(4)?.unsigned_abs()),
            ))
        });
        for row in rows.expect("SQL") {
            let (name, uid, mail) = row.expect("a row");
            let uid = uid.unwrap_or_else(|| panic!("{name}: without a UID: {mail:?}"));
            mailboxes.get_mut(&name).expect("its mailbox").insert(uid, mail);
        }
        mailboxes
    }

    /// File and server are alike, and the rows agree with each other.
    async fn check(&self, what: &str) {
        assert_eq!(self.in_file(), self.at_server().await, "{what}: the file, and the server");
        check_rows(&self.path());
    }

    /// Subjects of a mailbox at the server, with their flags; without what is marked as deleted,
    /// which stays where the server can remove only all of that.
    async fn there(&self, mailbox: &str) -> Vec<(String, Vec<String>)> {
        let mail = self.at_server().await.remove(mailbox).unwrap_or_default();
        let mut all: Vec<_> = mail
            .into_values()
            .filter(|(flags, ..)| !flags.contains("\\Deleted"))
            .map(|(flags, subject, _)| (subject, flags.into_iter().collect::<Vec<_>>()))
            .collect();
        all.sort();
        all
    }

    async fn subjects(&self, mailbox: &str) -> Vec<String> {
        self.there(mailbox).await.into_iter().map(|(subject, _)| subject).collect()
    }
}

async fn operations(store: &Store) -> Vec<PendingOperation> {
    store.operations().await.expect("readable")
}

fn flags_of(text: &str) -> BTreeSet<String> {
    text.split_whitespace().filter(|flag| *flag != "\\Recent").map(str::to_owned).collect()
}

fn text(path: &Path) -> String {
    path.to_str().expect("a name in UTF-8").to_owned()
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().expect("it is there");
    assert!(status.success(), "{program} {arguments:?}: {status}");
}
