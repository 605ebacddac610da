//! A slow link: bytes written at one end can be read at the other some time later, as over a long
//! cable.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, split};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// One end of a link whose other end is `far`, with this round-trip time and this many bytes a
/// second.
pub(crate) fn slow<S>(far: S, round_trip: Duration, rate: u32) -> DuplexStream
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (near, middle) = tokio::io::duplex(64 * 1024);
    let (from_near, to_near) = split(middle);
    let (from_far, to_far) = split(far);
    tokio::spawn(carry(from_near, to_far, round_trip / 2, rate));
    tokio::spawn(carry(from_far, to_near, round_trip / 2, rate));
    near
}

/// Carries bytes one way. Many may be in transit at once: a long link is not a narrow one.
async fn carry<R, W>(mut from: R, mut to: W, time: Duration, rate: u32) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (sender, mut on_its_way) = mpsc::unbounded_channel();
    let depart = async {
        let mut block = vec![0; 8 * 1024];
        // When the link has passed on everything.
        let mut free = Instant::now();
        loop {
            let length = from.read(&mut block).await?;
            let takes = Duration::from_secs_f64(length as f64 / f64::from(rate));
            free = free.max(Instant::now()) + takes;
            let sent = sender.send((free + time, block[..length].to_vec()));
            sleep_until(free).await;
            if length == 0 || sent.is_err() {
                return io::Result::Ok(());
            }
        }
    };
    let arrive = async {
        while let Some((due, bytes)) = on_its_way.recv().await {
            sleep_until(due).await;
            if bytes.is_empty() {
                break;
            }
            to.write_all(&bytes).await?;
            to.flush().await?;
        }
        to.shutdown().await
    };
    let (departed, arrived) = tokio::join!(depart, arrive);
    departed.and(arrived)
}
