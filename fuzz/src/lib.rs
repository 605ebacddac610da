//! The comparison with other parsers of IMAP: what two others both accept, ours must accept, and where they agree on
//! what it means, it must mean the same to ours.
//!
//! In: bytes that a fuzzer made up, the first of which is skipped, so that the seeds of `response` serve here too. Out:
//! how many facts were compared, or a panic. Where the others differ, nothing can be said.

mod meaning;

use std::panic::{self, AssertUnwindSafe};

use imap_duplex::replay::Replay;
use imap_duplex::types::Limits;

use meaning::Meaning;

/// Deeper nesting than this is not given to the others: they recurse without a bound, and would end the process.
const DEEPEST: usize = 30;

/// Compares what each response of these bytes is to three parsers; how many facts were the same.
///
/// # Panics
/// Ours refuses what both others accept, or reads it otherwise.
pub fn differential(data: &[u8]) -> usize {
    let Some((_, stream)) = data.split_first() else { return 0 };
    let mut compared = 0;
    for heard in Replay::new(stream, &Limits::default()) {
        let raw = stream.get(heard.offset..heard.offset + heard.octets).unwrap_or_default();
        // The others want CR LF, and know no empty lines.
        if !raw.ends_with(b"\r\n") || nesting(raw) > DEEPEST {
            continue;
        }
        let one = quietly(|| Meaning::of_imap_proto(raw));
        let Some((one, other)) = one.zip(quietly(|| Meaning::of_imap_codec(raw))) else { continue };
        assert!(!heard.is_unparsed(), "both others accept \"{}\": {heard:?}", raw.escape_ascii());
        let ours = Meaning::of_ours(&heard);
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

/// What another parser gives; nothing if it panics (imap-proto does at metadata that is not UTF-8): that is not what is
/// looked for. A fuzzer's hook would end the process before the panic can be caught.
fn quietly<T>(parse: impl FnOnce() -> Option<T>) -> Option<T> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let parsed = panic::catch_unwind(AssertUnwindSafe(parse));
    panic::set_hook(hook);
    parsed.ok().flatten()
}

/// How deep parentheses nest, those in texts among them.
fn nesting(raw: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for octet in raw {
        match octet {
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
        // Panics in imap-proto, which is nobody's concern here.
        assert_eq!(super::differential(b"n* METADATA \"\" (/shared/comment \"\xff\")\r\n"), 0);
        assert!(compared >= 40, "only {compared} facts were compared");
    }
}
