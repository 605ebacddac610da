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

/// RFC 3516 section 4.4, `literal8`: also of a stream, whose bytes are not known before.
#[test]
fn what_may_hold_a_nul_is_a_literal8() {
    let message = "Content-Transfer-Encoding: binary\r\n\r\n\0";
    let photo = || Append::new(message).to("Photos");
    let written = format!("APPEND Photos ~{{38+}}\r\n{message}");
    assert_eq!(line(photo(), "BINARY LITERAL+"), written);
    assert_eq!(line(photo().binary(), "BINARY LITERAL+"), written);
    assert!(refusal(photo(), "LITERAL+").contains("BINARY"));
    assert!(refusal(photo().binary(), "LITERAL+").contains("BINARY"));
    assert_eq!(line(Append::new("x").binary(), "BINARY LITERAL+"), "APPEND INBOX ~{1+}\r\nx");
    let streamed = || Append::reader(5, &b"a\0b\r\n"[..]);
    assert_eq!(line(streamed(), "BINARY LITERAL+"), "APPEND INBOX {5}");
    assert_eq!(line(streamed().binary(), "BINARY LITERAL+"), "APPEND INBOX ~{5}");
    assert!(refusal(streamed().binary(), "LITERAL+").contains("BINARY"));
    let utf8 = "UTF8=ACCEPT LITERAL+ ENABLED UTF8=ACCEPT";
    assert_eq!(line(streamed().with_utf8_header(), utf8), "APPEND INBOX () UTF8 (~{5}\r\n)");
    assert!(refusal(streamed().with_utf8_header(), "LITERAL+").contains("UTF8=ACCEPT"));
    let of = |part: AppendPart| Append::parts([part, AppendPart::url("/a/;UID=1")]);
    assert!(refusal(of(AppendPart::text("a\0")), "CATENATE BINARY LITERAL+").contains("NUL"));
    assert!(refusal(of(AppendPart::text("a").binary()), "CATENATE LITERAL+").contains("BINARY"));
    assert!(refusal(of(AppendPart::text("a")).binary(), "CATENATE BINARY").contains("each part"));
    let bytes = of(AppendPart::text("a\0").binary());
    assert_eq!(
        line(bytes, "CATENATE BINARY LITERAL+"),
        "APPEND INBOX CATENATE (TEXT ~{2+}\r\na\0 URL \"/a/;UID=1\")"
    );
    let bytes = of(AppendPart::reader(2, &b"a\0"[..]).binary());
    assert_eq!(
        line(bytes, "CATENATE BINARY LITERAL+"),
        "APPEND INBOX CATENATE (TEXT ~{2}\r\n URL \"/a/;UID=1\")"
    );
}

/// RFC 3502 section 6.3.11, the example, with literals that need no `+`.
#[test]
fn several_messages_at_once() {
    let first = "Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n\
        From: Fred Foobar <foobar@Blurdybloop.example.COM>\r\n\
        Subject: afternoon meeting\r\n\
        To: mooch@owatagu.example.net\r\n\
        Message-Id: <B27397-0100000@Blurdybloop.example.COM>\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n\
        Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n";
    let second = "Date: Mon, 7 Feb 1994 22:43:04 -0800 (PST)\r\n\
        From: Joe Mooch <mooch@OWaTaGu.example.net>\r\n\
        Subject: Re: afternoon meeting\r\n\
        To: foobar@blurdybloop.example.com\r\n\
        Message-Id: <a0434793874930@OWaTaGu.example.net>\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n\
        3:30 is fine with me.\r\n";
    let date: Timestamp = "7-Feb-1994 22:43:04 -0800".parse().unwrap();
    let messages = || {
        let seen = |message: &'static str| Append::new(message).flags([Flag::Seen]);
        AppendAll::new("saved-messages", [seen(first), seen(second).internal_date(date)])
    };
    let written = format!(
        "APPEND saved-messages (\\Seen) {{329+}}\r\n{first} (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" \
         {{295+}}\r\n{second}"
    );
    assert_eq!(line(messages(), "MULTIAPPEND LITERAL+"), written.trim_end());
    // Its section on UIDPLUS, without an example.
    let stored = messages().finish(done("OK [APPENDUID 1022843275 77712:77713] completed"), Vec::new());
    let uids: Vec<_> = stored.unwrap().iter().map(|one| one.uid).collect();
    assert_eq!(uids, [Uid::new(77712), Uid::new(77713)]);
    let plain = messages().finish(done("OK APPEND completed"), Vec::new()).unwrap();
    assert!(plain.len() == 2 && plain.iter().all(|one| one.uid.is_none()));
}

#[test]
fn a_header_in_utf8() {
    // RFC 6855 section 4.
    let message = Append::utf8("Subject: é\r\n\r\n").to("Drafts");
    assert_eq!(
        line(message.clone(), "UTF8=ACCEPT LITERAL+ ENABLED UTF8=ACCEPT"),
        "APPEND Drafts () UTF8 (~{15+}\r\nSubject: é\r\n\r\n)"
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
