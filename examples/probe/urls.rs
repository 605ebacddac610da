//! What takes a URL of a message: CATENATE, URLAUTH, and parts of what a URL names.

use std::net::IpAddr;

use imap_duplex::command::{Append, AppendPart, Items, ResetKey, Secret, Store, UrlFetch};
use imap_duplex::{Code, Error, Flag, Result};

use crate::checks::count;
use crate::scratch::{Scratch, encoded_message, header};
use crate::support::server::Server;
use crate::{appends, trips};

/// What is fetched of a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Decoded,
    /// The first bytes.
    Part,
}

/// A message of the header of one that is there, and of text.
pub(crate) async fn catenate(s: &mut Scratch) -> Result<String> {
    let Some(uid) = s.message(0) else { return Ok(s.no_message()) };
    let header = format!("{};UID={uid}/;SECTION=HEADER", s.url_path());
    let parts = [AppendPart::url(header), AppendPart::text("Together.\r\n")];
    let before = appends::before(s).await?;
    let token = s.imap.append(s.other.as_str(), Append::parts(parts));
    let appended = token.await?;
    appends::shown(s, before, &[appended.uid]).await
}

/// A message whose text is the beginning of another one's.
pub(crate) async fn catenate_part(s: &mut Scratch) -> Result<String> {
    let Some(uid) = s.message(0) else { return Ok(s.no_message()) };
    let inbox = s.inbox.clone();
    let text = format!("{};UID={uid}/;SECTION=TEXT/;PARTIAL=0.5", s.url_path());
    let header = header();
    let parts = [AppendPart::text(header.clone()), AppendPart::url(text)];
    let token = s.imap.append(s.name.as_str(), Append::parts(parts));
    let Some(new) = token.await?.uid else {
        return Ok(s.skip("APPEND gave no UID to name the message by"));
    };
    let rows = inbox.fetch(new, Items::size()).await?;
    inbox.store(new, Store::add([Flag::Deleted])).await?;
    inbox.expunge(new).await?;
    let size = rows.first().and_then(|row| row.size()).unwrap_or_default();
    Ok(match size.checked_sub(header.len() as u64) {
        Some(5) => "5 bytes".to_owned(),
        _ => s.fail(format!("5 bytes were asked for, and the message has {size}")),
    })
}

/// A URL is made, what is behind it fetched, and the URL made void.
///
/// It is of a mailbox that is not selected: Cyrus 3.6 ends the connection over one that is.
pub(crate) async fn fetch(server: &Server, s: &mut Scratch, wanted: Wanted) -> Result<String> {
    let token = s.imap.append(s.other.as_str(), encoded_message());
    let Some(uid) = token.await?.uid else {
        return Ok(s.skip("APPEND gave no UID to name the message by"));
    };
    let part = if wanted == Wanted::Part { "/;PARTIAL=0.2" } else { "" };
    let user = escaped(&server.user);
    let message = format!("{}/;UID={uid}/;SECTION=1{part};URLAUTH=user+{user}", escaped(&s.other));
    let (mut refusal, mut urls): (Option<Error>, Vec<Secret>) = (None, Vec::new());
    for host in hosts(server) {
        match s.imap.url_auth([format!("imap://{user}@{host}/{message}")]).await {
            Ok(made) => {
                urls = made;
                break;
            }
            Err(error) if error.close_reason().is_some() => return Err(error),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        // A server makes URLs for the name alone by which it goes.
        Some(error) if urls.is_empty() => {
            let is_of_name = matches!(error.code(), Some(Code::NonExistent | Code::BadUrl(_)));
            let why = format!("no URL for {}: {error:#}", hosts(server).join(", "));
            return Ok(if is_of_name { s.skip(why) } else { s.fail(why) });
        }
        _ => {}
    }
    let mut fetch = UrlFetch::new(urls);
    if wanted == Wanted::Decoded {
        fetch = fetch.decoded().with_structure();
    }
    let found = s.imap.submit(fetch).await?;
    s.imap.reset_url_keys(ResetKey::of(s.other.as_str())).await?;
    let bytes = found.first().and_then(|found| found.data.as_ref()).map(|data| data.len());
    let expected = match wanted {
        Wanted::Whole => 4,
        Wanted::Decoded => 3,
        Wanted::Part => 2,
    };
    Ok(match bytes {
        Some(bytes) if bytes == expected => count(bytes, "byte", "bytes"),
        Some(bytes) => s.fail(format!("{bytes} bytes are behind the URL, where {expected} should be")),
        None => s.fail("nothing is behind the URL that the server has made"),
    })
}

/// The names by which the server may go: the one that was given, those of its greeting, and that of
/// this machine if it is here.
fn hosts(server: &Server) -> Vec<String> {
    let given = server.config.get_host().to_owned();
    let is_here = given.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let mut hosts = vec![given];
    for host in trips::names_in_greeting().into_iter().take(3).chain(is_here.then(|| "localhost".to_owned()))
    {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// For a URL.
pub(crate) fn escaped(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
    let one = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}
