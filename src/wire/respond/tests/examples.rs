//! Lines as the RFCs show them, byte for byte (flags in our order, because they are a set).

use super::super::{Strings, response};
use super::parsed;

#[test]
fn lines_of_the_rfcs_are_written_as_they_are() {
    for line in [
        // RFC 9051, sections 7 and 8; in the shortest form where the RFC leaves a choice.
        "* OK IMAP4rev2 Service Ready",
        "a001 OK LOGIN completed",
        "+ Ready for additional command text",
        "* CAPABILITY STARTTLS AUTH=GSSAPI IMAP4rev2 LOGINDISABLED XPIG-LATIN",
        "* ENABLED CONDSTORE",
        "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)",
        "* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] Limited",
        "* OK [UIDVALIDITY 3857529045] UIDs valid",
        "* LIST (\\Noselect) \"/\" ~/Mail/foo",
        "* LIST (\\NonExistent) \"/\" Foo (OLDNAME (\"x\"))",
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)",
        "* NAMESPACE ((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))",
        "* ESEARCH (TAG \"A285\") UID MIN 7 MAX 3800",
        "* SEARCH 2 3 6 (MODSEQ 917162488)",
        "* 44 EXPUNGE",
        "* 23 FETCH (UID 1 FLAGS (\\Seen) INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\" RFC822.SIZE 44827)",
        "* 12 FETCH (BODY[HEADER.FIELDS (DATE)]<0> {3}\r\na\r\n)",
        "* 23 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23 NIL NIL NIL NIL)\
         (\"TEXT\" \"PLAIN\" (\"NAME\" \"cc.diff\") \"<96>\" \"Compiler diff\" \"BASE64\" 4554 73 NIL NIL NIL NIL) \
         \"MIXED\" NIL NIL NIL NIL))",
        "A003 OK [COPYUID 38505 304,319:320 3956:3958] Done",
        // RFC 7162, 5256, 4314, 9208, 5464, 9394, 5267, 9585.
        "* VANISHED (EARLIER) 300:310,405,411",
        "* THREAD (2)(3 6 (4 23)(44 7 96))",
        "* THREAD ((3)(5))",
        "* ACL INBOX Fred rwipslda",
        "* LISTRIGHTS ~/Mail/saved smith la r s",
        "* QUOTA \"\" (STORAGE 10 512)",
        "* METADATA \"\" (/shared/comment \"My own comment\")",
        "* METADATA INBOX /shared/comment /private/comment",
        "* ESEARCH (TAG \"A01\") UID PARTIAL (-1:-100 NIL)",
        "* ESEARCH (TAG \"B01\") UID ADDTO (1 2733 1 2731:2732) REMOVEFROM (0 32768)",
        "* NO [INPROGRESS (\"A001\" 454 1000)] Processed",
    ] {
        let written = match parsed(format!("{line}\r\n").as_bytes()) {
            Ok(read) => response(&read, Strings::Quoted),
            Err(error) => panic!("{error}"),
        };
        let expected = match line {
            // RFC 9051 section 6.3.9.7 has the tag quoted; quotes around the name only where
            // needed.
            _ if line.contains("OLDNAME") => line.replace("(OLDNAME (\"x\"))", "(\"OLDNAME\" (x))"),
            // Literals only where needed.
            _ => line.to_owned(),
        };
        assert_eq!(String::from_utf8_lossy(&written), format!("{expected}\r\n"));
    }
}
