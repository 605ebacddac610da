//! The client's commands are parsed back as what was meant; the RFC's own examples; lines that are
//! refused.

mod client;
mod examples;
mod framing;
mod notify;

use bytes::BytesMut;

use super::{BadRequest, Request, RequestFrame, RequestFramer, request};

/// Splits bytes into commands as a server that accepts all literals does; also returns how many of
/// them waited.
fn cut(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut framer, mut src) = (RequestFramer::new(1 << 20), BytesMut::from(bytes));
    let (mut commands, mut waited) = (Vec::new(), 0);
    while let Some(frame) = framer.decode(&mut src).unwrap() {
        match frame {
            RequestFrame::Command(command) => commands.push(command),
            RequestFrame::Literal(_) => {
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
