//! Messages whose files the server can't read: they keep back no others.

use std::fs;

use imap_duplex::types::{Flag, Flags};

use super::{LIMIT, Real, SERVERS, operations};
use crate::support::within;
use crate::world::{all, by_subject};

/// In place of the message's file there is something else: Dovecot ends a FETCH of it with
/// SERVERBUG.
fn spoil(real: &Real, subject: &str) {
    for folder in ["cur", "new"] {
        for entry in fs::read_dir(real.maildir("INBOX").join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            if text.lines().any(|line| line == format!("Subject: {subject}")) {
                fs::remove_file(&path).expect("a file");
                fs::create_dir(&path).expect("a folder in its place");
                super::run("chmod", &["0777", &super::text(&path)]);
                return;
            }
        }
    }
    panic!("there is no file of {subject}");
}

#[tokio::test]
async fn messages_that_dovecot_can_not_read_keep_back_no_others() {
    for capability in SERVERS {
        within(LIMIT, async {
            let real = Real::filled(capability).await;
            for number in 7..=40 {
                real.arrives("INBOX", &format!("message {number}")).await;
            }
            // The newest, too: by it a look sees whether the server was restored.
            for number in [2, 20, 21, 40] {
                spoil(&real, &format!("message {number}"));
            }
            let client = real.client().await;
            let inbox = client.store.mailbox_named("INBOX").await.expect("there");
            let info = inbox.info().await.expect("there");
            assert_eq!((all(&inbox).await.len(), info.failure), (36, None), "{capability:?}");
            // One that was read, and can't be read now: what is queued for it and for others is
            // done.
            spoil(&real, "message 10");
            for subject in ["message 10", "message 11"] {
                let id = by_subject(&client.store, subject).await.id;
                client.store.flag([id], Flag::Flagged, Flags::new()).await.expect("queued");
            }
            real.arrives("INBOX", "message 41").await;
            client.in_step().await;
            assert_eq!(operations(&client.store).await, [], "{capability:?}");
            assert_eq!(all(&inbox).await.len(), 37);
            for (subject, is_there) in [("message 10", false), ("message 11", true), ("message 41", true)] {
                let one = by_subject(&client.store, subject).await;
                assert_eq!(one.flags.contains(&Flag::Flagged), subject != "message 41", "{subject}");
                let body = client.store.body(one.id).await;
                assert_eq!(body.is_ok(), is_there, "{subject}: {:?}", body.err());
            }
        })
        .await;
    }
}
