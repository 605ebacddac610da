//! What the client's commands write is read back as what was meant; the RFC's own examples; what is refused.

mod client;
mod examples;
mod framing;
mod notify;

use bytes::BytesMut;

use super::{BadRequest, Heard, Request, RequestFramer, request};

/// Cuts bytes into commands as a server that accepts all literals does, and tells how often it had to.
fn cut(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut framer, mut src) = (RequestFramer::new(1 << 20), BytesMut::from(bytes));
    let (mut commands, mut waited) = (Vec::new(), 0);
    while let Some(heard) = framer.decode(&mut src).unwrap() {
        match heard {
            Heard::Command(command) => commands.push(command),
            Heard::Literal(_) => {
                waited += 1;
                framer.accept();
            }
        }
    }
    (commands, waited)
}

fn read(text: &str) -> Result<Request, BadRequest> {
    request(text.as_bytes(), false)
}
