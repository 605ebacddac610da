//! Users' own commands, raw ones, and IDLE by hand.

use std::time::Duration;

use imap_duplex::command::{Claim, Class, Command, Flow, Line, Session};
use imap_duplex::types::{Done, Untagged};
use imap_duplex::{ErrorKind, Result, Sent};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::server::Options;
use crate::support::within;

/// `GETQUOTAROOT` (RFC 9208), with its answers as text.
struct QuotaRoot(&'static str);

impl Command for QuotaRoot {
    type Item = String;
    type Output = Vec<String>;

    fn name(&self) -> &str {
        "GETQUOTAROOT"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["QUOTA", "QUOTAROOT"]).with_raw()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("QUOTA") {
            return Err(imap_duplex::Error::unsupported("no quota here"));
        }
        line.atom("GETQUOTAROOT").mailbox(&self.0.into());
        Ok(Flow::Last)
    }

    fn claims(&self, _: &Untagged) -> Claim {
        Claim::Whole
    }

    fn item(response: Untagged) -> Option<String> {
        Some(String::from_utf8_lossy(response.raw()?).into_owned())
    }

    fn finish(self, done: Done, items: Vec<String>) -> Result<Vec<String>> {
        assert_eq!(done.status.status, imap_duplex::types::Status::Ok);
        Ok(items)
    }
}

#[tokio::test]
async fn a_users_own_command_beside_the_librarys() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        a.imap.create("Grüße").await.expect("CREATE");
        let quota = a.imap.submit(QuotaRoot("Grüße"));
        let list = a.imap.list("*");
        let answers = quota.await.expect("GETQUOTAROOT");
        assert_eq!(answers.len(), 2, "{answers:?}");
        // In UTF-8 where IMAP4rev2 has been enabled.
        let named = ["Gr&APwA3w-e", "Grüße"].iter().any(|name| answers[0].contains(name));
        assert!(answers[0].starts_with("* QUOTAROOT ") && named, "{answers:?}");
        assert!(answers[1].starts_with("* QUOTA "), "{answers:?}");
        assert_eq!(list.await.expect("LIST").len(), 5);
        assert_eq!(a.events.ready_briefs(), ["created Grüße", "CREATE OK", "GETQUOTAROOT OK", "LIST OK"]);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_users_own_command_that_the_server_lacks_is_not_sent() {
    within(LIMIT, async {
        let options = Options { capability: Some("IMAP4rev1".into()), ..Options::default() };
        let (a, log) = Account::recorded(&options, |config| config.auto_idle(false)).await;
        let error = a.imap.submit(QuotaRoot("INBOX")).await.expect_err("it says so itself");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        assert_eq!(error.to_string(), "GETQUOTAROOT: no quota here");
        assert!(!log.written().contains("QUOTA"));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn raw_lines() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two"]).await;
        let inbox = a.inbox().await;
        let result = a.imap.raw("NAMESPACE").await.expect("NAMESPACE");
        let text: Vec<_> = result.responses.iter().filter_map(|response| response.raw()).collect();
        assert_eq!(text.len(), 1, "{text:?}");
        assert!(text[0].starts_with(b"* NAMESPACE (("), "{text:?}");
        let result =
            inbox.submit(imap_duplex::command::Raw::new("UID SORT (SUBJECT) UTF-8 ALL")).await.expect("SORT");
        assert_eq!(result.responses[0].name(), "SORT");
        let line = format!("UID FETCH {} (PREVIEW)", uids[0]);
        let result = inbox.submit(imap_duplex::command::Raw::new(line)).await.expect("FETCH");
        let raw = result.responses[0].raw().expect("its bytes").clone();
        assert!(String::from_utf8_lossy(&raw).contains("It is open"), "{raw:?}");
        let error = a.imap.raw("NONSENSE").await.expect_err("no such command");
        assert_eq!((error.kind(), error.command()), (ErrorKind::Bad, Some("NONSENSE")));
        let error = a.imap.raw("SELECT INBOX").await.expect_err("behind the library's back");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
        assert!(!inbox.has_ended());
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn idle_by_hand() {
    within(LIMIT, async {
        let (mut a, log) = Account::recorded(&Options::default(), |config| config.auto_idle(false)).await;
        let inbox = a.inbox().await;
        let mut idle = inbox.idle();
        log.until("IDLE", |writes| writes.concat().ends_with("IDLE\r\n")).await;
        let uid = a.server.deliver(&a.user, "INBOX", MESSAGE.as_bytes()).await;
        let event = a.events.until("it came", |event| event.name() == "exists").await;
        assert!(event.is_in(&inbox));
        assert_eq!(inbox.exists(), 1);
        // To learn its UID the library has to leave IDLE.
        a.events.until_brief(&format!("arrived 1 uid {uid}")).await;
        assert!(log.written().contains("DONE\r\n"));
        tokio::time::timeout(Duration::from_secs(5), &mut idle).await.expect("it ended").expect("OK");

        let idle = inbox.idle();
        log.take();
        log.until("IDLE", |writes| writes.is_empty() || writes.concat().contains("IDLE\r\n")).await;
        // Ended by the next command.
        let noop = a.imap.noop();
        idle.await.expect("OK");
        noop.await.expect("OK");
        // Ended by cancel.
        inbox.idle().cancel();
        a.imap.noop().await.expect("OK");
        a.finish().await;
    })
    .await;
}
