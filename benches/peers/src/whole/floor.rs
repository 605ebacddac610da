//! A program that only counts bytes: what no client can be faster than.

use super::lines::{BODIES, ENVELOPES, FLAGS};
use super::link::{Address, Stream};
use super::measure::{Begin, Figures, clock, resident};
use super::work::Work;

/// Does the work.
pub fn run(work: Work, server: &Address) -> Figures {
    let connect = || server.over(server.socket());
    let mut room = vec![0; 64 << 10];
    if work.name == "W7" {
        let before = resident();
        let begin = Begin::now();
        let all: Vec<Box<dyn Stream>> = (0..work.count)
            .map(|_| {
                let mut stream = connect();
                until(&mut stream, &mut room, b"ready\r\n");
                stream
            })
            .collect();
        let peak = (resident() - before) / all.len() as u64;
        return Figures { peak, ..begin.end() };
    }
    let mut stream = connect();
    until(&mut stream, &mut room, b"ready\r\n");
    let begin = Begin::now();
    send(&mut stream, "A EXAMINE INBOX\r\n");
    until(&mut stream, &mut room, b"A OK done\r\n");
    match work.name {
        "W6" => return changes(begin, work, &mut stream, &mut room),
        "W5" => {
            for _ in 0..work.count {
                send(&mut stream, "B NOOP\r\n");
                until(&mut stream, &mut room, b"B OK done\r\n");
            }
        }
        "W5p" => {
            for _ in 0..work.count / super::IN_FLIGHT {
                send(&mut stream, &format!("{}C NOOP\r\n", "B NOOP\r\n".repeat(super::IN_FLIGHT - 1)));
                until(&mut stream, &mut room, b"C OK done\r\n");
            }
        }
        name => {
            let line = match name {
                "W1" => format!("B FETCH 1:* {FLAGS}\r\n"),
                "W2" => format!("B FETCH 1:* {ENVELOPES}\r\n"),
                "W3" | "W4" => format!("B FETCH 1:* {BODIES}\r\n"),
                _ => "B UID SEARCH ALL\r\n".into(),
            };
            send(&mut stream, &line);
            until(&mut stream, &mut room, b"B OK done\r\n");
        }
    }
    begin.end()
}

fn send(stream: &mut dyn Stream, line: &str) {
    stream.write_all(line.as_bytes()).expect("sent");
}

/// Reads until this line has arrived, of which only the end is compared.
fn until(stream: &mut dyn Stream, room: &mut [u8], end: &[u8]) {
    let mut last = Vec::new();
    while last != end {
        let count = stream.read(room).expect("read");
        assert_ne!(count, 0, "more was to come");
        let from = count.saturating_sub(end.len());
        last.extend_from_slice(&room[from..count]);
        last.drain(..last.len().saturating_sub(end.len()));
    }
}

fn changes(begin: Begin, work: Work, stream: &mut dyn Stream, room: &mut [u8]) -> Figures {
    send(stream, "B IDLE\r\n");
    until(stream, room, b"+ idling\r\n");
    let (mut seen, mut received) = (0, 0);
    while seen < work.count {
        let count = stream.read(room).expect("read");
        assert_ne!(count, 0, "more was to come");
        for _ in room[..count].iter().filter(|byte| **byte == b'\n') {
            received += clock();
            seen += 1;
        }
    }
    Figures { wall: received, ..begin.end() }
}
