//! SELECT and EXAMINE as the RFCs have them, word for word, and what is known of the mailbox then.

use super::script::{Script, resolved};
use crate::Select;
use crate::types::{MailboxState, ModSeq, Uid, UidValidity, ViewSync};

fn quietly(mailbox: &str) -> Select {
    Select::new(mailbox).view_sync(ViewSync::Off)
}

const INBOX: &str = "* 172 EXISTS
    * OK [UIDVALIDITY 3857529045] UIDs valid
    * OK [UIDNEXT 4392] Predicted next UID
    * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
    * OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited
    * LIST () \"/\" INBOX
    TAG OK [READ-WRITE] SELECT completed";

/// RFC 9051 section 6.3.2.
#[test]
fn a_mailbox_is_selected_and_another_after_it() {
    let mut script = Script::new("", &[]);
    let inbox = script.select(quietly("INBOX"), "SELECT INBOX", INBOX);
    assert_eq!((inbox.exists(), inbox.uid_next()), (172, Uid::new(4392)));
    assert_eq!(inbox.uid_validity(), UidValidity::new(3_857_529_045));
    assert!(!inbox.is_read_only());
    assert_eq!(script.events(), ["opened with 172 messages, UIDVALIDITY 3857529045"]);
    let token = script.sender.select(quietly("Drafts"));
    // The RFC's UIDVALIDITY of this one, 9877410381, has more than 32 bits.
    script.line(
        "SELECT Drafts",
        "* OK [CLOSED] Previous mailbox is now closed
         * 5 EXISTS
         * OK [UIDVALIDITY 987741038] UIDs valid
         * OK [UIDNEXT 102] Predicted next UID
         * LIST () \"/\" Drafts
         * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
         * OK [PERMANENTFLAGS (\\Deleted \\Seen \\Answered \\Flagged \\Draft \\*)] System flags and keywords allowed
         TAG OK [READ-WRITE] SELECT completed",
    );
    let drafts = resolved(token);
    assert_eq!((drafts.exists(), drafts.uid_next()), (5, Uid::new(102)));
    assert!(inbox.has_ended());
    let opened = "Drafts: opened with 5 messages, UIDVALIDITY 987741038";
    assert_eq!(script.events(), ["no longer selected", opened]);
}

/// RFC 9051 section 6.3.3.
#[test]
fn a_mailbox_is_examined() {
    let mut script = Script::new("", &[]);
    let examined = script.select(
        quietly("blurdybloop").read_only(),
        "EXAMINE blurdybloop",
        "* 17 EXISTS
         * OK [UIDVALIDITY 3857529045] UIDs valid
         * OK [UIDNEXT 4392] Predicted next UID
         * LIST () \"/\" blurdybloop
         * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
         * OK [PERMANENTFLAGS ()] No permanent flags permitted
         TAG OK [READ-ONLY] EXAMINE completed",
    );
    assert!(examined.is_read_only() && examined.exists() == 17);
}

/// RFC 4315 section 3, RFC 8474 section 4.2.
#[test]
fn what_a_mailbox_says_of_itself() {
    let mut script = Script::new("OBJECTID", &[]);
    let funny = script.select(
        quietly("funny"),
        "SELECT funny",
        "* 1 EXISTS
         * 1 RECENT
         * OK [UNSEEN 1] Message 1 is first unseen
         * OK [UIDVALIDITY 3857529045] Validity session-only
         * OK [UIDNEXT 2] Predicted next UID
         * NO [UIDNOTSTICKY] Non-persistent UIDs
         * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
         * OK [PERMANENTFLAGS (\\Deleted \\Seen)] Limited
         * OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Ok
         TAG OK [READ-WRITE] SELECT completed",
    );
    assert_eq!((funny.exists(), funny.uid_next()), (1, Uid::new(2)));
}

/// RFC 7162 sections 3.1.2.1, 3.1.2.2 and 3.1.8.
#[test]
fn a_mailbox_with_mod_sequences_and_one_without() {
    let head = "* 172 EXISTS
        * 1 RECENT
        * OK [UNSEEN 12] Message 12 is first unseen
        * OK [UIDVALIDITY 3857529045] UIDs valid
        * OK [UIDNEXT 4392] Predicted next UID
        * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
        * OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited";
    let known = "* OK [HIGHESTMODSEQ 715194045007]";
    let none = "* OK [NOMODSEQ] Sorry, this mailbox format doesn't support modsequences";
    for (select, line, code, mod_seq) in [
        (quietly("INBOX"), "SELECT INBOX", known, ModSeq::new(715_194_045_007)),
        (quietly("INBOX"), "SELECT INBOX", none, None),
        (quietly("INBOX").condstore(), "SELECT INBOX (CONDSTORE)", known, ModSeq::new(715_194_045_007)),
    ] {
        let mut script = Script::new("CONDSTORE", &[]);
        let inbox = script.select(select, line, &format!("{head}\n{code}\nTAG OK [READ-WRITE] done"));
        assert_eq!(inbox.highest_mod_seq(), mod_seq, "{line}");
    }
}

/// RFC 7162 section 3.2.5, the first example: the mailbox is another one. The set of known UIDs is
/// left out, since a server that gets it leaves new messages out.
#[test]
fn a_mailbox_that_is_another_by_now() {
    let mut script = Script::new("QRESYNC", &["QRESYNC"]);
    let mut state = MailboxState::new(UidValidity::new(67_890_007).unwrap());
    state.highest_mod_seq = ModSeq::new(20_050_715_194_045_000);
    let select = quietly("INBOX").resume(state);
    let token = script.sender.select(select);
    script.line(
        "SELECT INBOX (QRESYNC (67890007 20050715194045000))",
        "* 464 EXISTS
         * 3 RECENT
         * OK [UIDVALIDITY 3857529045] UIDVALIDITY
         * OK [UIDNEXT 550] Predicted next UID
         * OK [HIGHESTMODSEQ 90060128194045007] Highest mailbox mod-sequence
         * OK [UNSEEN 12] Message 12 is first unseen
         * FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen)
         * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen \\*)] Permanent flags
         TAG OK [READ-WRITE] Sorry, UIDVALIDITY mismatch",
    );
    let inbox = resolved(token);
    assert_eq!((inbox.exists(), inbox.uid_validity()), (464, UidValidity::new(3_857_529_045)));
    let opened = "opened with 464 messages, UIDVALIDITY 3857529045";
    assert_eq!(script.events(), [opened, "UIDVALIDITY is 3857529045 now (while away)"]);
}
