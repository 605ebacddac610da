//! Host and port from an address by SRV records, at a name server of the test's own on loopback.
//! Autoconfig files are beside the code.
#![cfg(feature = "discover")]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::{Candidate, Discover, ErrorKind, Remedy};
use support::within;
use tokio::net::UdpSocket;

const LIMIT: Duration = Duration::from_secs(60);
const NO_SUCH_NAME: u8 = 3;
const REFUSED: u8 = 5;

/// Priority, weight, port, target.
type Srv = (u16, u16, u16, &'static str);

/// A name server over UDP that has these records; for a name of which it has none it says so, and
/// for one with a number it says that.
async fn name_server(zone: &[(&'static str, Result<Vec<Srv>, u8>)]) -> SocketAddr {
    let zone: BTreeMap<_, _> = zone.iter().cloned().collect();
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut query = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut query).await.expect("received");
            let answer = answer(&query[..length], &zone);
            socket.send_to(&answer, from).await.expect("sent");
        }
    });
    address
}

/// The answer to one query (RFC 1035 section 4, RFC 2782).
fn answer(query: &[u8], zone: &BTreeMap<&str, Result<Vec<Srv>, u8>>) -> Vec<u8> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    let question = &query[12..at + 5];
    let is_srv = query[at + 1..at + 3] == [0, 33];
    let found = zone.get(labels.join(".").as_str()).cloned().unwrap_or(Err(NO_SUCH_NAME));
    let (records, code) = match found {
        Ok(records) if is_srv => (records, 0),
        Ok(_) => (Vec::new(), 0),
        Err(code) => (Vec::new(), code),
    };
    let count = u16::try_from(records.len()).expect("few");
    let mut answer =
        [&query[..2], &[0x85, 0x80 | code, 0, 1], &count.to_be_bytes(), &[0; 4], question].concat();
    for (priority, weight, port, target) in records {
        let mut data = [priority, weight, port].map(u16::to_be_bytes).concat();
        for label in target.split('.').filter(|label| !label.is_empty()) {
            data.push(u8::try_from(label.len()).expect("short"));
            data.extend_from_slice(label.as_bytes());
        }
        data.push(0);
        // The name by reference, SRV, IN, an hour.
        answer.extend_from_slice(&[0xc0, 12, 0, 33, 0, 1, 0, 0, 0x0e, 0x10]);
        answer.extend_from_slice(&u16::try_from(data.len()).expect("short").to_be_bytes());
        answer.extend_from_slice(&data);
    }
    answer
}

fn shown(candidates: &[Candidate]) -> Vec<String> {
    let one = |c: &Candidate| {
        let how = if c.is_tls_from_the_start() { "tls" } else { "starttls" };
        let whose = if c.is_within_domain() { "own" } else { "foreign" };
        format!("{}:{} {how} {whose} {}", c.host(), c.port(), c.user())
    };
    candidates.iter().map(one).collect()
}

#[tokio::test]
async fn servers_come_in_the_order_of_service_priority_and_weight() {
    within(LIMIT, async {
        let imaps = vec![
            (20, 0, 993, "backup.example.org."),
            (10, 0, 1993, "mail.example.net."),
            (0, 100, 993, "IMAP.example.org."),
        ];
        let zone = [
            ("_imaps._tcp.example.org", Ok(imaps)),
            (
                "_imap._tcp.example.org",
                Ok(vec![(0, 0, 143, "imap.example.org."), (0, 0, 0, "no-port.example.org.")]),
            ),
        ];
        let discover = Discover::new().name_server(name_server(&zone).await);
        let found = discover.srv("alice@Example.org").await.expect("found");
        assert_eq!(
            shown(&found),
            [
                "imap.example.org:993 tls own alice@Example.org",
                "mail.example.net:1993 tls foreign alice@Example.org",
                "backup.example.org:993 tls own alice@Example.org",
                "imap.example.org:143 starttls own alice@Example.org",
            ]
        );
        let config = found[3].config();
        assert_eq!((config.get_host(), config.get_port()), ("imap.example.org", 143));
    })
    .await;
}

#[tokio::test]
async fn a_heavier_server_comes_first_more_often_and_a_lighter_one_at_times() {
    within(LIMIT, async {
        let zone = [(
            "_imaps._tcp.example.org",
            Ok(vec![(0, 50, 993, "a.example.org."), (0, 50, 993, "b.example.org.")]),
        )];
        let discover = Discover::new().name_server(name_server(&zone).await);
        let mut firsts = BTreeMap::new();
        for _ in 0..100 {
            let found = discover.srv("alice@example.org").await.expect("found");
            assert_eq!(found.len(), 2);
            *firsts.entry(found[0].host().to_owned()).or_insert(0) += 1;
        }
        assert!(firsts.len() == 2 && firsts.values().all(|count| *count > 20), "{firsts:?}");
    })
    .await;
}

#[tokio::test]
async fn a_dot_says_that_there_is_none_and_the_other_service_still_counts() {
    within(LIMIT, async {
        let none = || Ok(vec![(0, 0, 0, ".")]);
        let zone = [
            ("_imaps._tcp.none.test", none()),
            ("_imap._tcp.none.test", none()),
            ("_imaps._tcp.old.test", none()),
            ("_imap._tcp.old.test", Ok(vec![(0, 0, 143, "imap.old.test.")])),
            ("_imaps._tcp.broken.test", Err(REFUSED)),
            ("_imap._tcp.empty.test", Ok(Vec::new())),
        ];
        let discover = Discover::new().name_server(name_server(&zone).await);
        let old = discover.srv("a@old.test").await.expect("found");
        assert_eq!(shown(&old), ["imap.old.test:143 starttls own a@old.test"]);
        for (address, remedy, why) in [
            ("a@none.test", Some(Remedy::Setup), "none.test says by its SRV records that it has no IMAP"),
            ("a@nothing.test", Some(Remedy::Setup), "no SRV record says where the mail of nothing.test is"),
            ("a@empty.test", Some(Remedy::Setup), "no SRV record says where the mail of empty.test is"),
            ("a@broken.test", Some(Remedy::Later { after: None }), "can't be looked up"),
        ] {
            let error = discover.srv(address).await.expect_err(address);
            assert_eq!((error.kind(), error.remedy()), (ErrorKind::Resolve, remedy), "{error:#}");
            assert!(error.to_string().contains(why), "{error:#}");
        }
        for address in ["a@", "nothing", "a@b..c"] {
            assert_eq!(
                discover.srv(address).await.expect_err(address).kind(),
                ErrorKind::Invalid,
                "{address}"
            );
        }
    })
    .await;
}

/// From the address to a session: the certificate is checked for the host that the record names.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn what_is_found_can_be_connected_to() {
    within(LIMIT, async {
        let server = Server::new();
        let port = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port").port();
        let zone = [("_imaps._tcp.example.org", Ok(vec![(0, 0, port, "localhost.")]))];
        let discover = Discover::new().name_server(name_server(&zone).await);
        let found = discover.srv("alice@example.org").await.expect("found");
        let trust = server.certificate().expect("made").pem().to_owned();
        let config = found[0].config().trust_certificate(trust).login(server.user(), server.password());
        let (imap, _events) = config.connect().await.expect("logged in");
        imap.logout().await.expect("logged out");
    })
    .await;
}
