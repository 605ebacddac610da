//! A draft as a message.

use std::time::{SystemTime, UNIX_EPOCH};

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::message_id::MessageId;

use crate::app::Draft;

/// Who writes: name and address.
pub(crate) fn author(text: &str) -> (String, String) {
    addresses(text).into_iter().next().unwrap_or_default()
}

/// `Ann Lee <ann@example.org>, bob@example.org`: names and addresses.
fn addresses(text: &str) -> Vec<(String, String)> {
    let (mut all, mut current, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in text.chars().chain([',']) {
        is_quoted ^= c == '"';
        if c != ',' || is_quoted {
            current.push(c);
            continue;
        }
        let one = std::mem::take(&mut current);
        let (name, address) = match one.split_once('<') {
            Some((name, address)) => {
                (name.trim().trim_matches('"'), address.trim_end().trim_end_matches('>'))
            }
            None => ("", one.trim()),
        };
        if !address.is_empty() {
            all.push((name.to_owned(), address.trim().to_owned()));
        }
    }
    all
}

fn address((name, address): (String, String)) -> Address<'static> {
    Address::new_address(Some(name).filter(|name| !name.is_empty()), address)
}

/// The message of a draft.
pub(crate) fn message(draft: &Draft, from: &(String, String)) -> std::io::Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let domain = from.1.rsplit('@').next().filter(|domain| !domain.is_empty()).unwrap_or("localhost");
    let to: Vec<Address<'_>> = addresses(&draft.to).into_iter().map(address).collect();
    let mut message = MessageBuilder::new()
        .from(address(from.clone()))
        .subject(draft.subject.as_str())
        .date(now.as_secs())
        .message_id(format!("{}.{}@{domain}", now.as_nanos(), std::process::id()))
        .text_body(draft.text.as_str());
    if !to.is_empty() {
        message = message.to(Address::new_list(to));
    }
    if let Some(answered) = draft.references.last() {
        message = message
            .in_reply_to(answered.as_str())
            .header("References", MessageId::new_list(draft.references.iter().map(String::as_str)));
    }
    message.write_to_vec()
}
