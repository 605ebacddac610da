//! What the RFCs name is found by that name: each command, key, item and option is the name of a
//! method or a variant, or an alias by which rustdoc's search finds one.

use std::collections::BTreeSet;
use std::fs;

use crate::report;
use crate::source::{files, root};

/// The names of RFC 9051, of RFC 3501 and of the extensions.
const NAMES: [&str; 188] = [
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "ID",
    "ENABLE",
    "LANGUAGE",
    "COMPARATOR",
    "UNAUTHENTICATE",
    "COMPRESS",
    "LOGIN",
    "SELECT",
    "EXAMINE",
    "CONDSTORE",
    "QRESYNC",
    "CREATE",
    "USE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "SUBSCRIBED",
    "REMOTE",
    "RECURSIVEMATCH",
    "SPECIAL-USE",
    "CHILDREN",
    "LIST-STATUS",
    "LIST-MYRIGHTS",
    "LIST-METADATA",
    "LSUB",
    "XLIST",
    "STATUS",
    "NAMESPACE",
    "UNSELECT",
    "CLOSE",
    "CHECK",
    "GETACL",
    "SETACL",
    "DELETEACL",
    "LISTRIGHTS",
    "MYRIGHTS",
    "GETQUOTA",
    "GETQUOTAROOT",
    "SETQUOTA",
    "GETMETADATA",
    "MAXSIZE",
    "DEPTH",
    "SETMETADATA",
    "NOTIFY",
    "IDLE",
    "MESSAGES",
    "UIDNEXT",
    "UIDVALIDITY",
    "UNSEEN",
    "RECENT",
    "SIZE",
    "DELETED",
    "DELETED-STORAGE",
    "HIGHESTMODSEQ",
    "APPENDLIMIT",
    "MAILBOXID",
    "FETCH",
    "UID FETCH",
    "FLAGS",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODYSTRUCTURE",
    "MODSEQ",
    "BODY.PEEK[]",
    "RFC822.HEADER",
    "HEADER.FIELDS",
    "HEADER.FIELDS.NOT",
    "BINARY.PEEK",
    "BINARY.SIZE",
    "PREVIEW",
    "LAZY",
    "SAVEDATE",
    "EMAILID",
    "THREADID",
    "X-GM-MSGID",
    "X-GM-THRID",
    "X-GM-LABELS",
    "FAST",
    "ALL",
    "FULL",
    "CHANGEDSINCE",
    "VANISHED",
    "PARTIAL",
    "STORE",
    "UID STORE",
    "UNCHANGEDSINCE",
    "SILENT",
    "COPY",
    "UID COPY",
    "MOVE",
    "UID MOVE",
    "EXPUNGE",
    "UID EXPUNGE",
    "APPEND",
    "MULTIAPPEND",
    "CATENATE",
    "UTF8",
    "REPLACE",
    "UID REPLACE",
    "GENURLAUTH",
    "URLFETCH",
    "RESETKEY",
    "UIDBATCHES",
    "SEARCH",
    "UID SEARCH",
    "RETURN",
    "MIN",
    "MAX",
    "COUNT",
    "SAVE",
    "UPDATE",
    "CANCELUPDATE",
    "RELEVANCY",
    "SORT",
    "UID SORT",
    "REVERSE",
    "THREAD",
    "UID THREAD",
    "ESEARCH",
    "MULTISEARCH",
    "ANSWERED",
    "BCC",
    "BEFORE",
    "BODY",
    "CC",
    "DRAFT",
    "FLAGGED",
    "FROM",
    "HEADER",
    "KEYWORD",
    "LARGER",
    "NEW",
    "NOT",
    "OLD",
    "ON",
    "OR",
    "SEEN",
    "SENTBEFORE",
    "SENTON",
    "SENTSINCE",
    "SINCE",
    "SMALLER",
    "SUBJECT",
    "TEXT",
    "TO",
    "UID",
    "UNANSWERED",
    "UNDELETED",
    "UNDRAFT",
    "UNFLAGGED",
    "UNKEYWORD",
    "OLDER",
    "YOUNGER",
    "SAVEDBEFORE",
    "SAVEDON",
    "SAVEDSINCE",
    "SAVEDATESUPPORTED",
    "FUZZY",
    "FILTER",
    "X-GM-RAW",
    "ARRIVAL",
    "DATE",
    "DISPLAYFROM",
    "DISPLAYTO",
    "ORDEREDSUBJECT",
    "REFERENCES",
    "REFS",
    "MessageNew",
    "MessageExpunge",
    "FlagChange",
    "MailboxName",
    "SubscriptionChange",
    "AnnotationChange",
    "MailboxMetadataChange",
    "ServerMetadataChange",
    "PERSONAL",
    "INBOXES",
    "SUBTREE",
    "SUBTREE-ONE",
    "MAILBOXES",
    "SELECTED",
    "SELECTED-DELAYED",
];

#[test]
fn what_the_rfcs_name_is_found_by_that_name() {
    let mut paths = Vec::new();
    files(&root().join("src/client"), &mut paths);
    files(&root().join("src/command"), &mut paths);
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    let found: BTreeSet<String> = texts.flat_map(|text| names(&text)).collect();
    let missing = NAMES.iter().filter(|name| !found.contains(&plain(name)));
    let breaches: Vec<_> = missing.map(|name| format!("{name} is no method, and no alias of one")).collect();
    report("what the RFCs name is found by that name", &breaches);
}

/// The name in small letters, without what Rust's names can't have.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The names of methods and variants in a source, and aliases.
fn names(text: &str) -> Vec<String> {
    text.lines().flat_map(of_line).collect()
}

fn of_line(line: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let line = line.trim_start();
    if let Some(alias) = line.strip_prefix("#[doc(alias") {
        return alias.split('"').skip(1).step_by(2).map(plain).collect();
    }
    if let Some(rest) = line.strip_prefix("pub fn ") {
        return vec![plain(&word(rest))];
    }
    let first = word(line);
    match line.get(first.len()..) {
        // A variant, or a row of a macro that makes methods.
        Some("," | "") if first.starts_with(char::is_uppercase) => vec![plain(&first)],
        Some(rest) if rest.starts_with('(') && (rest.contains("=>") || rest.ends_with("),")) => {
            vec![plain(&first)]
        }
        Some(rest) if rest.starts_with(": \"") => {
            let alias = rest.split('"').nth(1).unwrap_or_default();
            vec![plain(&first), plain(alias)]
        }
        _ => Vec::new(),
    }
}

#[test]
fn methods_variants_and_aliases_are_seen_and_nothing_else() {
    let text = "#[doc(alias(\"UID MOVE\", \"XLIST\"))]\n    pub fn move_to(&self) {}\n    Saved,\n\
        larger(bytes: u64) => Key::Number(\"LARGER\"),\n    mailbox_id: \"MAILBOXID\", [],\n\
        let hidden = \"FETCH\";\n/// `STORE` and\n    search(one)\n";
    assert_eq!(names(text), ["uidmove", "xlist", "moveto", "saved", "larger", "mailboxid", "mailboxid"]);
    assert_eq!(plain("BODY.PEEK[]"), "bodypeek");
}
