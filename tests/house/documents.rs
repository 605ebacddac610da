//! What the documents say of the repository is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::report;
use crate::source::{files, root};

/// The map of the repository.
const MAP: &str = "ARCHITECTURE.md";

#[test]
fn documents_that_are_named_exist() {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "examples", "benches", "fuzz/src", "fuzz/fuzz_targets"] {
        files(&root().join(folder), &mut paths);
    }
    paths.extend(["README.md", "CONTRIBUTING.md", MAP, ".ci/run", "tests/run"].map(|name| root().join(name)));
    let mut breaches = Vec::new();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for name in documents(&text) {
            if !root().join(&name).exists() && !path.with_file_name(&name).exists() {
                breaches.push(format!("{} names {name}", path.display()));
            }
        }
    }
    report("a document that is named is there", &breaches);
}

/// The names in a text that end as those of documents do.
fn documents(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':');
    let names = text.split(|c: char| !is_part(c)).map(|name| name.trim_end_matches(['.', ':']));
    let is_local = |name: &&str| name.len() > 3 && name.ends_with(".md") && !name.contains("//");
    names.filter(is_local).map(str::to_owned).collect()
}

/// The folders in which files are named by their path, from the root or from `src`.
const FOLDERS: [&str; 14] = [
    "src", "tests", "examples", "benches", "fuzz", "types", "wire", "command", "view", "engine", "net",
    "client", "testing", "cost",
];

#[test]
fn files_that_are_named_exist() {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        files(&root().join(folder), &mut paths);
    }
    paths.extend(["README.md", "CONTRIBUTING.md", MAP].map(|name| root().join(name)));
    let (mut breaches, mut seen) = (Vec::new(), 0);
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for name in named_files(&text) {
            seen += 1;
            if !root().join(&name).exists() && !root().join("src").join(&name).exists() {
                breaches.push(format!("{} names {name}", path.display()));
            }
        }
    }
    assert!(seen > 20, "{seen} names");
    report("a file that is named is there", &breaches);
}

/// The paths of source files in a text, in backquotes: `engine/mod.rs`.
fn named_files(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1);
    let is_path = |name: &&str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/');
        name.ends_with(".rs")
            && name.chars().all(is_part)
            && name.split_once('/').is_some_and(|(folder, _)| FOLDERS.contains(&folder))
    };
    quoted.filter(is_path).map(str::to_owned).collect()
}

/// The grammar's head has a table of what servers send against the RFCs, and which function allows
/// it.
#[test]
fn each_deviation_has_its_function() {
    let folder = root().join("src/wire/parse");
    let head = fs::read_to_string(folder.join("mod.rs")).expect("the grammar's head");
    let (mut breaches, mut seen) = (Vec::new(), 0);
    for row in head.lines().filter_map(|line| line.strip_prefix("//! |")) {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        for name in last.split('`').skip(1).step_by(2) {
            let is_path = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | ':');
            if !name.chars().all(is_path) {
                continue;
            }
            seen += 1;
            let (module, function) = name.split_once("::").unwrap_or(("mod", name));
            let code = fs::read_to_string(folder.join(format!("{module}.rs"))).unwrap_or_default();
            if ["(", "<"].iter().all(|after| !code.contains(&format!("fn {function}{after}"))) {
                breaches.push(format!("no function {name}: {row}"));
            }
        }
    }
    assert!(seen > 50, "{seen} names");
    report("a function in the table of deviations is there", &breaches);
}

/// What users can switch on is documented for them, with how stable it is.
#[test]
fn each_feature_is_documented() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("a file of this repository");
    let (manifest, readme, crate_docs) = (read("Cargo.toml"), read("README.md"), read("src/lib.rs"));
    let names = features(&manifest);
    assert!(names.len() > 2, "{names:?}");
    let mut missing = Vec::new();
    for name in names {
        if !readme.contains(&format!("\n| `{name}`")) {
            missing.push(format!("README.md has no row for {name}"));
        }
        // Those for this repository alone begin with underscores.
        if !name.starts_with("__") && !crate_docs.contains(&format!("//! - `{name}`")) {
            missing.push(format!("src/lib.rs does not list {name}"));
        }
    }
    report("each feature is documented", &missing);
}

/// The keys of a manifest's `[features]`, `default` aside.
fn features(manifest: &str) -> Vec<&str> {
    let section = manifest.split("\n[features]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let keys = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    keys.map(|(key, _)| key).filter(|key| *key != "default").collect()
}

#[test]
fn the_map_has_each_folder_of_the_sources() {
    let map = fs::read_to_string(root().join(MAP)).expect("the map");
    let mut missing = Vec::new();
    for folder in folders(&root().join("src")) {
        let forms =
            [format!("{folder}/"), format!("{folder}.rs"), format!("src/{folder}"), format!("`{folder}`")];
        if !forms.iter().any(|form| map.contains(form)) {
            missing.push(folder);
        }
    }
    report("ARCHITECTURE.md names each layer and each room", &missing);
}

/// The folders of the layers, and those of the engine's rooms.
fn folders(src: &Path) -> Vec<String> {
    let inside = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let folders = entries.filter(|path| path.is_dir());
        folders
            .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    let rooms = inside(&src.join("engine")).into_iter().filter(|room| room != "tests");
    inside(src).into_iter().chain(rooms).collect()
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    // In pieces, so that this file does not name them.
    let places = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()];
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let (mut folders, mut breaches) = (vec![root().to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let inside = path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
            if inside == ".git" || ignored.contains(&inside.as_str()) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else { continue };
            // Behind a name it is a folder of some other one.
            let is_absolute =
                |line: &str, at| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let names = |line: &str| {
                places.iter().any(|place| line.match_indices(place).any(|(at, _)| is_absolute(line, at)))
            };
            let found = text.lines().enumerate().filter(|(_, line)| names(line));
            breaches.extend(found.map(|(at, line)| format!("{inside}:{}: {line}", at + 1)));
        }
    }
    report("no path of the machine on which it was written", &breaches);
}

#[test]
fn names_of_documents_are_seen() {
    let text = "See ARCHITECTURE.md, `./CONTRIBUTING.md`. Not https://x.org/b.md, nor x.mdx, nor .md.";
    let manifest = "[package]\na = 1\n\n[features]\ndefault = []\n# b = []\nc-d = []\n\n[lib]\ne = 1\n";
    assert_eq!(features(manifest), ["c-d"]);
    let files = "`engine/mod.rs`, and `src/lib.rs`; not `mod.rs`, `a/b.rs`, engine/x.rs, `tests/*.rs`.";
    assert_eq!(named_files(files).into_iter().collect::<Vec<_>>(), ["engine/mod.rs", "src/lib.rs"]);
    assert_eq!(documents(text).into_iter().collect::<Vec<_>>(), ["./CONTRIBUTING.md", "ARCHITECTURE.md"]);
}

/// A command without a label of its own would be counted among the unknown ones.
#[test]
fn each_command_has_a_label_in_the_metrics() {
    let metrics = fs::read_to_string(root().join("src/engine/metrics.rs")).expect("the source of metrics");
    let mut paths = Vec::new();
    files(&root().join("src/command"), &mut paths);
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    let names: BTreeSet<String> = texts.flat_map(|text| command_names(&text)).collect();
    assert!(names.len() > 30, "{names:?}");
    let lacking: Vec<_> =
        names.into_iter().filter(|name| !metrics.contains(&format!("\"{name}\","))).collect();
    report("each command of the library has its label in src/engine/metrics.rs", &lacking);
}

/// The names that commands return as they are.
fn command_names(text: &str) -> Vec<String> {
    let bodies = text.split("impl Command for ").skip(1);
    let names = bodies
        .filter_map(|body| body.split_once("fn name(&self) -> &str {"))
        .map(|(_, name)| name.trim_start());
    let literals = names.filter_map(|name| name.strip_prefix('"')?.split_once('"'));
    literals
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase()))
        .collect()
}
