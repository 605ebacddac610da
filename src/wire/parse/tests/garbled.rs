//! No bytes make the grammar panic: prefixes and garbled forms of many responses are parsed or
//! refused.

use super::*;

const SEEDS: &[&[u8]] = &[
    b"* OK [CAPABILITY IMAP4rev2 AUTH=PLAIN LITERAL+] ready {5}",
    b"A142 OK [COPYUID 38505 304,319:320 3956:3958] Done",
    b"* OK [PERMANENTFLAGS (\\Deleted \\Seen \\* [a b])] Limited",
    b"* NO [BADCHARSET (\"a\" {1}\r\nb c)] no",
    b"+ go on",
    b"* LIST (\\HasChildren \\Sent) \"/\" \"a \\\"b\\\" &AOk-\" (\"OLDNAME\" (\"x\") \"CHILDINFO\" (\"SUBSCRIBED\"))",
    b"* LIST () NIL bare name (x)",
    b"* STATUS bare name (MESSAGES 231 UIDNEXT 44292 SIZE -1 MAILBOXID (a))",
    b"* SEARCH 2 84 882 3:9 (MODSEQ 917162500)",
    b"* ESEARCH (TAG \"A1\") UID MIN 1 ALL 1:*,5 X-PARTIAL (1:10 (2))",
    b"* VANISHED (EARLIER) 41,43:116",
    b"* ID (\"name\" NIL \"os\" {1}\r\nx)",
    b"* 12 FETCH (FLAGS (\\Seen a[b c]) UID 4 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 1.2e+03 MODSEQ (7))",
    b"* 1 FETCH (BODY[1.2.HEADER.FIELDS (Date \"x\")]<0> {3}\r\nabc BINARY[1] ~{2}\r\n\0) X (1 (2)) RFC822.TEXT NIL)",
    b"* 1 FETCH (ENVELOPE ((\"d\" \"s\" ((\"n\" NIL \"m\" \"h\")NIL) NIL (NIL NIL \"m\" \"h\") () NIL NIL \"r\" \"i\")))",
    b"* 1 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" (\"a\" \"b\" \"c\") NIL NIL \"7bit\" -1 4 \"md\" (\"en\") (\"inline\" NIL) () 1 (2))\
      (\"message\" \"rfc822\" NIL NIL NIL NIL 9 (NIL \"s\") (\"X\" (\"b\" \"\") NIL NIL \"e\" 5) 3)\
      (\"alternative\" (\"b\" \"c\") NIL NIL) \"mixed\" (\"b\" \"c\") (\"attachment\" (\"f\" \"g\")) \"en\" \"l\" 5))",
    b"* X-QUOTA \"\" (STORAGE 10 {3}\r\n512) [x (y)] z",
    b"* NAMESPACE ((\"\" \"/\")(\"#a/\" NIL \"X\" (\"F\" \"G\")))((\"b.\" \".\" \"TRANSLATION\" (\"&AOk-\"))) NIL",
    b"* ACL a&b {3}\r\nx y rw -z wetd",
    b"* LISTRIGHTS ~/Mail/saved smith la r swicdkxte",
    b"* QUOTA \"\" (STORAGE -1 NIL MESSAGE 1 2)",
    b"* QUOTAROOT \"a b\" \"\" c",
    b"* METADATA \"\" (/shared/comment {2}\r\nab /private/x NIL)",
    b"* METADATA INBOX /shared/comment /private/comment",
    b"* SORT 5 3 4 1:2 (MODSEQ 9) 7",
    b"* THREAD (2)(3 6 (4 23)(44 7 96)) ((3)(5))",
    b"* COMPARATOR \"i;basic\" (\"i;basic\" i;octet)",
    b"* URLFETCH \"imap://x\" {2}\r\nab y NIL z (BODY \"c\") (BODYPARTSTRUCTURE (1 (2)))",
    b"* UIDBATCHES (TAG \"A143\") 215295:99696,99695:1",
    b"* ESEARCH (TAG a MAILBOX \"m\" UIDVALIDITY 1) UID PARTIAL (-1:-9 5,3) ADDTO (0 1:2 3 4) RELEVANCY (4 99) ALL 3,1",
    b"* OK [INPROGRESS (\"A\" 1 NIL)] x",
    b"* NO [METADATA LONGENTRIES 2199] x",
    b"* NO [URLMECH INTERNAL A=b] x",
    b"* NO [BADURL \"/x]y\"] x",
    b"* 1 FETCH (EMAILID (M1) THREADID NIL SAVEDATE \"01-Jan-2015 18:50:53 +0100\" PREVIEW (FUZZY \"a\") X-GM-MSGID 12 X-GM-LABELS (\"\\\\A\" NIL &AOk-) BINARY[1.2]<3> ~{2}\r\n\0) BINARY.SIZE[] 5)",
];

/// Parses it, and visits everything that was parsed.
fn survive(text: &[u8]) {
    let literals = vec![Bytes::from(vec![b'x'; 5000])].into();
    let frame = Frame { text: Bytes::copy_from_slice(text), literals };
    match Parser::new(&Limits::default()).read(&frame) {
        Ok(read) => assert!(!format!("{read:?}").is_empty()),
        Err(bad) => assert!(bad.at <= text.len(), "{bad:?}"),
    }
}

#[test]
fn every_seed_is_read() {
    for seed in SEEDS {
        assert!(read(seed).is_ok(), "{}: {:?}", seed.escape_ascii(), read(seed));
    }
}

#[test]
fn every_prefix_and_every_suffix() {
    for seed in SEEDS {
        for cut in 0..=seed.len() {
            survive(&seed[..cut]);
            survive(&seed[cut..]);
            survive(&[b"* 1 FETCH (", &seed[cut..]].concat());
        }
    }
}

#[test]
fn every_byte_replaced_doubled_and_left_out() {
    let others = b"()\"\\{}[]<>*~ \r\n0-9NIL,.:\0\xff";
    for seed in SEEDS {
        for at in 0..seed.len() {
            for other in others {
                survive(&[&seed[..at], &[*other], &seed[at + 1..]].concat());
                survive(&[&seed[..at], &[*other], &seed[at..]].concat());
            }
            survive(&[&seed[..at], &seed[at + 1..]].concat());
        }
    }
}

#[test]
fn random_mixtures() {
    let mut state = 99u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    for _ in 0..20_000 {
        let (a, b) = (SEEDS[random(SEEDS.len())], SEEDS[random(SEEDS.len())]);
        let (from, to) = (random(b.len()), random(b.len()));
        let piece = &b[from.min(to)..from.max(to)];
        let at = random(a.len());
        survive(&[&a[..at], piece, &a[(at + random(8)).min(a.len())..]].concat());
    }
}

/// A tagged status always ends its command, whatever follows it.
#[test]
fn no_tagged_status_is_unparsable() {
    for seed in SEEDS {
        for cut in 0..seed.len() {
            for bracket in ["", "["] {
                let line = [b"A1 NO ", bracket.as_bytes(), &seed[cut..]].concat();
                assert!(matches!(read(&line), Ok(Response::Tagged { .. })), "{}", line.escape_ascii());
            }
        }
    }
}
