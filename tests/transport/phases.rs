//! A server that hangs in each phase: the error names the phase, who is waited for, and the limit.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use imap_duplex::types::CloseReason;
use imap_duplex::{Config, ErrorKind, Timeouts, TlsBackend};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::within;
use crate::{LIMIT, SECRET, fails};

const SHORT: Duration = Duration::from_millis(200);

/// A server that says each of these in answer to something, and nothing more.
async fn silent_after(says: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut block = vec![0; 4096];
                for (at, text) in says.iter().enumerate() {
                    let mut tag = String::new();
                    if at > 0 {
                        let count = stream.read(&mut block).await?;
                        let line = String::from_utf8_lossy(&block[..count]).into_owned();
                        tag = line.split(' ').next().unwrap_or_default().to_owned();
                    }
                    stream.write_all(text.replace("TAG", &tag).as_bytes()).await?;
                }
                while stream.read(&mut block).await? > 0 {}
                std::io::Result::Ok(())
            });
        }
    });
    address
}

/// Only the limit of this phase is short.
fn limited(phase: fn(&mut Timeouts) -> &mut Duration) -> Timeouts {
    let mut timeouts = Timeouts::default();
    *phase(&mut timeouts) = SHORT;
    timeouts
}

#[tokio::test]
async fn each_phase_has_a_limit_of_its_own_and_a_name() {
    const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR STARTTLS] ready\r\n";
    within(LIMIT, async {
        let silent = silent_after(&[]).await;
        let greets = silent_after(&[GREETING]).await;
        let starts_tls = silent_after(&[GREETING, "TAG OK go ahead\r\n"]).await;
        let at = |address: SocketAddr, timeouts: Timeouts| {
            Config::new("127.0.0.1").port(address.port()).timeouts(timeouts).login("alice", SECRET)
        };
        for backend in [TlsBackend::Rustls, TlsBackend::Native] {
            let hanging = at(silent, limited(|t| &mut t.tls)).tls_backend(backend);
            let after = at(starts_tls, limited(|t| &mut t.tls)).tls_backend(backend).starttls();
            for config in [hanging, after] {
                let error = fails(&config).await;
                assert_eq!(error.kind(), ErrorKind::Timeout, "{error:#}");
                assert!(
                    error.to_string().contains("TLS with 127.0.0.1 was not agreed on within 200ms"),
                    "{error}"
                );
            }
        }
        let error = fails(&at(silent, limited(|t| &mut t.greeting)).plaintext()).await;
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:#}");
        let text = format!("no greeting of 127.0.0.1 port {} within 200ms", silent.port());
        assert_eq!(error.to_string(), text);
        for config in [
            at(greets, limited(|t| &mut t.login)).plaintext(),
            at(greets, limited(|t| &mut t.login)).starttls(),
        ] {
            let error = fails(&config).await;
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error:#}");
            assert!(error.to_string().contains("the login took longer than 200ms"), "{error}");
            assert!(error.to_string().contains("alice at 127.0.0.1"), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn silence_while_a_command_is_in_flight_ends_the_connection_and_names_the_limit() {
    within(LIMIT, async {
        let server = silent_after(&[
            "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n",
            "TAG OK [CAPABILITY IMAP4rev1] in\r\n",
        ])
        .await;
        let timeouts = limited(|t| &mut t.silence);
        let config = Config::new("127.0.0.1").port(server.port()).plaintext().timeouts(timeouts);
        let (imap, mut events) = config.login("alice", SECRET).connect().await.expect("it logs in");
        let error = imap.noop().await.expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:#}");
        assert!(matches!(error.close_reason(), Some(CloseReason::Timeout { .. })), "{error:?}");
        assert!(error.to_string().contains("200ms"), "{error}");
        while events.next().await.is_some() {}
    })
    .await;
}
