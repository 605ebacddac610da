"""A session of Python's imaplib with the example `serve`: what a program does that somebody else has written.

Arguments: the port, the certificate to trust. Ends with an error at the first answer that is not right.
"""

import imaplib
import re
import ssl
import sys
import time

port, ca = int(sys.argv[1]), sys.argv[2]


def ok(answer, wanted=None):
    status, data = answer
    assert status == "OK", answer
    if wanted is not None:
        assert data == wanted, (data, wanted)
    return data


mail = imaplib.IMAP4("localhost", port)
try:
    mail.login("alice", "wrong")
    raise SystemExit("a wrong password was taken")
except imaplib.IMAP4.error as error:
    assert "AUTHENTICATIONFAILED" in str(error), error
ok(mail.starttls(ssl.create_default_context(cafile=ca)))
ok(mail.authenticate("PLAIN", lambda _: b"\0alice\0secret"))

names = [line.decode().rsplit(" ", 1)[-1] for line in ok(mail.list())]
assert names == ["Drafts", "INBOX", "Projects", "Sent", "Trash"], names
ok(mail.select("INBOX"), [b"8"])
assert mail.untagged_responses["UIDVALIDITY"] == [b"1"], mail.untagged_responses

ok(mail.search(None, "ALL"), [b"1 2 3 4 5 6 7 8"])
ok(mail.search("UTF-8", "SUBJECT", "build", "UNSEEN"), [b"8"])
mail.literal = "Müller".encode()
ok(mail.uid("SEARCH", "CHARSET", "UTF-8", "FROM"), [b"5"])
ok(mail.search(None, "SUBJECT", '"not there"'), [b""])
ok(mail.sort("(REVERSE SUBJECT)", "UTF-8", "FROM", "build"), [b"8 4 2"])

row = ok(mail.fetch("1", "(UID RFC822.SIZE ENVELOPE BODYSTRUCTURE)"))[0].decode()
assert 'UID 1 ' in row and '"Minutes of Monday" (("Ann Lee" NIL "ann" "example.org"))' in row, row
assert '("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 18 1' in row, row
((head, body), _) = ok(mail.fetch("5", "(RFC822)"))
assert body.startswith(b"From: =?utf-8?q?J") and body.endswith(b"\r\n\r\nSiehe Anhang.\r\n"), body
assert b"{%d}" % len(body) in head, head
row = ok(mail.fetch("5", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)]<0.20>)"))[0]
assert b'<0> "Subject: =?utf-8?q?F"' in row, row

row = ok(mail.store("7", "+FLAGS", r"(\Flagged $Todo)"))[0]
assert rb"\Flagged" in row and b"$Todo" in row, row
ok(mail.store("7", "-FLAGS.SILENT", r"(\Flagged)"))
ok(mail.search(None, "KEYWORD $Todo UNFLAGGED"), [b"7"])

stamp = imaplib.Time2Internaldate(1000000000)
put = ok(mail.append("INBOX", r"(\Seen)", stamp, b"Subject: put\r\n\r\n" + b"x" * 100000 + b"\r\n"))[0]
assert re.match(rb"\[APPENDUID 1 9\]", put), put
row = ok(mail.uid("FETCH", "9", "(FLAGS INTERNALDATE RFC822.SIZE)"))[0]
assert imaplib.Internaldate2tuple(row) == time.localtime(1000000000), row
assert b"RFC822.SIZE 100018" in row, row

copied = ok(mail.copy("1:2", "Sent"))[0]
assert b"COPYUID" in copied and b" 1:2 1:2]" in copied, copied
ok(mail.status("Sent", "(MESSAGES UIDNEXT UNSEEN)"), [b"Sent (MESSAGES 2 UIDNEXT 3 UNSEEN 0)"])
ok(mail.uid("MOVE", "3", "Trash"))
ok(mail.search(None, "UID", "3"), [b""])
ok(mail.store("1:2", "+FLAGS.SILENT", r"\Deleted"))
# The first is the move's, which imaplib has kept.
ok(mail.expunge(), [b"3", b"1", b"1"])
ok(mail.search(None, "ALL"), [b"1 2 3 4 5 6"])

ok(mail.create('"Entw&APw-rfe/Alt"'))
ok(mail.subscribe('"Entw&APw-rfe/Alt"'))
ok(mail.lsub('""', '"Entw*"'), [rb'() "/" Entw&APw-rfe/Alt'])
ok(mail.rename('"Entw&APw-rfe/Alt"', "Old"))
ok(mail.delete("Old"))
status, why = mail.select("Old")
assert status == "NO", (status, why)
ok(mail.select("INBOX", readonly=True))
# As with Dovecot, STORE is OK there and changes nothing.
before = ok(mail.fetch("1", "(FLAGS)"))
ok(mail.store("1", "+FLAGS", r"(\Seen \Flagged)"))
assert ok(mail.fetch("1", "(FLAGS)")) == before, before
ok(mail.noop())
ok(mail.unselect() if hasattr(mail, "unselect") else mail.close())

# The server reports to a second session what the first does.
with imaplib.IMAP4("localhost", port) as second:
    second.login("alice", "secret")
    ok(second.select("INBOX"), [b"6"])
    ok(mail.append("INBOX", None, None, b"Subject: news\r\n\r\n"))
    ok(second.noop())
    assert second.untagged_responses["EXISTS"][-1] == b"7", second.untagged_responses

assert mail.logout()[0] == "BYE"
print("all is right")
