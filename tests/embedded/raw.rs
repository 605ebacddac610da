//! A session of the embedded server over a pipe: raw lines in and out, and what it sends unasked.

use std::time::Duration;

use imap_duplex::testing::Server;
use tokio::io::DuplexStream;

use crate::support::PASSWORD;
use crate::support::other::Other;

pub(crate) type Raw = Other<DuplexStream>;

/// How long something is waited for that must not come.
const SILENCE: Duration = Duration::from_millis(50);

/// A session that has logged in.
pub(crate) async fn session(server: &Server) -> Raw {
    assert_eq!(server.password(), PASSWORD);
    let mut session = Other::over(server.connect()).await;
    session.login(server.user()).await;
    session
}

/// A session with INBOX selected, and these extensions enabled.
pub(crate) async fn inbox(server: &Server, enable: &str) -> Raw {
    let mut session = session(server).await;
    if !enable.is_empty() {
        session.command(&format!("ENABLE {enable}")).await;
    }
    session.select("INBOX").await;
    session
}

/// The next response, as text.
pub(crate) async fn next(session: &mut Raw) -> String {
    String::from_utf8_lossy(&session.response().await).into_owned()
}

/// It says nothing now.
pub(crate) async fn silent(session: &mut Raw) {
    let said = tokio::time::timeout(SILENCE, session.read_response()).await;
    assert!(said.is_err(), "{:?}", said.map(|said| said.map(|s| String::from_utf8_lossy(&s).into_owned())));
}

/// It ends.
pub(crate) async fn ends(session: &mut Raw) {
    let end = tokio::time::timeout(Duration::from_secs(5), session.read_response()).await;
    assert_eq!(end.expect("it closes"), None);
}

/// The lines without those that report no change: RECENT.
pub(crate) fn without_recent(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.ends_with(" RECENT")).collect()
}
