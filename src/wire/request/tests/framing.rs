//! The framer: literals that wait and that don't, pieces, limits.

use bytes::BytesMut;

use super::super::{RequestFrame, RequestFramer, SaslAnswer, TooLong, is_done, sasl_answer};
use super::cut;

#[test]
fn commands_and_their_literals_are_cut() {
    let bytes = b"a NOOP\r\nb LOGIN {3}\r\nfoo {5+}\r\n\r\n{9}\r\nc APPEND x ~{1+}\r\n\0\r\nd X\n";
    let (commands, waited) = cut(bytes);
    let expected: [&[u8]; 4] =
        [b"a NOOP", b"b LOGIN {3}\r\nfoo {5+}\r\n\r\n{9}", b"c APPEND x ~{1+}\r\n\0", b"d X"];
    assert_eq!((commands, waited), (expected.map(<[u8]>::to_vec).to_vec(), 1));
}

#[test]
fn any_cut_gives_the_same() {
    let bytes = b"a LOGIN {3+}\r\nf\r\n {0+}\r\n\r\nb NOOP\r\n";
    let mut framer = RequestFramer::new(100);
    let (mut src, mut commands) = (BytesMut::new(), Vec::new());
    for byte in bytes {
        src.extend_from_slice(&[*byte]);
        commands.extend(framer.decode(&mut src).unwrap());
    }
    let expected = [&b"a LOGIN {3+}\r\nf\r\n {0+}\r\n"[..], b"b NOOP"];
    assert_eq!(commands, expected.map(|command| RequestFrame::Command(command.to_vec())));
}

#[test]
fn a_refused_literal_drops_its_command() {
    let mut framer = RequestFramer::new(100);
    let mut src = BytesMut::from(&b"a LOGIN {999}\r\n"[..]);
    assert_eq!(framer.decode(&mut src), Ok(Some(RequestFrame::Literal(999))));
    src.extend_from_slice(b"b NOOP\r\n");
    assert_eq!(framer.decode(&mut src), Ok(None), "it waits for an answer");
    framer.refuse();
    assert_eq!(framer.decode(&mut src), Ok(Some(RequestFrame::Command(b"b NOOP".to_vec()))));
}

#[test]
fn commands_that_are_too_long_end_the_connection() {
    for bytes in [&b"a LOGIN {101+}\r\n"[..], &[b'x'; 101], b"a X {99999999999999999999999+}\r\n"] {
        assert_eq!(RequestFramer::new(100).decode(&mut BytesMut::from(bytes)), Err(TooLong(100)));
    }
    let mut framer = RequestFramer::new(20);
    let mut src = BytesMut::from(&b"a LOGIN {10+}\r\n0123456789 x\r\n"[..]);
    assert_eq!(framer.decode(&mut src), Err(TooLong(20)), "the whole command counts");
}

#[test]
fn lines_and_literals_that_do_not_wait_have_bounds_of_their_own() {
    let mut framer = RequestFramer::new(1000).lines_of(20);
    framer.set_plus_limit(Some(4));
    let mut src = BytesMut::from(&b"a LOGIN {4+}\r\nabcd x\r\n"[..]);
    assert_eq!(framer.decode(&mut src), Ok(Some(RequestFrame::Command(b"a LOGIN {4+}\r\nabcd x".to_vec()))));
    src.extend_from_slice(b"a LOGIN {5}\r\n");
    assert_eq!(framer.decode(&mut src), Ok(Some(RequestFrame::Literal(5))), "this one waits");
    assert_eq!(framer.begun(), b"a LOGIN {5}\r\n");
    framer.refuse();
    src.extend_from_slice(b"a LOGIN {5+}\r\n");
    assert_eq!(framer.decode(&mut src), Err(TooLong(4)));
    let mut none = RequestFramer::new(1000);
    none.set_plus_limit(None);
    assert_eq!(none.decode(&mut BytesMut::from(&b"a LOGIN {0+}\r\n"[..])), Err(TooLong(0)));
    let mut framer = RequestFramer::new(1000).lines_of(20);
    assert_eq!(framer.decode(&mut BytesMut::from(&[b'x'; 21][..])), Err(TooLong(20)));
}

#[test]
fn lines_that_are_no_commands() {
    assert!(is_done(b"done") && !is_done(b"DONE "));
    assert_eq!(sasl_answer(b"*"), Some(SaslAnswer::Cancel));
    assert_eq!(sasl_answer(b""), Some(SaslAnswer::Answer(Vec::new())));
    assert_eq!(sasl_answer(b"AGE="), Some(SaslAnswer::Answer(b"\0a".to_vec())));
    assert_eq!(sasl_answer(b"A"), None);
}
