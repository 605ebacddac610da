//! The items of FETCH that capabilities stand for. A row shows what was sent of one message.

use imap_duplex::command::{Fetch, Items, PartialRange};
use imap_duplex::types::{Message, Section};
use imap_duplex::{Part, Result};

use crate::checks::count;
use crate::scratch::Scratch;

/// An item of one of the messages.
async fn item(
    s: &mut Scratch,
    which: usize,
    (items, what): (Items, &str),
    value: impl Fn(&Message) -> Option<String>,
) -> Result<String> {
    let Some(uid) = s.message(which) else { return Ok(s.no_message()) };
    let inbox = s.inbox.clone();
    let rows = inbox.fetch(uid, items).await?;
    Ok(s.needs(rows.iter().find_map(value), what))
}

pub(crate) async fn mod_seq(s: &mut Scratch) -> Result<String> {
    item(s, 0, (Items::mod_seq(), "MODSEQ"), |row| row.mod_seq().map(|it| it.to_string())).await
}

pub(crate) async fn preview(s: &mut Scratch) -> Result<String> {
    let preview = |row: &Message| row.preview().map(str::to_owned).or_else(|| nil(row, "PREVIEW"));
    item(s, 0, (Items::preview(), "PREVIEW"), preview).await
}

pub(crate) async fn save_date(s: &mut Scratch) -> Result<String> {
    let date = |row: &Message| row.save_date().map(|it| it.to_string()).or_else(|| nil(row, "SAVEDATE"));
    item(s, 0, (Items::save_date(), "SAVEDATE"), date).await
}

/// A server says so where it has none of a message (RFC 8514 section 4.4, RFC 8970 section 6), as
/// Cyrus 3.6 does of all previews.
fn nil(row: &Message, item: &str) -> Option<String> {
    row.extra_items().any(|it| it == item).then(|| "NIL".to_owned())
}

/// A message need not be of a thread (RFC 8474 section 5.2).
pub(crate) async fn object_ids(s: &mut Scratch) -> Result<String> {
    let ids = |row: &Message| {
        let thread = row.thread_id().unwrap_or("no thread");
        row.email_id().map(|email| format!("{email}, {thread}"))
    };
    item(s, 0, (Items::email_id().thread_id(), "EMAILID"), ids).await
}

/// What the second message has in base64.
pub(crate) async fn binary(s: &mut Scratch) -> Result<String> {
    let part = || Section::Part(Part::new(1));
    let text = |row: &Message| row.binary(&part()).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let came = item(s, 1, (Items::binary(part()), "BINARY"), text).await?;
    Ok(match came.trim_end() {
        "Yes" | "" => came,
        _ => s.fail(format!("the part has {came:?}, where \"Yes\" should be")),
    })
}

pub(crate) async fn page(s: &mut Scratch) -> Result<String> {
    let page = Fetch::new(.., Items::flags()).partial(PartialRange::first(1)).strict();
    let rows = s.inbox.submit(page).await?;
    let rows = rows.iter().filter(|row| row.flags().is_some()).count();
    let said = count(rows, "row", "rows");
    Ok(if rows == 1 { said } else { s.fail(format!("the server says OK, with {said}, where 1 should be")) })
}
