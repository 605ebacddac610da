//! The other direction: writes responses as a server would. In goes a [`Response`], out come its octets.
//!
//! For tests, fuzzers and the embedded server, never for the client: what is written here is read back by the
//! grammar in `wire::parse`, and must be the same. So nothing here uses the client's encoder; the forms are those
//! of RFC 9051 section 9 and of the extensions named at each.
//!
//! All that the types can hold is written. Where the grammar has no form for a value (a line's end in human text, a
//! part without its size), the nearest form is: an octet becomes `?`, a missing value NIL. The framing is never
//! broken by it.

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
pub(crate) use row::FetchRow;

use super::response::Response;
use crate::types::{Answer, Untagged};

/// A response's octets, the line's end included.
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
        Response::Untagged(heard) => untagged(heard, &mut out),
    }
    out.raw("\r\n").finish()
}

fn untagged(heard: &Untagged, out: &mut Out) {
    if let (Answer::Other, Some(raw)) = (heard.answer(), heard.raw()) {
        out.octets(raw);
        return;
    }
    out.raw("* ");
    match heard.answer() {
        Answer::Status(told) => status::status(told, out),
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
        Answer::Fetch(message) => fetch::fetch(heard.name(), message, out),
        Answer::Id(fields) => server::id(fields, out),
        Answer::Namespace(all) => mailbox::namespaces(all, out),
        Answer::Acl(acl) => server::acl(acl, out),
        Answer::ListRights(rights) => server::list_rights(rights, out),
        Answer::MyRights(rights) => server::my_rights(rights, out),
        Answer::Quota(quota) => server::quota(quota, out),
        Answer::QuotaRoot(roots) => server::quota_root(roots, out),
        Answer::Metadata(told) => server::metadata(told, out),
        Answer::Sort(found) => search::sort(found, out),
        Answer::Thread(threads) => search::threads(threads, out),
        Answer::Language(tags) => {
            // RFC 5255 section 3.3.
            out.raw("LANGUAGE ").list(tags, |tag, out| out.string(tag.as_bytes()));
        }
        Answer::Comparator(told) => {
            // RFC 5255 section 4.8.
            out.raw("COMPARATOR ").string(told.active.as_bytes());
            if !told.matching.is_empty() {
                out.space().list(&told.matching, |name, out| out.string(name.as_bytes()));
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
            out.word(heard.name());
        }
    }
}
