//! NOTIFY (RFC 5465). The library's own always watch the flags of the selected mailbox as well,
//! since its view would be wrong without; and new messages of others only together with removed
//! ones (section 5), which the example of section 3.1 leaves out.

use super::transcript::example;
use super::{line, refusal};
use crate::command::{Items, Notify, NotifyEvent, SelectedNotify, StatusCommand, StatusItems};

use NotifyEvent::{FlagChange, MessageExpunge, MessageNew, SubscriptionChange};

/// Section 3.1.
#[test]
fn counts_are_sent_before_changes() {
    let selected = SelectedNotify::immediate().fetching(Items::header_fields(["from", "to", "subject"]));
    let lists = || Notify::set().subtree(["Lists"], [MessageNew, MessageExpunge]).selected(selected.clone());
    let counted = example(
        lists().status(),
        "NOTIFY",
        "C: b notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) \
         MessageExpunge FlagChange)) (subtree Lists (MessageNew MessageExpunge))\n\
         S: * STATUS Lists/Lemonade (UIDVALIDITY 4 UIDNEXT 9999 MESSAGES 500)\n\
         S: * STATUS Lists/Im2000 (UIDVALIDITY 901 UIDNEXT 1 MESSAGES 0)\n\
         S: b OK done",
    );
    assert_eq!(counted.iter().map(|one| one.messages).collect::<Vec<_>>(), [Some(500), Some(0)]);
    let misc = example(
        StatusCommand::new("misc", StatusItems::uid_validity().uid_next()),
        "NOTIFY",
        "C: d STATUS misc (UIDNEXT UIDVALIDITY)\n\
         S: * STATUS misc (UIDVALIDITY 1 UIDNEXT 999)\n\
         S: d OK STATUS completed",
    );
    assert_eq!(misc.uid_next.map(|uid| uid.get()), Some(999));
    let and_misc = lists().mailboxes(["misc"], [MessageNew, MessageExpunge]);
    // Changes that come before the OK are none of its answers: no counts were asked for.
    let none = example(
        and_misc,
        "NOTIFY",
        "C: e notify set (selected (MessageNew (uid body.peek[header.fields (from to subject)]) \
         MessageExpunge FlagChange)) (subtree Lists (MessageNew MessageExpunge)) \
         (mailboxes misc (MessageNew MessageExpunge))\n\
         E: * STATUS Lists/Lemonade (UIDVALIDITY 4 UIDNEXT 10000 MESSAGES 501)\n\
         S: e OK done",
    );
    assert!(none.is_empty());
}

/// Section 6.
#[test]
fn several_sets_of_mailboxes() {
    let both =
        Notify::set().mailboxes(["INBOX"], [MessageNew, MessageExpunge]).personal([SubscriptionChange]);
    example(
        both.selected(SelectedNotify::silent()),
        "NOTIFY",
        "C: a notify set (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))\n\
         S: a OK done",
    );
    let selected = SelectedNotify::immediate().fetching(Items::flags());
    let all = Notify::set().personal([MessageNew, FlagChange, MessageExpunge]).selected(selected);
    example(
        all,
        "NOTIFY",
        "C: a notify set (selected (Messagenew (uid flags) messageExpunge FlagChange)) \
         (personal (MessageNew FlagChange MessageExpunge))\n\
         S: a OK done",
    );
    let silent = Notify::none();
    assert_eq!(line(silent, "NOTIFY"), "NOTIFY NONE");
}

/// Section 5: what servers answer with BAD.
#[test]
fn events_that_need_others() {
    for events in [vec![MessageNew], vec![MessageExpunge], vec![FlagChange]] {
        assert!(refusal(Notify::set().personal(events), "NOTIFY").contains("MessageNew"));
    }
    assert!(refusal(Notify::set(), "IMAP4rev1").contains("NOTIFY"));
}
