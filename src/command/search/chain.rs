//! The names of keys, each as the beginning of a query and as what narrows one.

use std::time::Duration;

use super::Search;
use super::key::Key;
use crate::command::Messages;
use crate::command::annotations::AnnotationKey;
use crate::command::saved::SavedSearch;
use crate::types::{AnnotationScope, Date, Flag, ModSeq, UidSet};

/// The keys that a [`Search`] holds, and its methods: each narrows a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchChain {
    pub(super) key: Key,
    /// The messages that it builds on, if it does: a saved result, or numbers.
    pub(super) within: Option<Messages>,
    /// It was to build on two.
    pub(super) confused: bool,
}

/// Whole seconds, rounded up: zero is none (RFC 5032 section 4, `nz-number`).
fn seconds(duration: Duration) -> u64 {
    let more = u64::from(duration.subsec_nanos() > 0);
    // Some servers keep them in 32 bits.
    duration.as_secs().saturating_add(more).clamp(1, u64::from(u32::MAX))
}

/// Keys: each as a constructor of [`Search`] and as a method that narrows it.
macro_rules! keys {
    ($(
        $(#[$doc:meta])*
        $name:ident($($arg:ident: $type:ty),*) => $key:expr, $example:literal;
    )*) => {
        impl Search {$(
            $(#[$doc])*
            ///
            /// ```
            /// # use std::time::Duration;
            /// # use imap_duplex::types::{AnnotationScope, Date, Flag, ModSeq, Uid};
            /// # use imap_duplex::command::Search;
            /// # fn example() -> Option<Search> {
            #[doc = concat!("let query = ", $example, ";")]
            /// # Some(query)
            /// # }
            /// ```
            pub fn $name($($arg: $type),*) -> Self {
                Self::of($key)
            }
        )*}

        impl SearchChain {$(
            #[doc = concat!("Of these, what [`Search::", stringify!($name), "`] finds.")]
            pub fn $name(&self, $($arg: $type),*) -> Search {
                Search(self.clone()).and(Search::$name($($arg),*))
            }
        )*}
    };
}

keys! {
    /// All messages.
    all() => Key::Word("ALL"), "Search::all()";
    /// Without `\Seen`.
    unseen() => Key::Word("UNSEEN"), "Search::unseen()";
    /// With `\Seen`.
    seen() => Key::Word("SEEN"), "Search::seen()";
    /// With `\Answered`.
    answered() => Key::Word("ANSWERED"), "Search::answered()";
    /// With `\Flagged`.
    flagged() => Key::Word("FLAGGED"), "Search::flagged()";
    /// With `\Deleted`.
    deleted() => Key::Word("DELETED"), "Search::deleted()";
    /// With `\Draft`.
    draft() => Key::Word("DRAFT"), "Search::draft()";
    /// With this keyword.
    keyword(name: impl Into<Flag>) => Key::Keyword("KEYWORD", name.into()),
        r#"Search::keyword("$Forwarded")"#;
    /// Whose From holds this text; case of letters does not matter, here and below.
    from(text: impl Into<String>) => Key::Text("FROM", text.into()),
        r#"Search::from("alice@example.org")"#;
    /// Whose To holds this text.
    to(text: impl Into<String>) => Key::Text("TO", text.into()), r#"Search::to("bob")"#;
    /// Whose Cc holds this text.
    cc(text: impl Into<String>) => Key::Text("CC", text.into()), r#"Search::cc("carol")"#;
    /// Whose Bcc holds this text.
    bcc(text: impl Into<String>) => Key::Text("BCC", text.into()), r#"Search::bcc("dave")"#;
    /// Whose subject holds this text.
    subject(text: impl Into<String>) => Key::Text("SUBJECT", text.into()),
        r#"Search::subject("Grüße")"#;
    /// Whose body holds this text.
    body(text: impl Into<String>) => Key::Text("BODY", text.into()),
        r#"Search::body("invoice")"#;
    /// Whose header or body holds this text.
    text(text: impl Into<String>) => Key::Text("TEXT", text.into()),
        r#"Search::text("example.org")"#;
    /// With a header field of this name that holds this text; an empty text: with such a field
    /// at all.
    header(name: impl Into<String>, text: impl Into<String>) => Key::Header(name.into(), text.into()),
        r#"Search::header("List-Id", "tokio")"#;
    /// Received on this day or later, by the server's clock and without regard to zones.
    since(date: Date) => Key::Date("SINCE", date), "Search::since(Date::new(2026, 1, 1)?)";
    /// Received before this day.
    before(date: Date) => Key::Date("BEFORE", date), "Search::before(Date::new(2026, 1, 1)?)";
    /// Received on this day.
    on(date: Date) => Key::Date("ON", date), "Search::on(Date::new(2026, 2, 28)?)";
    /// Whose Date is this day or later.
    sent_since(date: Date) => Key::Date("SENTSINCE", date),
        "Search::sent_since(Date::new(2026, 1, 1)?)";
    /// Whose Date is before this day.
    sent_before(date: Date) => Key::Date("SENTBEFORE", date),
        "Search::sent_before(Date::new(2026, 1, 1)?)";
    /// Whose Date is this day.
    sent_on(date: Date) => Key::Date("SENTON", date),
        "Search::sent_on(Date::new(2026, 2, 28)?)";
    /// Larger than this, in bytes.
    larger(bytes: u64) => Key::Number("LARGER", bytes), "Search::larger(1 << 20)";
    /// Smaller than this, in bytes.
    smaller(bytes: u64) => Key::Number("SMALLER", bytes), "Search::smaller(1024)";
    /// Among these.
    uids(set: impl Into<UidSet>) => Key::Uids(set.into()),
        "Search::uids(Uid::new(1)?..=Uid::new(1000)?).and(Search::unseen())";
    /// Changed since then; needs CONDSTORE (RFC 7162 section 3.1.5).
    #[doc(alias = "MODSEQ")]
    changed_since(mod_seq: ModSeq) => Key::Number("MODSEQ", mod_seq.get().saturating_add(1)),
        "Search::changed_since(ModSeq::new(620_162_338)?)";
    /// Without `\Answered`.
    unanswered() => Key::Word("UNANSWERED"), "Search::unanswered()";
    /// Without `\Flagged`.
    unflagged() => Key::Word("UNFLAGGED"), "Search::unflagged()";
    /// Without `\Deleted`.
    undeleted() => Key::Word("UNDELETED"), "Search::undeleted()";
    /// Without `\Draft`.
    undraft() => Key::Word("UNDRAFT"), "Search::undraft()";
    /// With `\Recent`: arrived since the mailbox was last opened (IMAP4rev1 only).
    recent() => Key::Word("RECENT"), "Search::recent()";
    /// With `\Recent` and without `\Seen` (IMAP4rev1 only).
    #[doc(alias = "NEW")]
    recent_unseen() => Key::Word("NEW"), "Search::recent_unseen()";
    /// Without `\Recent` (IMAP4rev1 only).
    #[doc(alias = "OLD")]
    not_recent() => Key::Word("OLD"), "Search::not_recent()";
    /// Without this keyword.
    #[doc(alias = "UNKEYWORD")]
    without_keyword(name: impl Into<Flag>) => Key::Keyword("UNKEYWORD", name.into()),
        r#"Search::without_keyword("$Junk")"#;
    /// Received longer ago than this, as the server's clock has it (RFC 5032); needs WITHIN. In
    /// whole seconds, at least one.
    older(than: Duration) => Key::Number("OLDER", seconds(than)),
        "Search::older(Duration::from_secs(7 * 86_400))";
    /// Received no longer ago than this (RFC 5032); needs WITHIN.
    younger(than: Duration) => Key::Number("YOUNGER", seconds(than)),
        "Search::younger(Duration::from_secs(3600))";
    /// Saved in this mailbox before this day (RFC 8514); needs SAVEDATE.
    saved_before(date: Date) => Key::Date("SAVEDBEFORE", date),
        "Search::saved_before(Date::new(2026, 1, 1)?)";
    /// Saved in this mailbox on this day (RFC 8514); needs SAVEDATE.
    saved_on(date: Date) => Key::Date("SAVEDON", date), "Search::saved_on(Date::new(2026, 2, 28)?)";
    /// Saved in this mailbox on this day or later (RFC 8514); needs SAVEDATE.
    saved_since(date: Date) => Key::Date("SAVEDSINCE", date),
        "Search::saved_since(Date::new(2026, 1, 1)?)";
    /// All, if the mailbox records when messages are saved in it; else none (RFC 8514); needs
    /// SAVEDATE.
    #[doc(alias = "SAVEDATESUPPORTED")]
    save_date_supported() => Key::Word("SAVEDATESUPPORTED"), "Search::save_date_supported()";
    /// One of whose flags, this one, has changed since then; needs CONDSTORE (RFC 7162 section
    /// 3.1.5). Servers that keep one mod-sequence a message take any change for it.
    #[doc(alias = "MODSEQ")]
    flag_changed_since(flag: impl Into<Flag>, mod_seq: ModSeq) =>
        Key::ModSeqOf(flag.into(), None, mod_seq.get().saturating_add(1)),
        "Search::flag_changed_since(Flag::Draft, ModSeq::new(620_162_337)?)";
    /// The same of the flag as the user has it, or as everyone has it, where a server keeps flags
    /// of both kinds.
    #[doc(alias("priv", "shared"))]
    flag_changed_in(scope: AnnotationScope, flag: impl Into<Flag>, mod_seq: ModSeq) =>
        Key::ModSeqOf(flag.into(), Some(scope), mod_seq.get().saturating_add(1)),
        "Search::flag_changed_in(AnnotationScope::Private, Flag::Seen, ModSeq::new(620_162_337)?)";
    /// With this EMAILID (RFC 8474 section 6); needs OBJECTID.
    #[doc(alias = "EMAILID")]
    email_id(id: impl Into<String>) => Key::Id("EMAILID", id.into()),
        r#"Search::email_id("M6d99ac3275bb4e")"#;
    /// With this THREADID (RFC 8474 section 6); needs OBJECTID.
    #[doc(alias = "THREADID")]
    thread_id(id: impl Into<String>) => Key::Id("THREADID", id.into()),
        r#"Search::thread_id("T64b478a75b7ea9")"#;
    /// That match a filter which is stored on the server under this name (RFC 5466); needs FILTERS.
    #[doc(alias = "FILTER")]
    filter(name: impl Into<String>) => Key::Filter(name.into()), r#"Search::filter("on-the-road")"#;
    /// Has this text in the value of an annotation (RFC 5257), named or by a pattern, private or
    /// shared or (`None`) either; needs ANNOTATE-EXPERIMENT-1. Cyrus minds capitals here.
    #[doc(alias = "ANNOTATION")]
    annotation(
        entry: impl Into<String>,
        scope: impl Into<Option<AnnotationScope>>,
        text: impl Into<String>
    ) => Key::Annotation(AnnotationKey { entry: entry.into(), scope: scope.into(), text: text.into() }),
        r#"Search::annotation("/comment", None, "Friday")"#;
    /// In Gmail's own language of queries; needs X-GM-EXT-1.
    #[doc(alias = "X-GM-RAW")]
    gmail(query: impl Into<String>) => Key::Text("X-GM-RAW", query.into()),
        r#"Search::gmail("has:attachment in:unread")"#;
    /// With this identifier of Gmail's; needs X-GM-EXT-1.
    #[doc(alias = "X-GM-MSGID")]
    gmail_msg_id(id: u64) => Key::Number("X-GM-MSGID", id),
        "Search::gmail_msg_id(1_278_455_344_230_334_865)";
    /// In this thread of Gmail's; needs X-GM-EXT-1.
    #[doc(alias = "X-GM-THRID")]
    gmail_thread_id(id: u64) => Key::Number("X-GM-THRID", id),
        "Search::gmail_thread_id(1_266_894_439_832_287_888)";
    /// With this label of Gmail's; needs X-GM-EXT-1.
    #[doc(alias = "X-GM-LABELS")]
    gmail_label(name: impl Into<String>) => Key::Label(name.into()),
        r#"Search::gmail_label("Receipts")"#;
    /// Keys that the library has no method for, as they are to be written: `X-FOO "bar"`. Refused,
    /// unsent, if parentheses or quotation marks are not in pairs, if it has a control character,
    /// or other than ASCII. Sequence numbers in it are not corrected.
    raw(keys: impl Into<String>) => Key::Raw(keys.into()),
        r#"Search::unseen().raw("X-SPAM-SCORE 5")"#;
}

impl SearchChain {
    /// Of these, what [`Search::among`] finds.
    ///
    /// ```
    /// # use imap_duplex::{command::Search, Mailbox};
    /// # fn example(inbox: &Mailbox) {
    /// let unseen = inbox.save(Search::unseen());
    /// let large = inbox.search(Search::larger(1 << 20).among(unseen.saved()));
    /// # let _ = large;
    /// # }
    /// ```
    pub fn among(&self, saved: impl Into<SavedSearch>) -> Search {
        Search(self.clone()).and(Search::among(saved))
    }

    /// And among these: see [`Search::messages`]. Where the trait
    /// [`Command`](crate::command::Command) is in scope, which has a method of that name, it is
    /// `(*query).messages(…)`.
    ///
    /// ```
    /// # use imap_duplex::{command::Search, Mailbox};
    /// # fn example(inbox: &Mailbox) {
    /// let token = inbox.search(Search::unseen().messages(inbox.newest(100)));
    /// # let _ = token;
    /// # }
    /// ```
    pub fn messages(&self, which: impl Into<Messages>) -> Search {
        Search(self.clone()).and(Search::messages(which))
    }
}
