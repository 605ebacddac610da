//! Promise 2: a command is in the tag table, with its claim, before its first byte can reach the
//! server: no answer can come too early to be known.

use imap_duplex::ErrorKind;
use imap_duplex::command::StatusItems;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::client::Events;
use crate::session::{LIMIT, quiet};
use crate::support::within;

/// A client whose server takes five bytes until it reads.
async fn narrow() -> (imap_duplex::Sender, Events, DuplexStream) {
    narrow_with(Events::strict).await
}

async fn narrow_with(
    events: fn(imap_duplex::Receiver) -> Events,
) -> (imap_duplex::Sender, Events, DuplexStream) {
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
    (imap, events(receiver), server)
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

/// RFC 9051 section 2.2.2: a tagged response answers a command that the server has received.
#[tokio::test(start_paused = true)]
async fn a_guess_at_the_tag_of_what_waits_to_be_written_ends_nothing() {
    for guessed in ["NO refused", "OK done", "BAD what", "gibberish"] {
        within(LIMIT, async {
            let (imap, mut events, mut server) = narrow_with(Events::any).await;
            let first = imap.status("Drafts", StatusItems::new().messages());
            let mut second = imap.status("Sent", StatusItems::new().messages());
            let early = tag(&mut server).await;
            let number: u32 = early[1..].parse().expect("a letter and a number");
            let guess = format!("{}{}", &early[..1], number + 1);
            server.write_all(format!("{guess} {guessed}\r\n").as_bytes()).await.expect("it reads");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            assert!(futures_now(&mut second).is_none(), "{guessed}: nothing of it has been written");

            assert_eq!(rest_of_line(&mut server).await, "STATUS Drafts (MESSAGES)\r\n");
            assert_eq!(tag(&mut server).await, guess);
            assert_eq!(rest_of_line(&mut server).await, "STATUS Sent (MESSAGES)\r\n");
            for (tag, name, count) in [(&early, "Drafts", 5), (&guess, "Sent", 1)] {
                let answer = format!("* STATUS {name} (MESSAGES {count})\r\n{tag} OK done\r\n");
                server.write_all(answer.as_bytes()).await.expect("it reads");
            }
            assert_eq!(first.await.expect("answered").messages, Some(5));
            assert_eq!(second.await.expect("answered").messages, Some(1));
            let reported = events.ready_briefs();
            assert_eq!(reported.len(), 3, "{reported:?}");
            assert_eq!(
                reported[1..],
                ["STATUS OK", "STATUS OK"],
                "what was guessed is reported, and ends nothing"
            );
        })
        .await;
    }
}

/// What a future gives at once, if it does.
fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut cx) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
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
