//! Compares the client's grammar with other IMAP parsers: it must accept what two others both
//! accept, and where they agree on the meaning, it must mean the same.
//!
//! In: a fuzzer's bytes, the first of which is skipped, so that the seeds of `response` can be used
//! here, too. Out: how many facts were compared, or a panic. Where the others differ, nothing is
//! compared.
//!
//! And has imap-codec read the client's commands (`arguments`).

#[cfg(fuzzing)]
mod commands;
mod meaning;

use std::panic::{self, AssertUnwindSafe};

use imap_duplex::replay::Replay;
use imap_duplex::types::Limits;

use meaning::Meaning;

/// Deeper nesting is not given to the other parsers: they recurse without a bound, and would end
/// the process.
const MAX_NESTING: usize = 30;

/// Compares the results of three parsers for each response of these bytes; returns how many facts
/// were equal.
///
/// # Panics
/// Our grammar refuses what both others accept, or reads it differently.
pub fn differential(data: &[u8]) -> usize {
    let Some((_, stream)) = data.split_first() else { return 0 };
    let mut compared = 0;
    for response in Replay::new(stream, &Limits::default()) {
        let raw = stream.get(response.offset..response.offset + response.bytes).unwrap_or_default();
        // The others require CR LF, and accept no empty lines.
        if !raw.ends_with(b"\r\n") || nesting(raw) > MAX_NESTING {
            continue;
        }
        let one = quietly(|| Meaning::of_imap_proto(raw));
        let Some((one, other)) = one.zip(quietly(|| Meaning::of_imap_codec(raw))) else { continue };
        assert!(!response.is_unparsed(), "both others accept \"{}\": {response:?}", raw.escape_ascii());
        let ours = Meaning::of_ours(&response);
        compared += 1;
        for ((name, one), ((_, other), (_, ours))) in
            one.facts().into_iter().zip(other.facts().into_iter().zip(ours.facts()))
        {
            if one.is_some() && one == other {
                assert_eq!(ours, one, "{name} of \"{}\"", raw.escape_ascii());
                compared += 1;
            }
        }
    }
    compared
}

/// Writes commands with arguments from these bytes: each line is one command, and where imap-codec
/// has such a command, it reads what was meant.
///
/// # Panics
/// It does not, or there are more commands than one.
#[cfg(fuzzing)]
pub fn arguments(data: &[u8]) {
    for written in imap_duplex::fuzz::arguments(data) {
        let Some(meant) = written.meaning else { continue };
        let read =
            commands::meaning_by_imap_codec(&written.bytes, written.utf8, imap_duplex::fuzz::mailbox_text);
        assert_eq!(read.as_ref(), Ok(&meant), "\"{}\"", written.bytes.escape_ascii());
    }
}

/// The result of another parser; none if it panics (imap-proto does so for metadata that is not
/// UTF-8), because such panics are not what is searched for. A fuzzer's hook would end the process
/// before the panic can be caught.
fn quietly<T>(parse: impl FnOnce() -> Option<T>) -> Option<T> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let parsed = panic::catch_unwind(AssertUnwindSafe(parse));
    panic::set_hook(hook);
    parsed.ok().flatten()
}

/// How deep parentheses nest, including those in texts.
fn nesting(raw: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in raw {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_seeds_mean_the_same_to_all() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/response");
        let mut compared = 0;
        for entry in fs::read_dir(folder).expect("seeds") {
            compared += super::differential(&fs::read(entry.expect("an entry").path()).expect("a seed"));
        }
        // Panics in imap-proto, which does not matter here.
        assert_eq!(super::differential(b"n* METADATA \"\" (/shared/comment \"\xff\")\r\n"), 0);
        assert!(compared >= 40, "only {compared} facts were compared");
    }
}
