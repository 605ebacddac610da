//! Arbitrary bytes: whatever a client sends, in whatever pieces, the answers are lines that the
//! library's own grammar can parse, and nothing panics.

use bytes::BytesMut;

use super::{Dice, Line, world};
use crate::testing::world::Settings;
use crate::types::{Answer, Limits};
use crate::wire::frame::Framer;
use crate::wire::{Parser, Response};

const WORDS: &[&str] = &[
    "a ",
    "UID ",
    "FETCH 1:* ",
    "STORE 1:2 ",
    "+FLAGS ",
    "(\\Seen $x)",
    "(FLAGS UID)",
    "{3}\r\nabc",
    "{3+}\r\nabc",
    "\r\n",
    "\"",
    "\\",
    "(",
    ")",
    " ",
    "NIL",
    "LOGIN alice secret\r\n",
    "a SELECT INBOX\r\n",
    "a SELECT Sent (CONDSTORE)\r\n",
    "a IDLE\r\n",
    "DONE\r\n",
    "é",
    "a APPEND INBOX {5+}\r\nx\r\n\r\n\r\n",
    "*",
    "a SEARCH ",
    "OR ",
    "NOT ",
    "BODY[1.2.MIME]<0.5>",
    "a LIST \"\" * ",
    "RETURN (STATUS (MESSAGES SIZE))\r\n",
    "a NOTIFY SET STATUS (personal (MessageNew MessageExpunge))\r\n",
    "$",
    "4294967295",
    ":",
    ",",
    "99999999999999999999",
    "a AUTHENTICATE PLAIN\r\n",
    "AGFsaWNlAHNlY3JldA==\r\n",
    "a ENABLE QRESYNC IMAP4rev2\r\n",
    "a NOOP\r\n",
    "a SORT (REVERSE SUBJECT) UTF-8 ALL\r\n",
    "a FETCH 1 (BODY[HEADER.FIELDS (X)] ENVELOPE BODYSTRUCTURE BODY)\r\n",
    "a COPY 1 Sent\r\n",
    "a MOVE 1:2 Trash\r\n",
    "a UID SEARCH RETURN (MIN MAX ALL COUNT SAVE) ALL\r\n",
    "a CREATE x/y\r\n",
    "a RENAME x/y z\r\n",
    "a DELETE Sent\r\n",
    "a EXPUNGE\r\n",
    "a STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n",
    "a STATUS INBOX (MESSAGES UIDNEXT)\r\n",
    "a FETCH 1:* (MODSEQ PREVIEW EMAILID SAVEDATE BINARY[1] BINARY.SIZE[1])\r\n",
    "a GETQUOTAROOT INBOX\r\n",
    "a NAMESPACE\r\n",
    "a ID (\"name\" NIL)\r\n",
    "a CAPABILITY\r\n",
    "a LSUB \"\" %\r\n",
    "a CLOSE\r\n",
    "a SUBSCRIBE INBOX\r\n",
    "a STARTTLS\r\n",
    "a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\n",
    "a LOGOUT\r\n",
    "\0",
    "\r",
    "a UNSELECT\r\n",
    "a EXAMINE INBOX\r\n",
];

#[test]
fn whatever_is_sent_the_answers_can_be_read() {
    let mut understood = 0;
    for seed in 0..1500 {
        let mut dice = Dice::new(seed);
        let shared = world(Settings { append_limit: 1000, ..Settings::default() });
        let mut line = Line::new(&shared);
        let mut answers = Vec::new();
        if seed % 4 > 0 {
            line.exchange(b"l LOGIN alice secret\r\nl SELECT INBOX\r\n");
        }
        for _ in 0..dice.roll(40) {
            let word = WORDS[dice.roll(WORDS.len())].as_bytes();
            match dice.roll(12) {
                0 => answers.extend(line.exchange(&[u8::try_from(dice.roll(256)).unwrap()])),
                1 => word.iter().for_each(|byte| answers.extend(line.exchange(&[*byte]))),
                _ => answers.extend(line.exchange(word)),
            }
        }
        let (mut framer, mut parser) = (Framer::new(&Limits::default()), Parser::new(&Limits::default()));
        let mut src = BytesMut::from(&answers[..]);
        while let Some(frame) = framer.decode(&mut src).unwrap() {
            // Tags from clients may be odd; the library's parser only needs to read its own.
            if !frame.to_bytes().first().is_some_and(|b| b.is_ascii_alphanumeric() || b"*+".contains(b)) {
                continue;
            }
            let shown = String::from_utf8_lossy(&answers).into_owned();
            let read = parser.read(&frame).unwrap_or_else(|e| panic!("seed {seed}: {e:?}\n{shown}"));
            understood += 1;
            if let Response::Untagged(response) = &read {
                assert_ne!(*response.answer(), Answer::Other, "seed {seed}: {shown}");
            }
        }
        assert!(src.is_empty(), "seed {seed}: half a response: {}", String::from_utf8_lossy(&src));
    }
    assert!(understood > 5000, "{understood}");
}
