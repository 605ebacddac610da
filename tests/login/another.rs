//! A second opinion on SCRAM, by the crate io-sasl: it logs in at the embedded server, and computes
//! what our client has to send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use imap_duplex::testing::Server;
use imap_duplex::{Config, Mechanism};
use io_sasl::coroutine::{SaslArg, SaslCoroutine, SaslCoroutineState, SaslYield};
use io_sasl::rfc5801::SaslGs2ChannelBinding;
use io_sasl::rfc5802::SaslScramCreds;
use io_sasl::rfc5802::scram_sha_1::SaslScramSha1;
use io_sasl::rfc7677::scram_sha_256::SaslScramSha256;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::support::other::Other;
use crate::support::wire::Peer;
use crate::support::within;
use crate::{LIMIT, server};

fn credentials(
    user: &str,
    password: &str,
    nonce: &str,
    channel_binding: SaslGs2ChannelBinding,
) -> SaslScramCreds {
    let (username, password, nonce) = (user.to_owned(), password.to_owned().into(), nonce.into());
    SaslScramCreds { username, password, nonce, channel_binding }
}

/// What it answers.
fn step(client: &mut dyn Client, challenge: Option<&[u8]>) -> Result<Vec<u8>, String> {
    client.step(challenge.map_or(SaslArg::None, SaslArg::Input))
}

trait Client {
    fn step(&mut self, arg: SaslArg<'_>) -> Result<Vec<u8>, String>;
}

impl<C: SaslCoroutine<Error: std::fmt::Debug>> Client for C {
    fn step(&mut self, arg: SaslArg<'_>) -> Result<Vec<u8>, String> {
        match self.resume(arg) {
            SaslCoroutineState::Yielded(SaslYield::WantsWrite(bytes)) => Ok(bytes),
            SaslCoroutineState::Complete(Ok(())) => Ok(b"complete".to_vec()),
            other => Err(format!("{other:?}")),
        }
    }
}

fn client(name: &str, credentials: SaslScramCreds) -> Box<dyn Client> {
    if name.starts_with("SCRAM-SHA-256") {
        Box::new(SaslScramSha256::new(credentials))
    } else {
        Box::new(SaslScramSha1::new(credentials))
    }
}

/// Logs in by it, over a stream to the embedded server; gives the tagged line.
async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    name: &str,
    (user, password): (&str, &str),
    binding: SaslGs2ChannelBinding,
) -> String {
    let mut session = Other::over(stream).await;
    let mut client = client(name, credentials(user, password, "fyko+d2lbbFgONRv9qkxdawL", binding));
    let first = step(&mut *client, None).expect("a first message");
    let tag = session.send(&format!("AUTHENTICATE {name} {}", BASE64.encode(first))).await;
    loop {
        let line = String::from_utf8(session.response().await).expect("text");
        if let Some(rest) = line.strip_prefix(&format!("{tag} ")) {
            if rest.starts_with("OK") {
                let complete = client.step(SaslArg::Done).expect("it is satisfied, too");
                assert_eq!(complete, b"complete");
            }
            return rest.trim_end().to_owned();
        }
        let challenge = line.strip_prefix("+ ").unwrap_or_else(|| panic!("no challenge: {line}"));
        let challenge = BASE64.decode(challenge.trim_end()).expect("base64");
        // What it does not accept is given up.
        match step(&mut *client, Some(&challenge)) {
            Ok(answer) => session.write(format!("{}\r\n", BASE64.encode(answer)).as_bytes()).await,
            Err(_) => session.write(b"*\r\n").await,
        }
    }
}

#[tokio::test]
async fn the_embedded_server_takes_it() {
    within(LIMIT, async {
        let server = server();
        for name in ["SCRAM-SHA-256", "SCRAM-SHA-1"] {
            let unbound = SaslGs2ChannelBinding::Unsupported;
            let tagged = log_in(server.connect(), name, ("alice", "secret"), unbound.clone()).await;
            assert!(tagged.starts_with("OK [CAPABILITY "), "{name}: {tagged}");
            let tagged =
                log_in(server.connect(), name, ("alice", "secret"), SaslGs2ChannelBinding::Unused).await;
            assert!(tagged.starts_with("OK [CAPABILITY "), "{name}, nothing to bind to: {tagged}");
            for wrong in [("alice", "hunter2"), ("ann", "secret")] {
                let tagged = log_in(server.connect(), name, wrong, unbound.clone()).await;
                assert!(tagged.starts_with("BAD ") || tagged.starts_with("NO "), "{name}: {tagged}");
            }
        }
        let odd = Server::builder().mechanisms(["SCRAM-SHA-256"]).user("a,b=c", "gr\u{fc}n").start();
        let unbound = SaslGs2ChannelBinding::Unsupported;
        let tagged = log_in(odd.connect(), "SCRAM-SHA-256", ("a,b=c", "gru\u{308}n"), unbound).await;
        assert!(tagged.starts_with("OK "), "{tagged}");
    })
    .await;
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn the_embedded_server_takes_it_bound_to_tls() {
    use std::sync::Arc;

    use io_sasl::rfc5801::SaslGs2ChannelBindingKind;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    within(LIMIT, async {
        let server = server();
        let address = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let mut roots = RootCertStore::empty();
        let authority = server.certificate().expect("made").der().to_vec();
        roots.add(authority.into()).expect("an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        for (name, is_right) in
            [("SCRAM-SHA-256-PLUS", true), ("SCRAM-SHA-1-PLUS", true), ("SCRAM-SHA-256-PLUS", false)]
        {
            let stream = tokio::net::TcpStream::connect(address).await.expect("connected");
            let name_of_server = "localhost".try_into().expect("a name");
            let stream = connector.connect(name_of_server, stream).await.expect("TLS");
            let exported =
                stream.get_ref().1.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""));
            let mut data = exported.expect("keying material").to_vec();
            data[0] ^= u8::from(!is_right);
            let kind = SaslGs2ChannelBindingKind::TlsExporter;
            let bound = SaslGs2ChannelBinding::Bound { kind, data };
            let tagged = log_in(stream, name, ("alice", "secret"), bound).await;
            assert_eq!(tagged.starts_with("OK "), is_right, "{name}: {tagged}");
        }
        // The binding is offered, and not used.
        let stream = tokio::net::TcpStream::connect(address).await.expect("connected");
        let stream = connector.connect("localhost".try_into().expect("a name"), stream).await.expect("TLS");
        let unused = SaslGs2ChannelBinding::Unused;
        let tagged = log_in(stream, "SCRAM-SHA-256", ("alice", "secret"), unused).await;
        assert!(!tagged.starts_with("OK "), "{tagged}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn our_client_sends_what_it_would() {
    within(LIMIT, async {
        for (mechanism, user, password) in [
            (Mechanism::ScramSha256, "user", "pencil"),
            (Mechanism::ScramSha1, "user", "pencil"),
            (Mechanism::ScramSha256, "a,b=c", "gru\u{308}n \u{2168}"),
        ] {
            let name = mechanism.name();
            let (stream, mut server) = Peer::pair();
            let config = Config::new("localhost").plaintext().login(user, password);
            let serving = async {
                server.say(&format!("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH={name}] ready")).await;
                let (_, first) = server.expect_start(&format!("AUTHENTICATE {name} ")).await;
                let first = BASE64.decode(first).expect("base64");
                let text = String::from_utf8(first.clone()).expect("text");
                let (_, nonce) = text.rsplit_once(",r=").expect("a nonce");
                assert!(nonce.len() >= 24, "{nonce}");
                let unbound = SaslGs2ChannelBinding::Unsupported;
                let mut other = client(name, credentials(user, password, nonce, unbound));
                assert_eq!(step(&mut *other, None).as_deref(), Ok(&first[..]), "{text}");
                let challenge = format!("r={nonce}%hvYDpWUa2RaTCAfuxFIlj,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
                let wanted = step(&mut *other, Some(challenge.as_bytes())).expect("a proof");
                server.say(&format!("+ {}", BASE64.encode(&challenge))).await;
                server.expect_line(&BASE64.encode(wanted)).await;
                server
            };
            let (_end, _server) = tokio::join!(
                tokio::time::timeout(std::time::Duration::from_secs(1), config.connect_over(stream)),
                serving
            );
        }
    })
    .await;
}
