//! APPEND of parts and of UTF-8, REPLACE: how they are written.

use super::{done, line, refusal, response};
use crate::command::{Append, AppendAll, AppendPart, Claim, Command, Replace};
use crate::types::{Flag, Timestamp, Uid};

#[test]
fn a_message_in_parts() {
    // RFC 4469 section 5, with the literals that need no `+`.
    let flags = [Flag::Seen, Flag::new("$MDNSent")];
    let parts = || {
        [
            AppendPart::text("Subject"),
            AppendPart::url("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1"),
            AppendPart::text("--cut"),
        ]
    };
    let message = Append::parts(parts()).flags(flags).to("Sent");
    assert_eq!(
        line(message.clone(), "CATENATE LITERAL+"),
        "APPEND Sent (\\Seen $MDNSent) CATENATE (TEXT {7+}\r\nSubject URL \
         \"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1\" TEXT {5+}\r\n--cut)"
    );
    assert!(refusal(message, "IMAP4rev1").contains("CATENATE"));
    refusal(Append::parts([]).to("Sent"), "CATENATE");
    let smuggled = Append::parts([AppendPart::url("/x\r\nA2 NOOP")]).to("Sent");
    assert_eq!(line(smuggled, "CATENATE LITERAL+"), "APPEND Sent CATENATE (URL {11+}\r\n/x\r\nA2 NOOP)");
    refusal(Append::parts([AppendPart::url("nul\0")]).to("Sent"), "CATENATE");
}

#[test]
fn parts_in_utf8_and_from_a_stream() {
    // RFC 6855 section 4, `cat-part`.
    let parts = || [AppendPart::utf8("Subject: é\r\n\r\n"), AppendPart::text("x")];
    let message = Append::parts(parts()).to("Drafts");
    assert_eq!(
        line(message.clone(), "CATENATE UTF8=ACCEPT LITERAL+ ENABLED UTF8=ACCEPT"),
        "APPEND Drafts CATENATE (UTF8 (~{15+}\r\nSubject: é\r\n\r\n) TEXT {1+}\r\nx)"
    );
    assert!(refusal(message, "CATENATE UTF8=ACCEPT LITERAL+").contains("UTF8=ACCEPT"));
    // A stream is waited for, since the server may refuse it.
    let streamed = Append::parts([AppendPart::reader(5, &b"hello"[..]), AppendPart::url("/a/;UID=1")]);
    assert_eq!(
        line(streamed.to("Drafts"), "CATENATE LITERAL+"),
        "APPEND Drafts CATENATE (TEXT {5}\r\n URL \"/a/;UID=1\")"
    );
    let empty = [AppendPart::text(""), AppendPart::reader(0, &b""[..])];
    refusal(AppendAll::new("Drafts", [Append::parts(empty)]), "CATENATE MULTIAPPEND LITERAL+");
}

#[test]
fn a_header_in_utf8() {
    // RFC 6855 section 4.
    let message = Append::utf8("Subject: é\r\n\r\n").to("Drafts");
    assert_eq!(
        line(message.clone(), "UTF8=ACCEPT LITERAL+ ENABLED UTF8=ACCEPT"),
        "APPEND Drafts UTF8 (~{15+}\r\nSubject: é\r\n\r\n)"
    );
    assert!(refusal(message, "UTF8=ACCEPT").contains("UTF8=ACCEPT"));
}

#[test]
fn several_go_one_by_one_on_request_alone() {
    let both = || AppendAll::new("Archive", ["one", "two"]);
    assert_eq!(line(both(), "MULTIAPPEND LITERAL+"), "APPEND Archive {3+}\r\none {3+}\r\ntwo");
    assert!(refusal(both(), "IMAP4rev1").contains("MULTIAPPEND"));
    let (first, flow) = super::next_line(&mut both().one_by_one(), &super::session("LITERAL+")).unwrap();
    assert_eq!((first.as_str(), flow), ("APPEND Archive {3+}\r\none", crate::command::Flow::AfterReply));
    assert_eq!(line(AppendAll::new("Archive", ["one"]), "LITERAL+"), "APPEND Archive {3+}\r\none");
}

#[test]
fn a_message_in_the_place_of_another() {
    // RFC 8508 section 3.1, by UID.
    let date: Timestamp = "7-Feb-1994 21:52:25 -0800".parse().unwrap();
    let draft = Append::new("hello").flags([Flag::Seen, Flag::Draft]).internal_date(date).to("Drafts");
    let replace = Replace::new(Uid::new(4).unwrap(), draft);
    assert_eq!(
        line(replace.clone(), "REPLACE LITERAL+"),
        "UID REPLACE 4 Drafts (\\Seen \\Draft) \" 7-Feb-1994 21:52:25 -0800\" {5+}\r\nhello"
    );
    assert!(refusal(replace.clone(), "IMAP4rev1").contains("REPLACE"));
    // RFC 8508 section 3.4: the new UID comes before the end.
    let reported = response("* OK [APPENDUID 1 2000] Replacement Message ready");
    assert_eq!(replace.claims(&reported), Claim::Whole);
    let items = vec![Replace::item(reported).unwrap()];
    assert_eq!(replace.clone().finish(done("OK REPLACE completed"), items).unwrap().uid, Uid::new(2000));
    let tagged = replace.clone().finish(done("OK [APPENDUID 1 2001] done"), Vec::new()).unwrap();
    assert_eq!(tagged.uid, Uid::new(2001));
    assert_eq!(replace.claims(&response("* OK [COPYUID 1 4 5] x")), Claim::No);
}
