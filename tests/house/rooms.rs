//! The rooms of the engine: state has one owner, and what depends on what goes one way.
//!
//! Each folder of `src/engine` is a room; the files beside them conduct. A room names those below
//! it and itself; the engine as a whole is named by the conductor alone.

use std::collections::BTreeMap;

use crate::layers::heads;
use crate::report;
use crate::source::{Source, group, line, places, source_of, sources};

/// The rooms, lowest first; those of one line are neighbours, and neither names the other. The last
/// line is the conductor: the files at the top of the folder.
const ROOMS: [&[&str]; 10] = [
    &["settings", "metrics"],
    &["events"],
    &["submit"],
    &["lifecycle", "log"],
    &["inflight"],
    &["selection"],
    &["mailboxes"],
    &["schedule"],
    &["write"],
    &["mod", "responses", "completion", "sending", "shutdown", "backpressure", "streamed_literals"],
];

/// The modules of a room, if a file belongs to the engine.
fn room(source: &Source) -> Option<&str> {
    match source.modules.as_slice() {
        [engine] if engine == "engine" => Some("mod"),
        [engine, room, ..] if engine == "engine" => Some(room),
        _ => None,
    }
}

fn rank(room: &str) -> Option<usize> {
    ROOMS.iter().position(|names| names.contains(&room))
}

/// The rooms that a file names, each with its place; `Engine` stands for the conductor.
fn named(source: &Source) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for at in places(&source.code, "crate") {
        let rest = source.code[at + 5..].trim_start();
        let Some(rest) = rest.strip_prefix("::engine::") else { continue };
        let visibility = source.code[..at].trim_end().ends_with("(in");
        let names = heads(rest).into_iter().filter(|_| !visibility);
        named.extend(
            names.map(|name| if name == "Engine" { "mod".to_owned() } else { name }).map(|name| (at, name)),
        );
    }
    named
}

fn engine() -> Vec<Source> {
    sources().into_iter().filter(|source| room(source).is_some() && !source.code.trim().is_empty()).collect()
}

#[test]
fn every_file_of_the_engine_has_a_room() {
    let homeless = engine().into_iter().filter(|source| room(source).and_then(rank).is_none());
    report("a room of the list", &homeless.map(|s| s.path.display().to_string()).collect::<Vec<_>>());
}

/// How many fields the engine may have: its parts.
const MAX_PARTS: usize = 12;
/// How many functions all `impl Engine` blocks may have.
const MAX_METHODS: usize = 60;
/// How many fields of the rooms' types may be visible outside their room.
const MAX_VISIBLE: usize = 24;
/// Types that only carry arguments, whose fields are open.
const ARGUMENTS: [&str; 5] = ["Settings", "BatchSizes", "Facts", "Surroundings", "Targets"];

#[test]
fn what_depends_on_what_goes_one_way() {
    let mut breaches = Vec::new();
    for source in engine() {
        let Some(from) = room(&source) else { continue };
        for (at, to) in named(&source).into_iter().filter(|(_, to)| !may_name(from, to)) {
            breaches.push(format!("{}:{}: {from} names {to}", source.path.display(), line(&source.code, at)));
        }
    }
    report("a room names itself and those below it", &breaches);
}

fn may_name(from: &str, to: &str) -> bool {
    from == to || rank(to).is_none() || rank(to) < rank(from) || rank(from) == rank("mod")
}

/// Its modules are its own: what others may name of a room is what its head names again.
#[test]
fn a_room_has_one_face() {
    let heads = engine().into_iter().filter(|source| source.path.ends_with("mod.rs"));
    let open =
        heads.filter(|source| source.modules.len() == 2 && source.modules[1] != "tests").flat_map(|source| {
            let modules = places(&source.code, "mod");
            let public = modules.into_iter().filter(|at| source.code[..*at].trim_end().ends_with(')'));
            public
                .map(|at| format!("{}:{}", source.path.display(), line(&source.code, at)))
                .collect::<Vec<_>>()
        });
    report("the modules of a room are private", &open.collect::<Vec<_>>());
}

#[test]
fn each_type_of_the_engine_has_a_name_of_its_own() {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in engine() {
        for keyword in ["struct", "enum", "trait"] {
            for at in places(&source.code, keyword) {
                let rest = source.code[at + keyword.len()..].trim_start();
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                names.entry(rest[..end].to_owned()).or_default().push(source.path.display().to_string());
            }
        }
    }
    assert!(names.contains_key("Engine"));
    let twice = names.into_iter().filter(|(_, files)| files.len() > 1);
    let twice: Vec<_> = twice.map(|(name, files)| format!("{name}: {}", files.join(", "))).collect();
    report("a type's name is used once in the engine", &twice);
}

#[test]
fn the_engine_is_its_parts() {
    let sources = engine();
    let parts: Vec<_> =
        sources.iter().flat_map(|s| fields(&s.code)).filter(|f| f.owner == "Engine").collect();
    assert!((1..=MAX_PARTS).contains(&parts.len()), "{} fields of Engine", parts.len());
    let methods: usize = sources.iter().map(|source| methods(&source.code)).sum();
    assert!((1..=MAX_METHODS).contains(&methods), "{methods} methods of Engine");
}

/// How many functions the blocks `impl Engine` have.
fn methods(code: &str) -> usize {
    let blocks = places(code, "impl").into_iter().filter_map(|at| {
        let rest = code[at + 4..].trim_start().strip_prefix("Engine")?.trim_start();
        rest.starts_with('{').then(|| &rest[..group(rest)])
    });
    blocks.map(|block| places(block, "fn").len()).sum()
}

#[test]
fn state_is_private_to_its_room() {
    let mut visible = Vec::new();
    for source in engine() {
        let Some(room) = room(&source).filter(|room| rank(room) != rank("mod")) else { continue };
        let is_head = source.modules.len() == 2;
        let inside = format!("pub(in crate::engine::{room}");
        for field in fields(&source.code) {
            let open = match field.visibility {
                "" => false,
                "pub(super)" => is_head,
                other => !other.starts_with(&inside),
            };
            if open && !ARGUMENTS.iter().any(|name| field.owner.ends_with(name)) {
                let place = line(&source.code, field.at);
                visible.push(format!("{}:{place}: {}.{}", source.path.display(), field.owner, field.name));
            }
        }
    }
    if visible.len() > MAX_VISIBLE {
        report("a field is private to its room", &visible);
    }
}

/// A named field of a struct.
#[derive(Debug, PartialEq)]
struct Field<'a> {
    owner: &'a str,
    name: &'a str,
    visibility: &'a str,
    at: usize,
}

/// The fields of the structs in some code.
fn fields(code: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    for at in places(code, "struct") {
        let rest = code[at + 6..].trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (owner, Some(open)) = (&rest[..end], rest.find(['{', ';', '('])) else { continue };
        if !rest[open..].starts_with('{') {
            continue;
        }
        let start = code.len() - rest.len() + open;
        let body = &code[start + 1..start + group(&code[start..]).max(2) - 1];
        let (mut depth, mut from) = (0usize, 0);
        for (at, byte) in body.bytes().chain([b',']).enumerate() {
            match byte {
                b'{' | b'(' | b'[' | b'<' => depth += 1,
                b'}' | b')' | b']' => depth -= 1,
                b'>' if body.as_bytes()[at.max(1) - 1] != b'-' => depth -= 1,
                b',' if depth == 0 => {
                    let piece = &body[from..at.min(body.len())];
                    fields.extend(field(owner, piece, start + 1 + from));
                    from = at + 1;
                }
                _ => {}
            }
        }
    }
    fields
}

/// The field that a piece of a struct's body declares, past its attributes.
fn field<'a>(owner: &'a str, piece: &'a str, at: usize) -> Option<Field<'a>> {
    let mut text = piece.trim_start();
    while text.starts_with('#') {
        text = text[text.find(']')? + 1..].trim_start();
    }
    let at = at + piece.len() - text.len();
    let (head, _) = text.split_once(": ").or_else(|| text.split_once(':'))?;
    let name = head.rsplit(char::is_whitespace).next()?;
    // The visibility's own path has colons, too: `pub(in crate::engine)`.
    if head.contains('(') && !head.contains(')') {
        let close = text.find(')')? + 1;
        let (name, _) = text[close..].split_once(':')?;
        return Some(Field { owner, name: name.trim(), visibility: &text[..close], at });
    }
    let visibility = head[..head.len() - name.len()].trim();
    Some(Field { owner, name, visibility, at })
}

#[test]
fn fields_methods_and_names_are_seen() {
    let code = "struct A<T: B> { pub(in crate::engine) a: Vec<(u8, u8)>, #[x(1)] b: fn() -> u8, pub c: T }
        struct B(pub u8); struct C; impl Engine { fn a() {} pub fn b() {} } impl Engine for A { fn c() {} }";
    let found: Vec<_> = fields(code).into_iter().map(|f| (f.owner, f.name, f.visibility)).collect();
    assert_eq!(found, [("A", "a", "pub(in crate::engine)"), ("A", "b", ""), ("A", "c", "pub")]);
    assert_eq!(methods(code), 2);
    let text = "use crate::engine::{Engine, write::line}; pub(in crate::engine) fn f(x: crate::engine::events::E) {}";
    let source = source_of("engine/submit/slot.rs", text);
    let named: Vec<_> = named(&source).into_iter().map(|(_, name)| name).collect();
    assert_eq!(named, ["mod", "write", "events"]);
    assert!(may_name("write", "submit") && may_name("mod", "write") && may_name("write", "BatchSizes"));
    assert!(
        !may_name("submit", "mod") && !may_name("inflight", "selection") && may_name("selection", "inflight")
    );
}
