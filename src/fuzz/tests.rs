//! The fuzz targets' bodies on the checked-in seeds and on damaged copies of them: with a stable
//! compiler, in little time.

#[path = "../../fuzz/src/commands.rs"]
mod imap_codec_commands;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// How many damaged copies of each seed are tried.
const COPIES: u32 = 200;

/// The seeds of a target, in a fixed order.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "seeds are missing in {}", folder.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a seed"))).collect()
}

/// Runs a body on all seeds and their damaged copies, and names the seed that fails.
fn run(target: &str, body: fn(&[u8])) {
    for (path, seed) in seeds(target) {
        let on_panic = NameOnPanic(&path);
        body(&seed);
        let mut chance = Chance(seed.len() as u64 + 1);
        for _ in 0..COPIES {
            body(&damaged(&seed, &mut chance));
        }
        std::mem::forget(on_panic);
    }
}

/// Names the seed if the body panics.
struct NameOnPanic<'a>(&'a Path);

impl Drop for NameOnPanic<'_> {
    fn drop(&mut self) {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("it was the seed {}, or a damaged copy of it\n", self.0.display()),
        );
    }
}

/// Pseudo-random numbers, the same in each run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }
}

/// A copy with some bytes changed, removed, doubled, or replaced by significant ones.
fn damaged(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    const SIGNIFICANT: &[u8] = b"()[]{}\"\\ \r\n*+~0129,:<>%&\0\x80\xff";
    let mut copy = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let (at, other) = (chance.below(copy.len()), chance.below(copy.len()));
        let (first, last) = (at.min(other), at.max(other).min(at.min(other) + 40));
        match chance.below(5) {
            0 => copy[at] = SIGNIFICANT[chance.below(SIGNIFICANT.len())],
            1 => copy.insert(at, SIGNIFICANT[chance.below(SIGNIFICANT.len())]),
            2 => drop(copy.drain(first..last)),
            3 => copy.truncate(at),
            _ => {
                let piece = copy[first..last].to_vec();
                drop(copy.splice(at..at, piece));
            }
        }
        if copy.is_empty() {
            break;
        }
    }
    copy
}

#[test]
fn framer() {
    run("framer", super::framer);
}

#[test]
fn response() {
    run("response", super::response);
}

#[test]
fn round_trip() {
    run("round_trip", super::round_trip);
}

#[test]
fn engine() {
    run("engine", super::engine);
}

/// Words of commands that are counted by themselves, too.
const FORMS: [&str; 6] =
    [" CONDSTORE", " DELETED-STORAGE", " HIGHESTMODSEQ", " QRESYNC ", " SIZE", "AUTHENTICATE PLAIN "];

/// Has imap-codec read what was written, and counts the commands by name that it has read as meant.
fn judge(data: &[u8], agreed: &mut BTreeMap<String, u32>) {
    for written in super::arguments(data) {
        let Some(meant) = written.meaning else { continue };
        let read =
            imap_codec_commands::meaning_by_imap_codec(&written.bytes, written.utf8, super::mailbox_text);
        assert_eq!(read.as_ref(), Ok(&meant), "\"{}\"", written.bytes.escape_ascii());
        let name = meant.split(' ').next().unwrap_or_default();
        for form in FORMS.into_iter().filter(|form| meant.contains(form)).chain([name]) {
            *agreed.entry(form.to_owned()).or_default() += 1;
        }
    }
}

/// Of the list of public items, what makes a command or changes one that is being made.
#[test]
fn no_way_to_make_a_command_is_left_out() {
    /// They take no arguments of a user's, or need a connection.
    const APART: [&str; 5] = ["among", "deref", "bitand", "bitor", "saved"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read =
        |path: PathBuf| fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let files = fs::read_dir(folder.join("src/fuzz")).expect("the folder");
    let paths = files.map(|file| file.expect("an entry").path());
    let bodies: String = paths.filter(|path| path.extension().is_some()).map(read).collect();
    let (mut ways, mut lacking) = (0, Vec::new());
    for line in read(folder.join("public-api.txt")).lines() {
        let Some(item) = line.strip_prefix("pub fn imap_duplex::command::") else { continue };
        // Methods of a type that give that type, or another command.
        let Some((path, arguments)) = item.split_once('(') else { continue };
        let mut names = path.split("::");
        let (Some(of), Some(method), None) = (names.next(), names.next(), names.next()) else { continue };
        let (of, method) = (of.split('<').next().unwrap_or(of), method.split('<').next().unwrap_or(method));
        let gives = arguments.rsplit_once("-> ").map_or("", |(_, gives)| gives);
        let is_made = |gives: &str| !["Claim", "Class", "Flow", "Match"].contains(&gives);
        let makes = gives == "Self" || gives.strip_prefix("imap_duplex::command::").is_some_and(is_made);
        let is_data = ["Class", "Line", "Session", "Messages", "MessageChunks", "Copied"].contains(&of);
        if !makes || is_data || line.contains("core::") && arguments.starts_with("&self)") {
            continue;
        }
        if ["clone", "from", "default", "name", "class"].contains(&method) || APART.contains(&method) {
            continue;
        }
        ways += 1;
        if !bodies.contains(&format!(".{method}(")) && !bodies.contains(&format!("{of}::{method}")) {
            lacking.push(format!("{of}::{method}"));
        }
    }
    assert!(ways > 200, "{ways}");
    assert_eq!(lacking, [""; 0]);
}

#[test]
fn arguments() {
    run("arguments", |data| judge(data, &mut BTreeMap::new()));
}

/// Promise 14 of the contract, for odd arguments of a generator that gives the same each time; and
/// imap-codec takes each for what was meant, of every command that it has.
#[test]
fn tens_of_thousands_of_arguments_make_one_command_each_that_means_what_was_meant() {
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let (mut input, mut agreed) = ([0; 96], BTreeMap::new());
    for _ in 0..12_000 {
        for byte in &mut input {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Small numbers choose short texts and odd letters more often.
            let [first, _, third, ..] = state.to_be_bytes();
            *byte = if first < 128 { third } else { third & 15 };
        }
        judge(&input, &mut agreed);
    }
    let known = [
        "APPEND",
        "AUTHENTICATE",
        "CAPABILITY",
        "CHECK",
        "CLOSE",
        #[cfg(feature = "compress")]
        "COMPRESS",
        "COPY",
        "CREATE",
        "DELETE",
        "ENABLE",
        "EXAMINE",
        "EXPUNGE",
        "FETCH",
        "GETMETADATA",
        "GETQUOTA",
        "GETQUOTAROOT",
        "ID",
        "IDLE",
        "LIST",
        "LOGIN",
        "LOGOUT",
        "LSUB",
        "MOVE",
        "NAMESPACE",
        "NOOP",
        "RENAME",
        "SEARCH",
        "SELECT",
        "SETMETADATA",
        "SETQUOTA",
        "SORT",
        "STARTTLS",
        "STATUS",
        "STORE",
        "SUBSCRIBE",
        "THREAD",
        "UID",
        "UNSELECT",
        "UNSUBSCRIBE",
    ];
    for name in known.into_iter().chain(FORMS) {
        assert!(agreed.get(name).is_some_and(|count| *count >= 10), "{name}: {agreed:?}");
    }
    assert!(agreed.values().sum::<u32>() > 15_000, "{agreed:?}");
}
