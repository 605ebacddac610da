//! The server's side: writes responses. A [`Response`] in, its bytes out.
//!
//! For tests, fuzzers and the embedded server, never for the client: what is written here is parsed
//! by the grammar in `wire::parse`, and must come out equal. So nothing here uses the client's
//! encoder; the forms are those of RFC 9051 section 9 and of the extensions named at each.
//!
//! Every value of the types is written. Where the grammar has no form for a value (a line end in
//! human text, a part without its size), the nearest form is used: `?` for a byte, NIL for a
//! missing value. This never breaks the framing.

mod body;
mod fetch;
mod mailbox;
mod out;
mod row;
mod search;
mod server;
mod status;

#[cfg(test)]
mod tests;

use out::Out;
pub(crate) use out::{Strings, utf7};
pub(crate) use row::{FetchRow, UrlRow};

use super::response::Response;
use crate::types::{Answer, ListEntry, Untagged};

/// A response's bytes, including the line end.
pub(crate) fn response(response: &Response, strings: Strings) -> Vec<u8> {
    let mut out = Out::new(strings);
    match response {
        Response::Continuation { text } => {
            // RFC 9051 section 9, `continue-req`: the space is always there.
            out.raw("+ ").text(text);
        }
        Response::Tagged { tag, status } => {
            out.word(tag).space();
            status::status(status, &mut out);
        }
        Response::Untagged(response) => untagged(response, &mut out),
    }
    out.raw("\r\n").finish()
}

/// `* XLIST`, with the line end: it is parsed as LIST.
pub(crate) fn xlist(entry: &ListEntry, strings: Strings) -> Vec<u8> {
    let mut out = Out::new(strings);
    out.raw("* ");
    mailbox::list("XLIST", entry, &mut out);
    out.raw("\r\n").finish()
}

fn untagged(response: &Untagged, out: &mut Out) {
    if let (Answer::Other, Some(raw)) = (response.answer(), response.raw()) {
        out.bytes(raw);
        return;
    }
    out.raw("* ");
    match response.answer() {
        Answer::Status(status) => status::status(status, out),
        Answer::Capability(all) => {
            out.raw("CAPABILITY").words(all.iter());
        }
        Answer::Enabled(all) => {
            out.raw("ENABLED").words(all);
        }
        Answer::Flags(flags) => {
            out.raw("FLAGS ").flags(flags);
        }
        Answer::List(entry) => mailbox::list("LIST", entry, out),
        Answer::Lsub(entry) => mailbox::list("LSUB", entry, out),
        Answer::MailboxStatus(counts) => mailbox::status(counts, out),
        Answer::Search(found) => search::search(found, out),
        Answer::ESearch(found) => search::esearch(found, out),
        Answer::Exists(count) => {
            out.number(*count).raw(" EXISTS");
        }
        Answer::Recent(count) => {
            out.number(*count).raw(" RECENT");
        }
        Answer::Expunge { seq, .. } => {
            out.number(seq.get()).raw(" EXPUNGE");
        }
        Answer::Vanished { earlier, uids } => search::vanished(*earlier, uids, out),
        Answer::Fetch(message) => fetch::fetch(response.name(), message, out),
        Answer::Id(fields) => server::id(fields, out),
        Answer::Namespace(all) => mailbox::namespaces(all, out),
        Answer::Acl(acl) => server::acl(acl, out),
        Answer::ListRights(rights) => server::list_rights(rights, out),
        Answer::MyRights(rights) => server::my_rights(rights, out),
        Answer::Quota(quota) => server::quota(quota, out),
        Answer::QuotaRoot(roots) => server::quota_root(roots, out),
        Answer::Metadata(metadata) => server::metadata(metadata, out),
        Answer::Sort(found) => search::sort(found, out),
        Answer::Thread(threads) => search::threads(threads, out),
        Answer::Language(tags) => {
            // RFC 5255 section 3.3.
            out.raw("LANGUAGE ").list(tags, |tag, out| out.string(tag.as_bytes()));
        }
        Answer::Comparator(comparator) => {
            // RFC 5255 section 4.8.
            out.raw("COMPARATOR ").string(comparator.active.as_bytes());
            if !comparator.matching.is_empty() {
                out.space().list(&comparator.matching, |name, out| out.string(name.as_bytes()));
            }
        }
        Answer::GenUrlAuth(urls) => {
            out.raw("GENURLAUTH");
            for url in urls {
                out.space().string(url.as_bytes());
            }
        }
        Answer::UrlFetch(urls) => server::url_fetch(urls, out),
        Answer::UidBatches(batches) => search::uid_batches(batches, out),
        Answer::JmapAccess(url) => {
            out.raw("JMAPACCESS ").string(url.as_bytes());
        }
        Answer::Other => {
            out.word(response.name());
        }
    }
}
