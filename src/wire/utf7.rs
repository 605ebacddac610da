//! Modified UTF-7, the encoding of mailbox names in IMAP4rev1 (RFC 3501 section 5.1.3, RFC 9051
//! appendix A.1).
//!
//! Converts between the bytes of a name on the wire and the name as a person reads it. Printable
//! ASCII stands for itself, `&` is written `&-`, and each run of anything else is written as UTF-16
//! in base64 (with `,` for `/`) between `&` and `-`: `Entwürfe` is `Entw&APw-rfe`.
//!
//! The two functions are each other's inverse: [`decode`] accepts only the form that [`encode`]
//! writes, and the RFC allows no other. So no two spellings on the wire become one name here; a
//! name in any other spelling (some servers write `a&b`) is taken literally by the caller.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Without padding; set bits after the last byte are refused, so that each text has one spelling.
const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// Whether this character stands for itself; `&` is an exception to that.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// The name that these bytes encode; `None` if they are not valid modified UTF-7: a byte that is
/// not printable ASCII, a shift that does not end, directly follows another (`&AOk-&AOk-`) or
/// encodes printable ASCII, or malformed base64 or UTF-16.
pub(crate) fn decode(raw: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(raw.len());
    let mut rest = std::str::from_utf8(raw).ok().filter(|raw| raw.chars().all(is_plain))?;
    // Whether `rest` directly follows a run of base64.
    let mut shifted = false;
    while let Some((plain, after)) = rest.split_once('&') {
        name.push_str(plain);
        shifted &= plain.is_empty();
        let (run, after) = after.split_once('-')?;
        rest = after;
        if run.is_empty() {
            name.push('&');
            shifted = false;
        } else {
            if shifted {
                return None;
            }
            push_run(&mut name, run)?;
            shifted = true;
        }
    }
    name.push_str(rest);
    Some(name)
}

/// Decodes the text between `&` and `-`.
fn push_run(name: &mut String, run: &str) -> Option<()> {
    let bytes = BASE64.decode(run).ok()?;
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    for c in char::decode_utf16(units.iter().map(|&unit| u16::from_be_bytes(unit))) {
        name.push(c.ok().filter(|&c| !is_plain(c))?);
    }
    Some(())
}

/// The name in modified UTF-7: always printable ASCII.
pub(crate) fn encode(name: &str) -> Vec<u8> {
    let mut raw = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let run = rest.find(|other| is_plain(other) != is_plain(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(run);
        rest = after;
        if is_plain(c) {
            for &byte in run.as_bytes() {
                raw.push(byte);
                if byte == b'&' {
                    raw.push(b'-');
                }
            }
        } else {
            let units: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
            raw.push(b'&');
            raw.extend_from_slice(BASE64.encode(units).as_bytes());
            raw.push(b'-');
        }
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (name, raw) in [
            ("", ""),
            ("INBOX", "INBOX"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("a&b", "a&-b"),
            ("&", "&-"),
            ("&&-", "&-&--"),
            ("é&é", "&AOk-&-&AOk-"),
            ("é-é", "&AOk--&AOk-"),
            ("éé", "&AOkA6Q-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Отправленные", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"),
            ("🦀", "&2D7dgA-"),
            ("a\tb\r\n\0\x7f", "a&AAk-b&AA0ACgAAAH8-"),
            ("+ /,%*\\\"~", "+ /,%*\\\"~"),
        ] {
            assert_eq!(String::from_utf8(encode(name)).unwrap(), raw, "{name:?}");
            assert_eq!(decode(raw.as_bytes()).as_deref(), Some(name), "{raw:?}");
        }
    }

    #[test]
    fn refuses_other_spellings_and_malformed_text() {
        for raw in [
            &b"a&b"[..],
            b"&",
            b"&AOk",
            b"a&AOk b",
            b"&&-",
            b"&AEE-",
            b"&ACY-",
            b"&AOkAQQ-",
            b"&AOk-&AOk-",
            b"&AOl-",
            b"&AOk=-",
            b"&AOkA-",
            b"&A-",
            b"&AO-",
            b"&2D7-",
            b"&3YA-",
            b"&3YDYPg-",
            b"&U/BTFw-",
            b"&AO k-",
            b"caf\xc3\xa9",
            b"a\tb",
            b"a\x7f",
            b"\xff",
        ] {
            assert_eq!(decode(raw), None, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn every_character_round_trips() {
        // The whole first plane, and a sample of the others, whose characters take two units of
        // UTF-16.
        for c in ('\0'..='\u{ffff}').chain(('\u{10000}'..=char::MAX).step_by(77)) {
            for name in [c.to_string(), format!("a{c}&{c}{c}-")] {
                let raw = encode(&name);
                assert!(raw.iter().all(|b| (b' '..=b'~').contains(b)), "{name:?}");
                assert_eq!(decode(&raw), Some(name));
            }
        }
    }

    #[test]
    fn decoded_names_are_encoded_the_same() {
        // All strings of up to six of the characters that matter here.
        const ALPHABET: &[u8] = b"&-AEkg,+ ";
        let mut accepted = 0;
        for length in 0..=6u32 {
            for mut number in 0..ALPHABET.len().pow(length) {
                let raw: Vec<u8> = (0..length)
                    .map(|_| {
                        let byte = ALPHABET[number % ALPHABET.len()];
                        number /= ALPHABET.len();
                        byte
                    })
                    .collect();
                if let Some(name) = decode(&raw) {
                    accepted += 1;
                    assert_eq!(encode(&name), raw, "{}", raw.escape_ascii());
                }
            }
        }
        assert!(accepted > 1000, "{accepted}");
    }
}
