//! Promise 13, results of searches that are longer than a line may be: they are read as they come,
//! and cost the connection nothing.

use std::fmt::Write;

use imap_duplex::command::Search;
use imap_duplex::types::Limits;

use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

/// So many UIDs, with a gap behind each, that their line is fifty times as long as a line may be.
const FOUND: u32 = 10_000;

fn numbers(between: &str) -> String {
    (1..=FOUND).fold(String::new(), |mut all, n| {
        let _ = write!(all, "{}{}", if n > 1 { between } else { "" }, n * 2);
        all
    })
}

async fn with_short_lines(capabilities: &str) -> Session {
    let mut limits = Limits::default();
    limits.line = 1000;
    Session::with(&quiet().limits(limits), capabilities).await
}

#[tokio::test(start_paused = true)]
async fn a_search_result_may_be_longer_than_a_line() {
    within(LIMIT, async {
        let mut s = with_short_lines("IMAP4rev1").await;
        let token = s.imap.select("INBOX");
        let tag = s.server.expect("SELECT INBOX").await;
        s.tell_selected(&tag, 2).await;
        let inbox = token.await.expect("selected");
        s.answer("UID SEARCH ALL", &["* SEARCH 2 4"]).await;
        let (first, second) = (inbox.search(Search::all()), inbox.search(Search::seen()));
        s.answer("UID SEARCH ALL", &[&format!("* SEARCH {}", numbers(" "))]).await;
        s.answer("UID SEARCH SEEN", &["* SEARCH 4"]).await;
        let found = first.await.expect("searched");
        assert_eq!((found.len(), found.uids().ranges().len()), (u64::from(FOUND), FOUND as usize));
        assert_eq!(found.uids().last().map(|uid| uid.get()), Some(2 * FOUND));
        assert_eq!(second.await.expect("searched").uids().to_string(), "4");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn so_may_that_of_esearch() {
    within(LIMIT, async {
        let mut s = with_short_lines("IMAP4rev1 ESEARCH").await;
        let inbox = s.select(&[2, 4]).await;
        let token = inbox.search(Search::all());
        let tag = s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL {}", numbers(","))).await;
        s.server.say(&format!("{tag} OK done")).await;
        assert_eq!(token.await.expect("searched").len(), u64::from(FOUND));
        // The connection is still usable.
        s.noop(&[]).await;
    })
    .await;
}
