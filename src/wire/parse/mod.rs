//! The grammar of responses (RFC 9051 section 9, RFC 3501 section 9): a [`Frame`] in, a
//! [`Response`] out, or an [`Unparsable`] that says what is wrong, and where.
//!
//! Each file parses one family of responses. Deviations of deployed servers from the RFCs are
//! accepted by kind (runs of spaces, missing text, wrong NIL), never by the look of one server's
//! line; one function accepts each kind, as the table below says. An ambiguous line is unparsable:
//! its bytes are reported, and the next line is parsed as usual.
//!
//! Names are found by `match`, numbers become ranges as they are parsed, and kept data is copied
//! out of the frame, except for large literals, which have buffers of their own.
//!
//! # What is accepted beyond the RFCs
//!
//! | seen | accepted by, and read as |
//! |---|---|
//! | `+` without a space; a response code in place of a status response, with or without its star | `read` |
//! | a tagged BYE | `tagged`: ends its command |
//! | runs of spaces in place of one | `token::space`, `token::spaces` |
//! | spaces after `(` and before `)` | `token::open`, `token::close` |
//! | no space before or after a parenthesis or a literal | `token::gap` |
//! | a space at the end of the line | `token::end` |
//! | counts written as `-1`, `NIL`, `"12"` or `1.8e+06`, or beyond 2^64 | `token::count`: unknown, or the nearest number |
//! | non-ASCII bytes in quotes | `string::quoted` |
//! | quotes in quotes that are not escaped | `requote::requoted`: a second attempt, after the first has failed |
//! | a backslash in quotes before any other byte | `string::quoted`: both are kept |
//! | an atom where a string is due; `()` where NIL is | `string::loose` |
//! | `{n+}` and `~{n}` from the server | `string::literal` |
//! | a status response without text, or without a space after its code | `status::status_rest` |
//! | `{5}` at the end of a status response | `status::status_rest`: text is never a literal |
//! | bytes of such a text that are not UTF-8 | `status::status_rest`: shown as U+FFFD |
//! | brackets and quotes within an unknown code | `status::code_end` |
//! | 0, or no number at all, in a code | `code::nonzero`: unknown |
//! | COPYUID with empty sets | `code::copy_uid` |
//! | `*`, 0 or a word for UIDs in COPYUID and APPENDUID | `set::uids_to_end`: unknown |
//! | numbers in a code that are too large | `code::nonzero`: unknown |
//! | BADEVENT without its parentheses | `code::events` |
//! | what is behind a URL in one list | `server::url_items` |
//! | words after a code that takes none | `code::finish`: skipped |
//! | `\*` in FLAGS | `flags::flag` |
//! | a flag that is a backslash alone | `flags::flags`: skipped |
//! | a flag in quotes | `flags::flag` |
//! | a flag with control characters, or tabs between flags | `flags::each`: only that flag is skipped |
//! | `X-[Some Thing]/All`: a space within brackets belongs to the flag | `flags::flag` |
//! | NIL for an empty list | `flags::flags` |
//! | FLAGS without its parentheses | `flags::flags_of_mailbox` |
//! | a delimiter of LIST that is NIL, `""` or bare | `mailbox::delimiter` |
//! | a delimiter that is a backslash, not escaped | `mailbox::delimiter` |
//! | LIST without attributes, or with nothing after the delimiter | `mailbox::list` |
//! | a name in quotes with quotes in it that are not escaped | `mailbox::unescaped_name`, `mailbox::unescaped_status`: it ends at the last |
//! | an unquoted name with spaces, tabs, brackets or parentheses | `mailbox::bare_name`, `mailbox::status` |
//! | an unquoted name with parentheses or quotes, followed by other data | `mailbox::named_mailbox` |
//! | the same in a list, with balanced parentheses | `mailbox::listed_name` |
//! | a name that is not valid modified UTF-7 | `mailbox::mailbox_name`: taken literally |
//! | ID with something after its list | `mailbox::id` |
//! | ID without its parentheses, a list for a value | `mailbox::id`: no value |
//! | `STATUS "x" ()`, counts of -1 | `mailbox::status` |
//! | STATUS without its list, with a value in parentheses | `mailbox::status`, `mailbox::status_item` |
//! | SEARCH or SORT without a number, with a space at the end, with numbers after `(MODSEQ 5)` | `search::search`, `sort::sort` |
//! | NIL or `()` for no numbers | `search::none`, `search::all`, `sort::thread` |
//! | a mod-sequence of a search that is NIL or 0 | `search::mod_seq`: unknown |
//! | ESEARCH with its tag without quotes, with parentheses around items, with its last value missing | `search::esearch` |
//! | spaces between threads, an empty thread | `sort::thread` |
//! | an empty identifier, `EMAILID ()` | `mailbox::object_id`: none |
//! | a quota without usage or limit, or with -1 or NIL for it, or beyond 2^64 | `rights::quota`: unknown, none |
//! | QUOTA without a list | `rights::quota`: no resources |
//! | QUOTA with a list that has no parentheses, no root, a root with spaces | `rights::quota`, `rights::quota_name` |
//! | QUOTAROOT with its roots in parentheses | `rights::quota_root` |
//! | rights missing at the end | `rights::last_rights`: none |
//! | a namespace's delimiter NIL or `""`, or missing | `server::namespace` |
//! | namespaces missing at the end | `server::namespaces` |
//! | NIL after the three kinds of namespaces; one without its list's parentheses | `server::namespaces`, `server::namespace_list` |
//! | a language or collation without parentheses | `server::languages`, `server::comparator` |
//! | parentheses around all of URLFETCH | `server::url_fetch` |
//! | METADATA's value missing or a bare word | `server::metadata` |
//! | spaces around the items of FETCH, none before a literal | `fetch::fetch` |
//! | items of FETCH, all or some, in one more pair of parentheses; too many parentheses at its end | `fetch::fetch` |
//! | a row that ends after its body, followed by items | `fetch::after_end`: read if they can be |
//! | a row without its last parenthesis, after its body | `fetch::ends_with_body` |
//! | `RFC822[]` and the like | `fetch::item`: as RFC822 |
//! | a space before the bracket of `BODY []` | `fetch::item` |
//! | a UID of -1, NIL or in another odd form of a count | `fetch::uid`: unknown |
//! | `BODY[2] )` or `BINARY[2] )`, without a value | `fetch::data`: NIL |
//! | `MODSEQ (-1)`, `MODSEQ 5` | `fetch::mod_seq`: unknown; the same as `(5)` |
//! | a malformed date | `fetch::internal_date`: kept with the untyped items |
//! | a row of message 0 | `no_message`: replaced by a warning |
//! | an item that the library does not know | `fetch::other`: kept as it is |
//! | NIL for an item of FETCH that an extension defines | `extras::item` |
//! | an identifier without parentheses | `mailbox::object_id` |
//! | a preview as a list of algorithm and text | `extras::preview` |
//! | NIL among labels, a label unquoted, one without its list's parentheses | `extras::labels` |
//! | an envelope in an additional pair of parentheses; NIL or `()` for all of it | `envelope::envelope` |
//! | an envelope with fields missing at the end, or more than ten | `envelope::envelope` |
//! | NIL or spaces between addresses, one address without its list's parentheses | `envelope::addresses` |
//! | addresses with too few fields | `envelope::address` |
//! | addresses with more | `envelope::long_address`: part of the name where a NIL route follows, else skipped |
//! | NIL or `()` for any text of an envelope or a body, an encoding too | `envelope::pack`: unknown |
//! | texts in parentheses in place of one | `envelope::pack_list`: joined with spaces |
//! | parts of a multipart with spaces between them, or none | `body::multipart` |
//! | `()` or NIL for all of BODYSTRUCTURE | `fetch::body_structure`: unknown |
//! | `()` or NIL in place of a nested body | `body::multipart`, `body::leaf` |
//! | a multipart without parts; one media string in place of two | `body::names` |
//! | a multipart sent as a basic part | `body::leaf` |
//! | a part that is a message, without envelope and body | `body::message` |
//! | the same with a disposition in their place, or without only the body | `body::is_disposition`, `body::message` |
//! | a text without lines, lines where there should be none, no MD5 | `body::leaf`: recognised by shape |
//! | a parameter without value, or in parentheses of its own; NIL or a text for parameters | `body::params` |
//! | a disposition without list, `(NIL NIL)`, or swapped with the language | `body::extension` |
//! | a part with missing or additional fields at the end | `body::extension` |

mod body;
mod code;
mod envelope;
mod extras;
mod fetch;
mod flags;
mod head;
mod mailbox;
mod requote;
mod rights;
mod rules;
mod search;
mod section;
mod server;
mod set;
mod sort;
mod status;
mod string;
mod token;
mod usual;
mod value;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;

use self::flags::FlagLists;
pub(crate) use self::head::RowHead;
use self::requote::{Escaped, requoted};
pub(crate) use self::rules::Rules;
use self::token::{Upper, end, name, number, spaces};
use super::frame::Frame;
use super::input::{Fail, Input, Parsed, expected};
use super::response::Response;
use crate::types::text_arena::Writer;
use crate::types::{Answer, Limits, Message, Seq, Status, StatusResponse, Uid, Untagged};

/// How deep bodies may nest whatever [`Limits::depth`] says: each level takes stack.
const MAX_DEPTH: usize = 200;

/// A response that could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unparsable {
    /// What was expected there.
    pub(crate) message: String,
    /// An offset into the frame's text.
    pub(crate) at: usize,
    /// The apparent kind of response, in capitals: `FETCH`.
    pub(crate) keyword: Option<String>,
}

/// Parses the responses of one connection. What it remembers of them only makes later ones cheaper
/// to parse.
#[derive(Debug)]
pub(crate) struct Parser {
    rules: Rules,
    flags: FlagLists,
    /// A buffer for packing an envelope or a body structure.
    scratch: Writer,
}

impl Parser {
    /// A parser with the limits [`Limits::depth`], [`Limits::words`] and [`Limits::entries`].
    pub(crate) fn new(limits: &Limits) -> Self {
        let rules = Rules {
            depth: limits.depth.min(MAX_DEPTH),
            words: limits.words,
            entries: limits.entries,
            line: limits.line,
            utf8: false,
        };
        Self { rules, flags: FlagLists::new(limits.words), scratch: Writer::default() }
    }

    /// Sets whether mailbox names are in UTF-8 from now on, because UTF8=ACCEPT or IMAP4rev2 has
    /// been enabled (RFC 6855 section 3, RFC 9051 section 5.1). Otherwise they are in modified
    /// UTF-7, in which `&` has another meaning.
    pub(crate) fn set_utf8(&mut self, utf8: bool) {
        self.rules.utf8 = utf8;
    }

    /// Parses one response.
    #[inline]
    pub(crate) fn read(&mut self, frame: &Frame) -> Result<Response, Unparsable> {
        if frame.literals.iter().map(Bytes::len).sum::<usize>() > self.rules.line {
            return self.read_long(frame);
        }
        self.read_with(frame, &frame.literals)
    }

    /// Parses a response whose literals are longer than texts may be, since a name takes several
    /// times its length while it is decoded: the literals are marked to be data of messages alone.
    #[cold]
    fn read_long(&mut self, frame: &Frame) -> Result<Response, Unparsable> {
        let marked: Vec<Bytes> = frame.literals.iter().cloned().chain([Bytes::new()]).collect();
        let all = Input::new(&frame.text, &marked);
        if has_text_alone(all) {
            return Err(unparsable(all, expected(all, "text within Limits::line")));
        }
        self.read_with(frame, &marked)
    }

    /// A row of FETCH without large literals, in its usual form; any other response is `None`, and
    /// left to [`read`](Self::read).
    pub(crate) fn read_row(&mut self, text: &[u8]) -> Option<Box<Message>> {
        row(Input::new(text, &[]), self)?.ok()
    }

    #[inline]
    fn read_with(&mut self, frame: &Frame, literals: &[Bytes]) -> Result<Response, Unparsable> {
        let all = Input::new(&frame.text, literals);
        self.read_strictly(all)
            .or_else(|error| self.read_again(frame, literals).ok_or_else(|| unparsable(all, error)))
    }

    fn read_strictly(&mut self, all: Input<'_>) -> Result<Response, nom::Err<Fail>> {
        match row(all, self) {
            Some(message) => message.map(|message| untagged("FETCH", Answer::Fetch(message))),
            None => read(all, self),
        }
    }

    /// Parses a refused response again with its quoted strings as they should have been written, if
    /// that is unambiguous.
    #[cold]
    fn read_again(&mut self, frame: &Frame, literals: &[Bytes]) -> Option<Response> {
        let usual = requoted(&frame.text, Escaped::Inside)?;
        let mut read = |text: &[u8]| self.read_strictly(Input::new(text, literals)).ok();
        let response = if usual.changed { read(&usual.text)? } else { return None };
        let other = if usual.ambiguous { requoted(&frame.text, Escaped::End) } else { None };
        if other.is_some_and(|other| read(&other.text).is_some()) {
            return None;
        }
        match response {
            // The bytes are kept as the server wrote them.
            Response::Untagged(other) if *other.answer() == Answer::Other => {
                let name = other.name().to_owned();
                Some(Response::Untagged(Untagged::new(name, Answer::Other, Some(frame.to_bytes()))))
            }
            response => Some(response),
        }
    }
}

#[cold]
fn unparsable(all: Input<'_>, error: nom::Err<Fail>) -> Unparsable {
    let failed = match error {
        nom::Err::Error(failed) | nom::Err::Failure(failed) => failed,
        // No parser here asks for more: a frame is complete.
        nom::Err::Incomplete(_) => Fail { rest: 0, expected: "more" },
    };
    Unparsable {
        message: format!("{} was expected", failed.expected),
        at: all.text.len().saturating_sub(failed.rest),
        keyword: keyword(all),
    }
}

/// `* 12 FETCH …` in its usual form, which most responses have: parsed without considering what
/// else the line might be. [`read`] handles other forms.
fn row(all: Input<'_>, parser: &mut Parser) -> Option<Result<Box<Message>, nom::Err<Fail>>> {
    let (i, value) = number(Input { text: all.text.strip_prefix(b"* ")?, ..all }).ok()?;
    let i = Input { text: i.text.strip_prefix(b" FETCH ")?, ..i };
    let mut message = Box::<Message>::default();
    message.seq = Some(Seq::new(value)?);
    Some(fetch::fetch(i, parser, &mut message).and_then(|(rest, ())| end(rest)).map(|_| message))
}

fn read(i: Input<'_>, parser: &mut Parser) -> Result<Response, nom::Err<Fail>> {
    match i.peek() {
        // Some servers omit the space.
        Some(b'+') => {
            let text = i.text.get(1..).unwrap_or_default();
            let text = text.strip_prefix(b" ").unwrap_or(text);
            return Ok(Response::Continuation { text: Bytes::copy_from_slice(text) });
        }
        // A code in place of a status response; some servers omit the star, too.
        Some(b'[') => return untagged_code(i, &parser.rules),
        Some(b'*') => {}
        _ => return tagged(i, &parser.rules),
    }
    let start = spaces(i.skip(1));
    match start.peek() {
        Some(b'[') => untagged_code(start, &parser.rules),
        Some(b'0'..=b'9') => {
            let (rest, value) = number(start)?;
            let rest = spaces(rest);
            let (rest, word) = name(rest)?;
            numbered(i, rest, value, word, parser)
        }
        _ => {
            let (rest, word) = name(start)?;
            named(i, rest, word, &parser.rules)
        }
    }
}

/// `A1 OK …`: a tagged status is always parsed, so that it always ends its command.
fn tagged(i: Input<'_>, rules: &Rules) -> Result<Response, nom::Err<Fail>> {
    let (rest, tag) = i.run(|b| b > b' ' && b != 0x7f);
    let after_tag = spaces(rest);
    let (rest, word) = after_tag.run(|b| b.is_ascii_alphabetic());
    let ends = rest.peek().is_none_or(|b| matches!(b, b' ' | b'['));
    match status::status_word(word) {
        // A tagged BYE is wrong; some servers send it in place of LOGOUT's OK.
        Some(status) if ends && !tag.is_empty() && status != Status::PreAuth => {
            let tag = String::from_utf8_lossy(tag).into_owned();
            Ok(Response::Tagged { tag, status: status::status_rest(rest, status, rules) })
        }
        _ => Err(expected(after_tag, "OK, NO or BAD")),
    }
}

fn untagged_code(i: Input<'_>, rules: &Rules) -> Result<Response, nom::Err<Fail>> {
    match status::bracketed(i, rules) {
        Some(_) => Ok(untagged("OK", Answer::Status(Box::new(status::status_rest(i, Status::Ok, rules))))),
        None => Err(expected(i, "a code with its closing bracket")),
    }
}

fn untagged(name: &'static str, answer: Answer) -> Response {
    Response::Untagged(Untagged::new(name, answer, None))
}

/// `* 12 EXISTS` and the like: `i` is after the keyword.
fn numbered(
    all: Input<'_>,
    i: Input<'_>,
    value: u32,
    word: &[u8],
    parser: &mut Parser,
) -> Result<Response, nom::Err<Fail>> {
    let done = |i| end(i).map(|_| ());
    Ok(match Upper::new(word).as_bytes() {
        b"EXISTS" => {
            done(i)?;
            untagged("EXISTS", Answer::Exists(value))
        }
        b"RECENT" => {
            done(i)?;
            untagged("RECENT", Answer::Recent(value))
        }
        b"EXPUNGE" => {
            let Some(seq) = Seq::new(value) else { return Ok(no_message(all)) };
            done(i)?;
            untagged("EXPUNGE", Answer::Expunge { seq, uid: None })
        }
        b"FETCH" => {
            let Some(seq) = Seq::new(value) else { return Ok(no_message(all)) };
            let mut message = Box::new(Message { seq: Some(seq), ..Message::default() });
            done(fetch::fetch(i, parser, &mut message)?.0)?;
            untagged("FETCH", Answer::Fetch(message))
        }
        b"UIDFETCH" => {
            // RFC 9586 section 3.3: the number is the UID.
            let Some(uid) = Uid::new(value) else { return Ok(no_message(all)) };
            let mut message = Box::new(Message { uid: Some(uid), ..Message::default() });
            done(fetch::fetch(i, parser, &mut message)?.0)?;
            untagged("UIDFETCH", Answer::Fetch(message))
        }
        _ => other(all, i, word, parser.rules.depth)?,
    })
}

/// How many bytes of a skipped row the warning shows.
const EXCERPT: usize = 200;

/// A row of message 0, which does not exist, since numbers start at 1: it says nothing about any
/// message, and is replaced by a warning (RFC 9051 section 7.1.2: an untagged NO).
#[cold]
fn no_message(all: Input<'_>) -> Response {
    let row = String::from_utf8_lossy(all.text.get(..EXCERPT).unwrap_or(all.text));
    let text = format!("there is no message 0: {row}");
    untagged("NO", Answer::Status(Box::new(StatusResponse::new(Status::No, None, text))))
}

/// `* LIST …` and the like: `i` is after the keyword.
fn named(all: Input<'_>, i: Input<'_>, word: &[u8], rules: &Rules) -> Result<Response, nom::Err<Fail>> {
    fn typed<'a, T>(
        name: &'static str,
        read: Parsed<'a, T>,
        answer: impl FnOnce(T) -> Answer,
    ) -> Result<Response, nom::Err<Fail>> {
        let (rest, value) = read?;
        end(rest)?;
        Ok(untagged(name, answer(value)))
    }
    fn boxed<T>(read: Parsed<'_, T>) -> Parsed<'_, Box<T>> {
        read.map(|(rest, value)| (rest, Box::new(value)))
    }
    let status =
        |name, status| Ok(untagged(name, Answer::Status(Box::new(status::status_rest(i, status, rules)))));
    match Upper::new(word).as_bytes() {
        b"OK" => status("OK", Status::Ok),
        b"NO" => status("NO", Status::No),
        b"BAD" => status("BAD", Status::Bad),
        b"BYE" => status("BYE", Status::Bye),
        b"PREAUTH" => status("PREAUTH", Status::PreAuth),
        b"CAPABILITY" => typed("CAPABILITY", flags::words(i, rules.words), |all| {
            Answer::Capability(all.into_iter().collect())
        }),
        b"ENABLED" => typed("ENABLED", flags::words(i, rules.words), |all| {
            Answer::Enabled(all.into_iter().map(Cow::into_owned).collect())
        }),
        b"FLAGS" => typed("FLAGS", flags::flags_of_mailbox(spaces(i), rules.words), Answer::Flags),
        b"LIST" | b"XLIST" => typed("LIST", boxed(mailbox::list(i, rules)), Answer::List),
        b"LSUB" => typed("LSUB", boxed(mailbox::list(i, rules)), Answer::Lsub),
        b"STATUS" => typed("STATUS", boxed(mailbox::status(i, rules)), Answer::MailboxStatus),
        b"SEARCH" => typed("SEARCH", search::search(i), Answer::Search),
        b"ESEARCH" => typed("ESEARCH", search::esearch(i, rules), |found| Answer::ESearch(Box::new(found))),
        b"VANISHED" => {
            typed("VANISHED", search::vanished(i), |(earlier, uids)| Answer::Vanished { earlier, uids })
        }
        b"ID" => typed("ID", mailbox::id(i, rules), Answer::Id),
        b"NAMESPACE" => typed("NAMESPACE", boxed(server::namespaces(i, rules)), Answer::Namespace),
        b"ACL" => typed("ACL", boxed(rights::acl(i, rules)), Answer::Acl),
        b"LISTRIGHTS" => typed("LISTRIGHTS", boxed(rights::list_rights(i, rules)), Answer::ListRights),
        b"MYRIGHTS" => typed("MYRIGHTS", boxed(rights::my_rights(i, rules)), Answer::MyRights),
        b"QUOTA" => typed("QUOTA", rights::quota(i, rules), Answer::Quota),
        b"QUOTAROOT" => typed("QUOTAROOT", rights::quota_root(i, rules), Answer::QuotaRoot),
        b"METADATA" => typed("METADATA", boxed(server::metadata(i, rules)), Answer::Metadata),
        b"SORT" => typed("SORT", sort::sort(i), Answer::Sort),
        b"THREAD" => typed("THREAD", sort::thread(i, rules), Answer::Thread),
        b"LANGUAGE" => typed("LANGUAGE", server::languages(i, rules), Answer::Language),
        b"COMPARATOR" => typed("COMPARATOR", server::comparator(i, rules), Answer::Comparator),
        b"GENURLAUTH" => typed("GENURLAUTH", rights::strings(i, rules), Answer::GenUrlAuth),
        b"URLFETCH" => typed("URLFETCH", server::url_fetch(i, rules), Answer::UrlFetch),
        b"UIDBATCHES" => typed("UIDBATCHES", sort::uid_batches(i), Answer::UidBatches),
        b"JMAPACCESS" => typed("JMAPACCESS", server::url(i), Answer::JmapAccess),
        b"EXISTS" | b"RECENT" | b"EXPUNGE" | b"FETCH" | b"UIDFETCH" => {
            Err(expected(all.skip(1), "a message number"))
        }
        _ => other(all, i, word, rules.depth),
    }
}

/// A response of unknown kind, if it is a sequence of well-formed values.
fn other(all: Input<'_>, i: Input<'_>, word: &[u8], depth: usize) -> Result<Response, nom::Err<Fail>> {
    let (_, raw) = value::raw_row(all, i, depth)?;
    let name = String::from_utf8_lossy(word).to_ascii_uppercase();
    Ok(Response::Untagged(Untagged::new(name, Answer::Other, Some(raw))))
}

/// Whether a response is of a kind that has no data of messages.
fn has_text_alone(i: Input<'_>) -> bool {
    const KINDS: &str = "LIST LSUB XLIST STATUS ACL LISTRIGHTS MYRIGHTS QUOTA QUOTAROOT NAMESPACE ID LANGUAGE \
        COMPARATOR GENURLAUTH JMAPACCESS ENABLED CAPABILITY FLAGS SEARCH ESEARCH SORT THREAD \
        VANISHED UIDBATCHES";
    keyword(i).is_some_and(|kind| KINDS.split(' ').any(|known| known == kind))
}

/// The apparent kind of this response; none for a message number of 0, because no command waits for
/// such a row.
fn keyword(i: Input<'_>) -> Option<String> {
    if i.peek() != Some(b'*') {
        return None;
    }
    let i = spaces(i.skip(1));
    let (rest, digits) = i.run(|b| b.is_ascii_digit());
    if !digits.is_empty() && digits.iter().all(|&b| b == b'0') {
        return None;
    }
    let (_, word) = name(spaces(rest)).ok()?;
    Some(String::from_utf8_lossy(word).to_ascii_uppercase())
}
