//! Writes that a loss of power takes away, one by one: the program that is killed runs with a shim
//! before the C library (`writes.c`) that notes each write to the store and its logs. After each
//! kill those for which the disk was not waited are lost, kept or torn at random, in whatever
//! order. What the user did is there all the same, and done once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::killed::{Disk, is_the_program, kill_and_compare};
use crate::world::Dice;

/// What a disk keeps as a whole.
const SECTOR: usize = 512;

/// One write, or a file made shorter.
struct Write {
    offset: u64,
    /// The length of the file before.
    length: u64,
    before: Vec<u8>,
    /// `None`: the file ends at the offset.
    after: Option<Vec<u8>>,
}

/// A disk that forgets.
struct Forgetful {
    folder: tempfile::TempDir,
    /// How many writes were taken back, or torn.
    lost: usize,
}

impl Forgetful {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/lost/writes.c");
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&folder.path().join("writes.so"), &source])
            .arg("-ldl")
            .status();
        assert!(made.expect("a C compiler, which SQLite needs as well").success());
        Self { folder, lost: 0 }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The writes to each file since the disk was last waited for, in their order.
    fn pending(&self) -> BTreeMap<PathBuf, Vec<Write>> {
        let log = fs::read(self.log()).unwrap_or_default();
        let (mut rest, mut pending) = (log.as_slice(), BTreeMap::<PathBuf, Vec<Write>>::new());
        // The last record may be cut off: the program was killed before that write.
        while let Some((head, more)) = rest.split_at_checked(6 * 8) {
            let number = |at: usize| u64::from_ne_bytes(head[at * 8..][..8].try_into().expect("8 bytes"));
            let length = |at: usize| usize::try_from(number(at)).expect("short");
            let Some((name, more)) = more.split_at_checked(length(1)) else { break };
            let Some((before, more)) = more.split_at_checked(length(4)) else { break };
            let Some((after, more)) = more.split_at_checked(length(5)) else { break };
            rest = more;
            let writes =
                pending.entry(PathBuf::from(String::from_utf8_lossy(name).into_owned())).or_default();
            match number(0) {
                3 => writes.clear(),
                kind => writes.push(Write {
                    offset: number(2),
                    length: number(3),
                    before: before.to_vec(),
                    after: (kind == 1).then(|| after.to_vec()),
                }),
            }
        }
        pending
    }
}

impl Disk for Forgetful {
    fn prepare(&self, program: &mut Command, store: &Path) {
        program
            .env("LD_PRELOAD", self.folder.path().join("writes.so"))
            .env("LOST_LOG", self.log())
            .env("LOST_PREFIX", store);
    }

    fn after_kill(&mut self, dice: &mut Dice) {
        for (path, writes) in self.pending() {
            let Ok(file) = OpenOptions::new().write(true).open(&path) else { continue };
            for write in writes.iter().rev() {
                file.write_all_at(&write.before, write.offset).expect("written");
                file.set_len(write.length).expect("shortened");
            }
            // All, none, or each by itself.
            let chance = [0, 4, 8][dice.roll(3)];
            let kept: BTreeSet<usize> = (0..writes.len()).filter(|_| dice.roll(8) < chance).collect();
            for (number, write) in writes.iter().enumerate() {
                let is_torn = dice.roll(8) == 0;
                self.lost += usize::from(is_torn || !kept.contains(&number));
                match &write.after {
                    _ if !kept.contains(&number) => {}
                    None => file.set_len(write.offset).expect("shortened"),
                    Some(bytes) => {
                        let whole =
                            if is_torn { dice.roll(bytes.len() / SECTOR + 1) * SECTOR } else { bytes.len() };
                        file.write_all_at(&bytes[..whole], write.offset).expect("written");
                    }
                }
            }
        }
        // What is on the disk now is what there is.
        _ = fs::remove_file(self.log());
    }

    fn said(&self) -> String {
        assert!(self.lost > 0, "the shim has noted nothing");
        format!(", {} writes lost or torn", self.lost)
    }
}

#[test]
fn writes_that_a_loss_of_power_takes_away_lose_nothing() {
    if !is_the_program() {
        kill_and_compare(Forgetful::new());
    }
}
