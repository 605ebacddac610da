//! Line 2: a command is in the tag table, with its claim, before its first byte can reach the server: no answer can come
//! too early to be known.

use imap_duplex::ErrorKind;
use imap_duplex::command::StatusItems;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::client::Events;
use crate::session::{LIMIT, quiet};
use crate::support::within;

/// A client whose server takes five bytes until it reads.
async fn narrow() -> (imap_duplex::Sender, Events, DuplexStream) {
    let (theirs, mut server) = duplex(5);
    let greeting = async {
        server
            .write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] ready\r\n")
            .await
            .expect("the client reads");
    };
    let config = quiet();
    let (connected, ()) = tokio::join!(config.connect_over(theirs), greeting);
    let (imap, receiver) = connected.expect("a greeting");
    (imap, Events::strict(receiver), server)
}

/// Reads up to a space: the tag of a command, of which no more has been looked at.
async fn tag(server: &mut DuplexStream) -> String {
    let mut tag = String::new();
    loop {
        match server.read_u8().await.expect("the client writes") {
            b' ' => return tag,
            byte => tag.push(byte.into()),
        }
    }
}

async fn rest_of_line(server: &mut DuplexStream) -> String {
    let mut line = String::new();
    while !line.ends_with("\r\n") {
        line.push(server.read_u8().await.expect("the client writes").into());
    }
    line
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_command_is_wholly_written_is_its_own() {
    within(LIMIT, async {
        let (imap, mut events, mut server) = narrow().await;
        let token = imap.status("Drafts", StatusItems::new().messages());
        let tag = tag(&mut server).await;
        server
            .write_all(format!("* STATUS Drafts (MESSAGES 5)\r\n{tag} OK done\r\n").as_bytes())
            .await
            .expect("the client reads while it writes");
        assert_eq!(token.await.expect("answered").messages, Some(5));
        assert_eq!(rest_of_line(&mut server).await, "STATUS Drafts (MESSAGES)\r\n");
        assert_eq!(events.ready_briefs(), ["STATUS OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_the_command_is_wholly_written_is_its_own_and_the_next_goes_on() {
    within(LIMIT, async {
        let (imap, _events, mut server) = narrow().await;
        let first = imap.status("Drafts", StatusItems::new().messages());
        let second = imap.status("Sent", StatusItems::new().messages());
        let early = tag(&mut server).await;
        server.write_all(format!("{early} NO [NONEXISTENT] none\r\n").as_bytes()).await.expect("it reads");
        let error = first.await.expect_err("it was refused");
        assert_eq!(error.kind(), ErrorKind::No);
        assert_eq!(error.code().map(|code| code.name()), Some("NONEXISTENT"));

        assert_eq!(rest_of_line(&mut server).await, "STATUS Drafts (MESSAGES)\r\n");
        let next = tag(&mut server).await;
        assert_ne!(next, early);
        assert_eq!(rest_of_line(&mut server).await, "STATUS Sent (MESSAGES)\r\n");
        server
            .write_all(format!("* STATUS Sent (MESSAGES 1)\r\n{next} OK done\r\n").as_bytes())
            .await
            .expect("it reads");
        assert_eq!(second.await.expect("answered").messages, Some(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tags_are_never_used_twice() {
    within(LIMIT, async {
        let (imap, _events, mut server) = narrow().await;
        let mut tags = std::collections::HashSet::new();
        for _ in 0..200 {
            let token = imap.noop();
            let tag = tag(&mut server).await;
            assert_eq!(rest_of_line(&mut server).await, "NOOP\r\n");
            server.write_all(format!("{tag} OK\r\n").as_bytes()).await.expect("it reads");
            token.await.expect("answered");
            assert!(tags.insert(tag));
        }
    })
    .await;
}
