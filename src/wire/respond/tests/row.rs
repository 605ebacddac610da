//! Rows written item by item, in the order and with the names of the request.

use super::super::{FetchRow, Strings, response};
use super::parsed;
use crate::types::{
    Answer, BodyData, BodyStructureBuilder, EnvelopeBuilder, Flag, Flags, ListEntry, Part, Section, Untagged,
};
use crate::wire::Response;

#[test]
fn items_keep_the_requested_order() {
    let mut row = FetchRow::new(12, Strings::Quoted);
    row.flags(&Flags::from([Flag::Seen, Flag::new("$x")]));
    row.uid(77);
    row.string("RFC822.HEADER", Some(b"A: b\r\n\r\n"));
    row.date("SAVEDATE", None);
    row.date("INTERNALDATE", "17-Jul-1996 02:44:25 -0700".parse().ok());
    row.size(9);
    row.mod_seq(5);
    row.id("EMAILID", Some("M1"));
    row.id("THREADID", None);
    let section = Section::Part(Part::new(1));
    row.section("BINARY", &BodyData::new(section.clone(), Some(4), Some("x\0".into())));
    row.binary_size(&section, 40);
    row.section("BODY", &BodyData::new(Section::Full, None, None));
    let written = row.finish();
    assert_eq!(
        written.escape_ascii().to_string(),
        "* 12 FETCH (FLAGS (\\\\Seen $x) UID 77 RFC822.HEADER {8}\\r\\nA: b\\r\\n\\r\\n SAVEDATE NIL \
         INTERNALDATE \\\"17-Jul-1996 02:44:25 -0700\\\" RFC822.SIZE 9 MODSEQ (5) EMAILID (M1) THREADID NIL \
         BINARY[1]<4> ~{2}\\r\\nx\\x00 BINARY.SIZE[1] 40 BODY[] NIL)\\r\\n"
    );
    let Ok(Response::Untagged(read)) = parsed(&written) else { panic!("it can't be read") };
    let Answer::Fetch(row) = read.answer() else { panic!("{read:?}") };
    assert_eq!((row.uid().map(|uid| uid.get()), row.size(), row.email_id()), (Some(77), Some(9), Some("M1")));
}

#[test]
fn a_structure_has_the_name_of_its_form() {
    let structure = BodyStructureBuilder::new("text", "plain").encoding("7bit").size(3).lines(1).build();
    for (extended, name) in [(true, "BODYSTRUCTURE ("), (false, "BODY (")] {
        let mut row = FetchRow::new(1, Strings::Quoted);
        row.envelope(&EnvelopeBuilder::new().subject("hi").build());
        row.body(&structure, extended);
        let written = row.finish();
        assert!(String::from_utf8_lossy(&written).contains(name), "{}", written.escape_ascii());
        assert!(matches!(parsed(&written), Ok(Response::Untagged(_))));
    }
}

#[test]
fn utf8_is_quoted_where_allowed() {
    let mut entry = ListEntry::new("Grüße & \"x\"");
    entry.delimiter = Some('/');
    let list = Response::Untagged(Untagged::new("LIST", Answer::List(Box::new(entry)), None));
    let text = |strings| String::from_utf8(response(&list, strings)).unwrap();
    assert_eq!(text(Strings::Utf8), "* LIST () \"/\" \"Grüße & \\\"x\\\"\"\r\n");
    assert_eq!(text(Strings::Quoted), "* LIST () \"/\" \"Gr&APwA3w-e &- \\\"x\\\"\"\r\n");
}
