//! A SOCKS 5 and an HTTP proxy of the tests' own, which behave as badly as a test wants.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use imap_duplex::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What the proxy does at a point of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    /// It wants `user` and [`SECRET`](crate::SECRET).
    Private,
    /// Reads no more from this step on, and does not answer.
    Hangs(usize),
    /// Closes at this step.
    HangsUp(usize),
    /// Refuses with this code.
    Refuses(u16),
    /// Speaks something else.
    Foreign,
    /// Its answer never ends.
    Endless,
    /// Repeats the password in its answer.
    Repeats,
}

/// A proxy that connects to one address, whatever it is asked for.
pub(crate) struct TestProxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    pub(crate) async fn socks(to: SocketAddr, mood: Mood) -> Self {
        Self::start(move |stream, asked| async move { socks(stream, to, mood, &asked).await }).await
    }

    pub(crate) async fn http(to: SocketAddr, mood: Mood) -> Self {
        Self::start(move |stream, asked| async move { http(stream, to, mood, &asked).await }).await
    }

    async fn start<F>(serve: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone()));
            }
        });
        Self { address, asked }
    }

    /// What it was asked to connect to.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics with it").clone()
    }

    pub(crate) fn as_socks(&self) -> Proxy {
        Proxy::socks5(self.address.ip().to_string(), self.address.port())
    }

    pub(crate) fn as_http(&self) -> Proxy {
        Proxy::http(self.address.ip().to_string(), self.address.port())
    }
}

/// Whether it goes on at this step.
async fn step(mood: Mood, at: usize) -> io::Result<()> {
    match mood {
        Mood::Hangs(step) if step == at => std::future::pending().await,
        Mood::HangsUp(step) if step == at => Err(io::ErrorKind::ConnectionAborted.into()),
        _ => Ok(()),
    }
}

async fn pass_on(mut stream: TcpStream, to: SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(to).await?;
    copy_bidirectional(&mut stream, &mut server).await.map(drop)
}

async fn socks(
    mut stream: TcpStream,
    to: SocketAddr,
    mood: Mood,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    step(mood, 0).await?;
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let mut methods = vec![0; head[1].into()];
    stream.read_exact(&mut methods).await?;
    step(mood, 1).await?;
    if mood == Mood::Foreign {
        return stream.write_all(b"* OK ready\r\n").await;
    }
    let private = mood == Mood::Private;
    let method = if private { 2 } else { 0 };
    if !methods.contains(&method) {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, method]).await?;
    if private {
        let mut login = Vec::new();
        stream.read_u8().await?;
        for _ in 0..2 {
            let mut word = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut word).await?;
            login.push(word);
        }
        let good = login == [b"user".to_vec(), crate::SECRET.as_bytes().to_vec()];
        stream.write_all(&[1, u8::from(!good)]).await?;
        if !good {
            return Ok(());
        }
    }
    step(mood, 2).await?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => Ipv4Addr::from(stream.read_u32().await?).to_string(),
        3 => {
            let mut name = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut name).await?;
            String::from_utf8(name).map_err(io::Error::other)?
        }
        kind => return Err(io::Error::other(format!("address of kind {kind}"))),
    };
    let port = stream.read_u16().await?;
    asked.lock().expect("no test panics with it").push(format!("{host}:{port}"));
    step(mood, 3).await?;
    let code = if let Mood::Refuses(code) = mood { code.to_be_bytes()[1] } else { 0 };
    stream.write_all(&[5, code, 0, 1, 127, 0, 0, 1]).await?;
    // Half of an answer.
    step(mood, 4).await?;
    stream.write_all(&[0, 9]).await?;
    if code == 0 { pass_on(stream, to).await } else { Ok(()) }
}

async fn http(
    mut stream: TcpStream,
    to: SocketAddr,
    mood: Mood,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    step(mood, 0).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let mut words = head.split_whitespace();
    assert_eq!(words.next(), Some("CONNECT"), "{head}");
    asked.lock().expect("no test panics with it").extend(words.next().map(str::to_owned));
    step(mood, 1).await?;
    let answer = match mood {
        // `user:hunter2` in base64.
        Mood::Private if !head.contains("\r\nProxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n") => {
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n".to_owned()
        }
        Mood::Refuses(code) => format!("HTTP/1.1 {code} Not That Port\r\nContent-Length: 3\r\n\r\nno!"),
        Mood::Foreign => "* OK [CAPABILITY IMAP4rev1] ready\r\n\r\n".to_owned(),
        Mood::Repeats => "HTTP/1.1 403 hunter2 dXNlcjpodW50ZXIy is not known\r\n\r\n".to_owned(),
        Mood::Endless => {
            stream.write_all(b"HTTP/1.1 200 Well\r\n").await?;
            loop {
                stream.write_all(b"X-More: and more\r\n").await?;
            }
        }
        _ => "HTTP/1.0 200 Connection established\r\nVia: a test\r\n\r\n".to_owned(),
    };
    let (first, rest) = answer.split_at(20);
    stream.write_all(first.as_bytes()).await?;
    step(mood, 2).await?;
    stream.write_all(rest.as_bytes()).await?;
    if answer.contains(" 200 ") { pass_on(stream, to).await } else { Ok(()) }
}
