//! RFC 6203 with a full-text index that Dovecot has in a package of its own, which `get` unpacks.

use std::path::Path;
use std::process::Command;

use imap_duplex::Config;
use imap_duplex::command::{Search, Sort, SortKey};

use crate::LIMIT;
use crate::support::dovecot::{Dovecot, Options};
use crate::support::{PASSWORD, within};

/// A Dovecot that says how relevant each message is.
fn start() -> Dovecot {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/lucene/get");
    let got = Command::new(script).output().expect("bash");
    let why = String::from_utf8_lossy(&got.stderr);
    assert!(got.status.success(), "there is no index for Dovecot: {why}");
    let root = String::from_utf8_lossy(&got.stdout).trim().to_owned();
    let extra = format!(
        "\
import_environment = TZ LD_LIBRARY_PATH={root}/lib
mail_plugin_dir = {root}/modules
mail_plugins = $mail_plugins fts fts_lucene
protocol imap {{
  mail_plugins = $mail_plugins fts fts_lucene imap_acl imap_quota imap_zlib
}}
plugin {{
  fts = lucene
  fts_lucene = whitespace_chars=@. normalize no_snowball
  fts_autoindex = yes
}}
"
    );
    // Dovecot has SEARCH=FUZZY and does not advertise it: without an index it only takes the word.
    Dovecot::with(&Options { capability: Some("+SEARCH=FUZZY".to_owned()), extra, ..Options::default() })
}

#[tokio::test]
async fn how_relevant_each_message_is_comes_with_the_search() {
    within(LIMIT, async {
        let server = start();
        let config = Config::new("127.0.0.1").port(server.plain_addr().port()).plaintext();
        let (imap, events) = config.login("user", PASSWORD).connect().await.expect("it takes this login");
        drop(events);
        // Of one length, so that what counts is how often the word is there.
        let bodies =
            ["hello hello hello you", "one two three four", "hello hello two you", "hello one two you"];
        let mut uids = Vec::new();
        for body in bodies {
            let message = format!("From: a@example.org\r\nSubject: plan\r\n\r\n{body}\r\n");
            uids.push(imap.append("INBOX", message).await.expect("APPEND").uid.expect("UIDPLUS"));
        }
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let query = Search::body("hello").fuzzy();

        let asked = query.clone().returning().all().count().relevancy();
        let found = inbox.submit(asked).await.expect("SEARCH");
        assert_eq!(found.count, Some(3));
        let by_uid = [uids[0], uids[2], uids[3]];
        let all = found.all.as_ref().expect("ALL");
        assert_eq!(all.iter().collect::<Vec<_>>(), by_uid, "{found:?}");
        let [most, middle, least] = found.relevancy[..] else { panic!("one for each: {found:?}") };
        assert!(most > middle && middle > least, "{found:?}");

        let asked = Sort::new(query.clone(), SortKey::Relevancy).returning().all().relevancy();
        let sorted = inbox.submit(asked).await.expect("SORT");
        let all: Vec<_> = sorted.all.as_ref().expect("ALL").uids().collect();
        assert_eq!(all, by_uid, "the most relevant first: {sorted:?}");
        assert_eq!(sorted.relevancy, [most, middle, least]);
        let plain = inbox.sort(query, SortKey::Relevancy).await.expect("SORT").numbers;
        assert_eq!(plain.uids().collect::<Vec<_>>(), by_uid);
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}
