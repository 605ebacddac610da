//! By a Unix socket, over a stream that is there already, by a URL.

use imap_duplex::testing::Server;
use imap_duplex::{Config, ErrorKind};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};

use crate::support::within;
use crate::{LIMIT, account, fails, works};

#[tokio::test]
async fn by_a_unix_socket_in_clear_text_or_by_tls() {
    within(LIMIT, async {
        let server = Server::new();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("imap");
        let listener = UnixListener::bind(&path).expect("a socket");
        let plain = server.listen().await.expect("a port");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(plain).await?;
                    copy_bidirectional(&mut stream, &mut server).await
                });
            }
        });
        let config = Config::unix(&path).login(server.user(), server.password());
        assert_eq!(config.get_unix(), Some(path.as_path()));
        works(&config).await;
        let authority = server.certificate().expect("it has one").pem().to_owned();
        works(&config.starttls().trust_certificate(authority)).await;
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_is_not_there_or_not_served() {
    within(LIMIT, async {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("imap");
        let error = fails(&Config::unix(&path)).await;
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert_eq!(
            error.to_string(),
            format!("no connection to the socket {}: there is none", path.display())
        );
        drop(UnixListener::bind(&path).expect("a socket"));
        let error = fails(&Config::unix(&path)).await;
        assert!(error.to_string().contains("no server listens there"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn tls_over_a_stream_that_leads_to_the_server() {
    within(LIMIT, async {
        let server = Server::new();
        let tls = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let plain = server.listen().await.expect("a port");
        for (to, starttls) in [(tls, false), (plain, true)] {
            for config in account(&server, "localhost") {
                let config = if starttls { config.starttls() } else { config };
                let stream = TcpStream::connect(to).await.expect("it listens");
                let (imap, _events) = config.connect_through(stream).await.expect("TLS over it");
                imap.noop().await.expect("NOOP");
                let session = server.sessions().into_iter().find(|session| session.is_connected());
                assert!(session.expect("it is there").is_secure());
                imap.logout().await.expect("LOGOUT");
            }
        }
        // The name counts, though nothing is dialled.
        let [rustls, native] = account(&server, "imap.test");
        for config in [rustls, native] {
            let stream = TcpStream::connect(tls).await.expect("it listens");
            let error = config.connect_through(stream).await.map(drop).expect_err("another name");
            assert_eq!(error.kind(), ErrorKind::Certificate, "{error:#}");
            assert!(error.to_string().contains("imap.test"), "{error:#}");
        }
    })
    .await;
}

#[tokio::test]
async fn by_a_url() {
    within(LIMIT, async {
        let server = Server::new();
        let authority = server.certificate().expect("it has one").pem().to_owned();
        let tls = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let plain = server.listen().await.expect("a port");
        let person = format!("{}:{}", server.user(), server.password());
        for url in [
            format!("imaps://{person}@localhost:{}/INBOX", tls.port()),
            format!("imap://{person}@127.0.0.1:{}", plain.port()),
        ] {
            works(&Config::from_url(&url).expect("a URL").trust_certificate(authority.clone())).await;
        }
    })
    .await;
}
