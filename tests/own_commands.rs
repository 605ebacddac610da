//! Commands of a program's own, written as another crate would: SORT (RFC 5256), GETMETADATA and
//! SETMETADATA (RFC 5464), FETCH of PREVIEW (RFC 8970). They are sent beside the library's as the
//! library's own would be, get their answers and no others', and what would endanger others is
//! refused before anything of it is sent.

mod support;

use std::time::Duration;

use imap_duplex::command::{
    Action, Claim, Class, Command, Flow, Items, Line, Match, MessageChunks, Messages, Search, Session, Store,
};
use imap_duplex::testing::Server;
use imap_duplex::types::{Answer, Done, Metadata, MetadataValue, Untagged};
use imap_duplex::{
    Config, ErrorKind, EventKind, Flag, Mailbox, MailboxName, Receiver, Result, Sender, Sent, Seq, Uid,
};
use support::wire::Peer;
use support::within;

const LIMIT: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_secs(1);

fn uid(n: u32) -> Uid {
    Uid::new(n).expect("a UID")
}

fn seq(n: u32) -> Seq {
    Seq::new(n).expect("a number")
}

/// `UID SORT (SUBJECT)`: UIDs of the messages that fit, by their subjects.
struct Sort(Search);

impl Command for Sort {
    type Item = Vec<Uid>;
    type Output = Vec<Uid>;

    fn name(&self) -> &str {
        "SORT"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["SORT"]).in_mailbox().with_search(&self.0)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("SORT") {
            return Err(imap_duplex::Error::unsupported("the server has no SORT"));
        }
        line.atom("UID").atom("SORT").open().atom("SUBJECT").close().atom("UTF-8").search(&self.0);
        Ok(Flow::Last)
    }

    fn claims(&self, _: &Untagged) -> Claim {
        Claim::Whole
    }

    fn item(response: Untagged) -> Option<Vec<Uid>> {
        match response.into_answer() {
            Answer::Sort(found) => Some(found.numbers.uids().collect()),
            _ => None,
        }
    }

    fn finish(self, _: Done, parts: Vec<Vec<Uid>>) -> Result<Vec<Uid>> {
        Ok(parts.concat())
    }
}

/// `GETMETADATA`: one annotation of a mailbox.
struct GetMetadata {
    mailbox: MailboxName,
    entry: &'static str,
}

impl Command for GetMetadata {
    type Item = Metadata;
    type Output = Option<String>;

    fn name(&self) -> &str {
        "GETMETADATA"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["METADATA"]).about_mailbox(self.mailbox.clone())
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.atom("GETMETADATA").mailbox(&self.mailbox).open().astring(self.entry).close();
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let Answer::Metadata(metadata) = response.answer() else { return Claim::No };
        // Without values it is a notice that they have changed.
        let has_values = metadata.entries.iter().any(|entry| entry.value != MetadataValue::Changed);
        if has_values { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Metadata> {
        match response.into_answer() {
            Answer::Metadata(metadata) => Some(*metadata),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Metadata>) -> Result<Option<String>> {
        let value = items.iter().find_map(|metadata| metadata.get(self.entry));
        Ok(value.map(|value| String::from_utf8_lossy(value).into_owned()))
    }
}

/// `FETCH (PREVIEW)`: which messages have one.
struct Previews {
    which: Messages,
    chunks: MessageChunks,
}

impl Previews {
    fn of(which: impl Into<Messages>) -> Self {
        Self { which: which.into(), chunks: MessageChunks::default() }
    }
}

impl Command for Previews {
    type Item = Uid;
    type Output = Vec<Uid>;

    fn name(&self) -> &str {
        "FETCH"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["FETCH"]).expunge_free().uid_form()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.which)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let (chunk, flow) = self.chunks.next(&self.which, session);
        line.command("FETCH", &chunk).open().atom("PREVIEW").close();
        Ok(flow)
    }

    fn line_ended(&mut self, at: usize) {
        self.chunks.line_ended(at);
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let Answer::Fetch(row) = response.answer() else { return Claim::No };
        let is_preview = row.extra_items().any(|name| name == "PREVIEW");
        match self.chunks.matches(&self.which, row) {
            Match::Surely if is_preview => Claim::Whole,
            Match::No => Claim::No,
            _ => Claim::Part,
        }
    }

    fn item(response: Untagged) -> Option<Uid> {
        match response.into_answer() {
            Answer::Fetch(row) => row.uid(),
            _ => None,
        }
    }

    fn finish(self, _: Done, uids: Vec<Uid>) -> Result<Vec<Uid>> {
        Ok(uids)
    }
}

/// `SETMETADATA` of a comment: its result is the server's OK alone.
struct Comment(&'static str, &'static str);

impl Action for Comment {
    fn name(&self) -> &str {
        "SETMETADATA"
    }

    fn class(&self) -> Class {
        Class::change()
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.atom("SETMETADATA").mailbox(&self.0.into()).open();
        line.atom("/private/comment").string(self.1).close();
        Ok(Flow::Last)
    }
}

/// A command that is what a test says, and claims all that it is asked about.
struct Any {
    class: Class,
    which: Option<Messages>,
    write: fn(&mut Line),
}

impl Any {
    fn new(class: Class, write: fn(&mut Line)) -> Self {
        Self { class, which: None, write }
    }

    fn of(self, which: impl Into<Messages>) -> Self {
        Self { which: Some(which.into()), ..self }
    }
}

impl Command for Any {
    type Item = String;
    type Output = Vec<String>;

    fn name(&self) -> &str {
        "ANY"
    }

    fn class(&self) -> Class {
        self.class.clone()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.which.as_mut()
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        (self.write)(line);
        Ok(Flow::Last)
    }

    fn claims(&self, _: &Untagged) -> Claim {
        Claim::Whole
    }

    fn item(response: Untagged) -> Option<String> {
        Some(response.name().to_owned())
    }

    fn finish(self, _: Done, names: Vec<String>) -> Result<Vec<String>> {
        Ok(names)
    }
}

/// A client, its server, and INBOX selected with the UIDs 11, 12 and 13.
struct Client {
    imap: Sender,
    inbox: Mailbox,
    server: Peer,
    events: Receiver,
}

impl Client {
    async fn with(capabilities: &str) -> Self {
        let config =
            Config::new("server.test").plaintext().enable(Vec::<String>::new()).id(None).auto_idle(false);
        let (stream, mut server) = Peer::pair();
        let greeting = format!("* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ {capabilities}] ready");
        let (connected, ()) = tokio::join!(config.connect_over(stream), server.say(&greeting));
        let (imap, events) = connected.expect("a greeting by PREAUTH is a login");
        let select = imap.select("INBOX");
        let tag = server.expect("SELECT INBOX").await;
        for line in ["* 3 EXISTS", "* OK [UIDVALIDITY 7] valid", "* OK [UIDNEXT 14] next"] {
            server.say(line).await;
        }
        server.say(&format!("{tag} OK [READ-WRITE] selected")).await;
        let inbox = select.await.expect("selected");
        let (tag, _) = server.expect_start("UID SEARCH ").await;
        server
            .say(&if capabilities.contains("ESEARCH") {
                format!("* ESEARCH (TAG \"{tag}\") UID ALL 11:13")
            } else {
                "* SEARCH 11 12 13".to_owned()
            })
            .await;
        server.say(&format!("{tag} OK searched")).await;
        inbox.ready().await.expect("all UIDs are known");
        Self { imap, inbox, server, events }
    }

    async fn open() -> Self {
        Self::with("ESEARCH SORT UIDPLUS MOVE METADATA").await
    }

    async fn ok(&mut self, tag: &str) {
        self.server.say(&format!("{tag} OK done")).await;
    }

    /// The server has received nothing, and works on.
    async fn finish(mut self) {
        self.server.expect_silence(QUIET).await;
        let noop = self.imap.noop();
        let tag = self.server.expect("NOOP").await;
        self.ok(&tag).await;
        noop.await.expect("OK");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sort_is_in_flight_beside_two_fetches_and_a_store() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let fetches = [11, 12].map(|n| c.inbox.fetch(uid(n), Items::new().size()));
        let store = c.inbox.store(uid(13), Store::add([Flag::Flagged]));
        let sort = c.inbox.submit(Sort(Search::subject("Grüße")));
        let search = c.inbox.search(Search::all());
        let mut tags = Vec::new();
        for line in ["UID FETCH 11 (RFC822.SIZE)", "UID FETCH 12 (RFC822.SIZE)"] {
            tags.push(c.server.expect(line).await);
        }
        tags.push(c.server.expect(r"UID STORE 13 +FLAGS (\Flagged)").await);
        tags.push(c.server.expect("UID SORT (SUBJECT) UTF-8 SUBJECT {7+}").await);
        c.server.expect_bytes("Grüße\r\n".as_bytes()).await;
        tags.push(c.server.expect("UID SEARCH RETURN (ALL) ALL").await);
        c.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        c.server.say("* SORT 13 11").await;
        c.server.say(&format!("* ESEARCH (TAG \"{}\") UID ALL 11:13", tags[4])).await;
        c.server.say("* 2 FETCH (UID 12 RFC822.SIZE 6)").await;
        c.server.say(r"* 3 FETCH (UID 13 FLAGS (\Flagged))").await;
        for tag in &tags {
            c.ok(tag).await;
        }
        assert_eq!(sort.await.expect("OK"), [uid(13), uid(11)]);
        for fetch in fetches {
            assert_eq!(fetch.await.expect("OK").len(), 1);
        }
        assert_eq!(store.await.expect("OK").len(), 1);
        assert_eq!(search.await.expect("OK").len(), 3);
    })
    .await;
}

/// Whether the command waits for a STORE in flight, and for a search.
async fn waits<C: Command>(
    capabilities: &str,
    submit: impl Fn(&Mailbox) -> imap_duplex::Token<C>,
) -> [bool; 2] {
    let mut waits = [false; 2];
    for (waits, search) in waits.iter_mut().zip([false, true]) {
        let mut c = Client::with(capabilities).await;
        let (first, line) = if search {
            (c.inbox.search(Search::all()).detach(), "UID SEARCH ")
        } else {
            (c.inbox.store(uid(12), Store::add([Flag::Seen])).detach(), "UID STORE ")
        };
        let _token = submit(&c.inbox);
        let (tag, _) = c.server.expect_start(line).await;
        let lines = c.server.lines_until_silence(QUIET).await;
        *waits = lines.is_empty();
        c.ok(&tag).await;
        if *waits {
            assert_eq!(c.server.lines_until_silence(QUIET).await.len(), 1, "after {first:?} has ended");
        }
    }
    waits
}

#[tokio::test(start_paused = true)]
async fn a_sort_waits_for_a_store_as_a_search_does_and_for_no_search() {
    within(LIMIT, async {
        for capabilities in ["ESEARCH SORT", "SORT"] {
            for query in [Search::all, Search::unseen] {
                let [sort, after_search] = waits(capabilities, |inbox| inbox.submit(Sort(query()))).await;
                let [search, _] = waits(capabilities, |inbox| inbox.search(query())).await;
                assert_eq!(sort, search, "{capabilities}: {:?}", query());
                // Its answer has a name of its own.
                assert!(!after_search, "{capabilities}: {:?}", query());
            }
        }
        assert_eq!(waits("ESEARCH SORT", |inbox| inbox.submit(Sort(Search::unseen()))).await, [true, false]);
        assert_eq!(waits("SORT", |inbox| inbox.search(Search::all())).await, [false, true]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_sorts_are_not_confused() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let (one, two) = (c.inbox.submit(Sort(Search::all())), c.inbox.submit(Sort(Search::larger(5))));
        let tag = c.server.expect("UID SORT (SUBJECT) UTF-8 ALL").await;
        c.server.expect_silence(QUIET).await;
        c.server.say("* SORT 11 12 13").await;
        c.ok(&tag).await;
        let tag = c.server.expect("UID SORT (SUBJECT) UTF-8 LARGER 5").await;
        c.server.say("* SORT 12").await;
        c.ok(&tag).await;
        assert_eq!((one.await.expect("OK").len(), two.await.expect("OK").len()), (3, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_result_with_a_tag_reaches_its_command() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let class = Class::query().answered_by(&["ESEARCH"]).in_mailbox();
        let write = |line: &mut Line| {
            line.atom("UID")
                .atom("SEARCH")
                .atom("RETURN")
                .open()
                .atom("COUNT")
                .close()
                .search(&Search::all());
        };
        let (theirs, mine) = (c.inbox.search(Search::all()), c.inbox.submit(Any::new(class, write)));
        let tags = [
            c.server.expect("UID SEARCH RETURN (ALL) ALL").await,
            c.server.expect("UID SEARCH RETURN (COUNT) ALL").await,
        ];
        c.server.say(&format!("* ESEARCH (TAG \"{}\") UID COUNT 3", tags[1])).await;
        c.server.say(&format!("* ESEARCH (TAG \"{}\") UID ALL 11:13", tags[0])).await;
        for tag in &tags {
            c.ok(tag).await;
        }
        assert_eq!((mine.await.expect("OK").len(), theirs.await.expect("OK").len()), (1, 3));
    })
    .await;
}

#[tokio::test]
async fn the_server_in_memory_sorts() {
    within(LIMIT, async {
        let server = Server::new();
        for subject in ["b", "c", "a"] {
            server.deliver("INBOX", format!("Subject: {subject}\r\n\r\n"));
        }
        let config = Config::new("server.test").plaintext().allow_plaintext_login(true);
        let config = config.login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("connected");
        let inbox = imap.select("INBOX").await.expect("selected");
        let sorted = inbox.submit(Sort(Search::all())).await.expect("sorted");
        let subjects = inbox.fetch(sorted.clone(), Items::envelope()).await.expect("fetched");
        let subject = |uid: &Uid| {
            let row = subjects.iter().find(|row| row.uid() == Some(*uid))?;
            row.envelope()?.subject().map(|subject| subject.into_owned())
        };
        let subjects: Vec<_> = sorted.iter().filter_map(subject).collect();
        assert_eq!(subjects, ["a", "b", "c"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn crossed_answers_of_two_mailboxes_find_their_commands() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let entry = "/shared/comment";
        let [inbox, other] =
            ["INBOX", "Grüße"].map(|name| c.imap.submit(GetMetadata { mailbox: name.into(), entry }));
        let tags = [
            c.server.expect("GETMETADATA INBOX (/shared/comment)").await,
            c.server.expect("GETMETADATA Gr&APwA3w-e (/shared/comment)").await,
        ];
        c.server.say("* METADATA Gr&APwA3w-e (/shared/comment {5}\r\nother)").await;
        c.server.say("* METADATA INBOX /shared/comment").await;
        c.server.say("* METADATA elsewhere (/shared/comment none)").await;
        c.server.say("* METADATA inbox (/shared/comment \"the inbox\")").await;
        for tag in &tags {
            c.ok(tag).await;
        }
        assert_eq!(inbox.await.expect("OK").as_deref(), Some("the inbox"));
        assert_eq!(other.await.expect("OK").as_deref(), Some("other"));
        let mut changed = Vec::new();
        while changed.len() < 2 {
            let event = c.events.next().await.expect("an event");
            if let EventKind::MetadataChanged(of) = event.kind {
                changed.push(of.mailbox.expect("its name").to_string());
            }
        }
        assert_eq!(changed, ["INBOX", "elsewhere"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_action_gives_nothing_but_its_end() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let (done, refused) = (c.imap.submit(Comment("INBOX", "x\r\ny")), c.imap.submit(Comment("a", "b")));
        let tag = c.server.expect("SETMETADATA INBOX (/private/comment {4+}").await;
        c.server.expect_bytes(b"x\r\ny)\r\n").await;
        c.ok(&tag).await;
        let tag = c.server.expect("SETMETADATA a (/private/comment \"b\")").await;
        c.server.say(&format!("{tag} NO [METADATA TOOMANY] full")).await;
        let () = done.await.expect("OK");
        let error = refused.await.expect_err("NO");
        assert_eq!((error.kind(), error.command()), (ErrorKind::No, Some("SETMETADATA")));
        c.finish().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fetch_of_ones_own_names_messages_as_the_librarys_does() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let previews = c.inbox.submit(Previews::of(seq(2)..));
        let sizes = c.inbox.fetch(uid(11), Items::new().size());
        let tag = c.server.expect("UID FETCH 12:13 (PREVIEW)").await;
        let other = c.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        c.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        c.server.say("* 2 FETCH (UID 12 PREVIEW \"two\")").await;
        c.server.say("* 3 FETCH (UID 13 PREVIEW NIL)").await;
        c.ok(&tag).await;
        c.ok(&other).await;
        assert_eq!(previews.await.expect("OK"), [uid(12), uid(13)]);
        assert_eq!(sizes.await.expect("OK").len(), 1);

        // `n:*` is the last message, too: its row is left out where the UID is below n.
        let previews = c.inbox.submit(Previews::of(uid(20)..));
        let tag = c.server.expect("UID FETCH 20:* (PREVIEW)").await;
        c.server.say("* 3 FETCH (UID 13 PREVIEW NIL)").await;
        c.ok(&tag).await;
        assert_eq!(previews.await.expect("OK"), []);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rows_of_the_same_messages_are_not_in_flight_for_two() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        // It says that each row is its own.
        let class = Class::query().answered_by(&["FETCH"]).uid_form();
        let mine = c.inbox.submit(
            Any::new(class, |line| _ = line.command("FETCH", &uid(12).into()).atom("UID")).of(uid(12)),
        );
        let apart = c.inbox.fetch(uid(11), Items::new().size());
        let same = c.inbox.fetch([uid(11), uid(12)], Items::new().size());
        let tag = c.server.expect("UID FETCH 12 UID").await;
        let other = c.server.expect("UID FETCH 11 (RFC822.SIZE)").await;
        c.server.expect_silence(QUIET).await;
        c.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        c.server.say("* 2 FETCH (UID 12)").await;
        c.ok(&tag).await;
        let last = c.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        c.ok(&other).await;
        c.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        c.server.say("* 2 FETCH (UID 12 RFC822.SIZE 6)").await;
        c.ok(&last).await;
        assert_eq!(mine.await.expect("OK"), ["FETCH"]);
        assert_eq!(apart.await.expect("OK").len(), 1);
        assert_eq!(same.await.expect("OK").len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_but_the_keywords_of_the_class() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let mine =
            c.imap.submit(Any::new(Class::query().answered_by(&["XMINE"]), |line| _ = line.atom("XMINE")));
        let list = c.imap.list("*");
        let tags = [c.server.expect("XMINE").await, c.server.expect("LIST \"\" *").await];
        for line in ["* LIST () \"/\" INBOX", "* 4 EXISTS", "* ENABLED CONDSTORE", "* XMINE one"] {
            c.server.say(line).await;
        }
        for tag in &tags {
            c.ok(tag).await;
        }
        assert_eq!(mine.await.expect("OK"), ["XMINE"]);
        assert_eq!(list.await.expect("OK").len(), 1);
        assert_eq!(c.inbox.exists(), 4);
    })
    .await;
}

/// What is refused unsent, and a word of why.
type Refused = (&'static str, Class, fn(&mut Line), ErrorKind, &'static str);

fn refused() -> Vec<Refused> {
    use ErrorKind::{Invalid, Unsupported};
    let (query, change) = (Class::query, Class::change);
    let mailbox = || Class::query().in_mailbox();
    vec![
        ("UNSELECT", change(), |l| _ = l.atom("UNSELECT"), Unsupported, "Mailbox::unselect"),
        ("unselect", Class::barrier(), |l| _ = l.atom("unselect"), Unsupported, "Mailbox::unselect"),
        ("UID UNSELECT", change(), |l| _ = l.atom("UID").atom("UNSELECT"), Unsupported, "Mailbox::unselect"),
        ("SELECT", query(), |l| _ = l.atom("SELECT").mailbox(&"a".into()), Unsupported, "Sender::select"),
        ("IDLE", query(), |l| _ = l.atom("IDLE"), Unsupported, "idle"),
        ("STARTTLS", query(), |l| _ = l.atom("STARTTLS"), Unsupported, "starttls"),
        ("NOTIFY", query(), |l| _ = l.atom("NOTIFY").atom("NONE"), Unsupported, "Sender::notify"),
        ("no name", query(), |_| {}, Invalid, "command's name"),
        ("a list", query(), |l| _ = l.open().atom("SELECT").close(), Invalid, "command's name"),
        ("a string", query(), |l| _ = l.string("SELECT"), Invalid, "command's name"),
        ("two lines", query(), |l| _ = l.atom("X").atom("y\r\nA1 LOGOUT"), Invalid, "atom"),
        ("two words", query(), |l| _ = l.atom("NOOP LOGOUT"), Invalid, "atom"),
        ("quoted", query(), |l| _ = l.atom("X").quoted("y\r\nA1 LOGOUT"), Invalid, "quoted"),
        ("keyword", query().answered_by(&["metadata"]), |l| _ = l.atom("X"), Invalid, "metadata"),
        ("EXISTS", query().answered_by(&["EXISTS"]), |l| _ = l.atom("X"), Invalid, "EXISTS"),
        ("ENABLED", query().answered_by(&["ENABLED"]), |l| _ = l.atom("X"), Invalid, "ENABLED"),
        ("SEARCH", mailbox(), |l| _ = l.atom("UID").atom("SEARCH").atom("ALL"), Invalid, "answered_by"),
        ("LIST", query(), |l| _ = l.atom("LIST").string("").string("*"), Invalid, "answered_by"),
        (
            "STORE",
            change().answered_by(&["FETCH"]),
            |l| _ = l.atom("STORE").atom("1"),
            Invalid,
            "writes_flags",
        ),
        ("EXPUNGE", query().writes_flags(), |l| _ = l.atom("EXPUNGE"), Invalid, "Class::change"),
        ("EXPUNGE arrives", query().expunge_free(), |l| _ = l.atom("NOOP"), Invalid, "EXPUNGE"),
        (
            "numbers",
            query().answered_by(&["FETCH"]),
            |l| _ = l.command("FETCH", &seq(1).into()).atom("FLAGS"),
            Invalid,
            "Command::messages",
        ),
        (
            "UIDs as numbers",
            query().answered_by(&["FETCH"]),
            |l| _ = l.atom("FETCH").messages(&uid(11).into()),
            Invalid,
            "sequence numbers",
        ),
        (
            "numbers as UIDs",
            query().answered_by(&["FETCH"]),
            |l| _ = l.atom("UID").atom("FETCH").messages(&seq(1).into()),
            Invalid,
            "UIDs",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_would_endanger_others_is_refused_unsent() {
    within(LIMIT, async {
        let c = Client::open().await;
        for (what, class, write, kind, word) in refused() {
            let error = c.inbox.submit(Any::new(class, write)).await.expect_err(what);
            assert_eq!((error.kind(), error.sent()), (kind, Sent::No), "{what}: {error:?}");
            assert!(format!("{error:#}").contains(word), "{what}: {error:#}");
        }
        // Through no mailbox they would hit whichever is selected then.
        let outside = Any::new(Class::query().answered_by(&["SORT"]), |l| _ = l.atom("UID").atom("SORT"));
        let error = c.imap.submit(outside).await.expect_err("through no mailbox");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
        let error = c.imap.submit(Sort(Search::all())).await.expect_err("through no mailbox");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
        c.finish().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_changes_messages_is_refused_where_these_are_read_only() {
    within(LIMIT, async {
        let mut c = Client::open().await;
        let noop = c.imap.noop();
        let tag = c.server.expect("NOOP").await;
        c.server.say("* OK [READ-ONLY] now").await;
        c.ok(&tag).await;
        noop.await.expect("OK");
        let class = Class::change().changing_messages().writes_flags().uid_only();
        let replace = Any::new(class, |line| _ = line.command("XPURGE", &uid(11).into())).of(uid(11));
        let error = c.inbox.submit(replace).await.expect_err("read only");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::ReadOnly, Sent::No));
        c.finish().await;
    })
    .await;
}
