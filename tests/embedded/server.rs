//! The server of the tests in `tests/live`: the embedded one, in a thread and a runtime of its own,
//! as another process would be.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;

use imap_duplex::testing;
use tokio::sync::oneshot;

use crate::support::PASSWORD;
use crate::support::other::Other;

/// What it calls itself by ID.
pub(crate) const NAME: &str = "imap-duplex test server";

/// What its BADEVENT names: all events it supports.
pub(crate) const BAD_EVENT: &[&str] =
    &["MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange"];

/// Whether an APPEND to a mailbox that is not there is refused before its message is sent.
pub(crate) const REFUSES_FIRST: bool = false;

/// Which literals without a wait are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Literals {
    #[default]
    Plus,
    Minus,
    Wait,
}

/// How the server is to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// What it has, and nothing else.
    pub(crate) capability: Option<String>,
    pub(crate) literals: Literals,
    pub(crate) require_tls: bool,
    pub(crate) no_tls: bool,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    server: Option<testing::Server>,
    plain: SocketAddr,
    tls: SocketAddr,
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

fn built(options: &Options) -> testing::Server {
    let mut builder = testing::Server::builder().any_user(PASSWORD);
    if let Some(capabilities) = &options.capability {
        // What this server has not is not claimed either.
        builder =
            builder.only(capabilities.split_whitespace().filter(|name| testing::EXTENSIONS.contains(name)));
    }
    builder = match options.literals {
        Literals::Plus => builder,
        Literals::Minus => builder.without(["LITERAL+"]),
        Literals::Wait => builder.without(["LITERAL+", "LITERAL-"]),
    };
    if options.require_tls {
        builder = builder.require_tls();
    }
    if options.no_tls {
        builder = builder.no_tls();
    }
    builder.start()
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&Options::default())
    }

    pub(crate) fn with(options: &Options) -> Self {
        let server = built(options);
        let (ended, end) = oneshot::channel::<()>();
        let (sender, receiver) = mpsc::channel();
        let served = server.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let plain = served.listen().await.expect("a port");
                let tls = served.listen_tls((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
                drop(served);
                sender.send((plain, tls)).expect("somebody waits");
                let _ = end.await;
                // The sessions say goodbye, as far as they get.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            });
        });
        let (plain, tls) = receiver.recv().expect("it listens");
        Self { server: Some(server), plain, tls, thread: Some((ended, thread)) }
    }

    pub(crate) fn plain_addr(&self) -> SocketAddr {
        self.plain
    }

    pub(crate) fn tls_addr(&self) -> SocketAddr {
        self.tls
    }

    fn server(&self) -> &testing::Server {
        self.server.as_ref().expect("it runs")
    }

    pub(crate) fn authority(&self) -> Vec<u8> {
        self.server().certificate().expect("it was made").pem().as_bytes().to_vec()
    }

    pub(crate) fn has_logins(&self) -> bool {
        self.server()
            .received()
            .iter()
            .any(|response| ["LOGIN", "AUTHENTICATE"].contains(&response.name.as_str()))
    }

    /// Another session, logged in as `user`.
    pub(crate) async fn session(&self, user: &str) -> Other {
        let mut session = Other::connect(self.plain).await;
        session.login(user).await;
        session
    }

    /// Puts `message` into `mailbox` of `user`, by another session, and gives its UID.
    pub(crate) async fn deliver(&self, user: &str, mailbox: &str, message: &[u8]) -> u32 {
        let mut session = self.session(user).await;
        let uid = session.append(mailbox, "", message).await;
        session.logout().await;
        uid
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.server.take());
        if let Some((end, thread)) = self.thread.take() {
            let _ = end.send(());
            let _ = thread.join();
        }
    }
}
