"""Whether Maildirs are equal to the mailboxes of an account: by imaplib and mailbox, which somebody else has written.

Arguments: port, user, password, folder. Says what differs on the standard error, and ends with 1 then.
"""

import base64
import collections
import imaplib
import mailbox
import os
import re
import sys

port, user, password, root = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
LETTERS = {
    "\\draft": "D", "\\flagged": "F", "$forwarded": "P", "\\answered": "R", "\\seen": "S", "\\deleted": "T",
}


def decoded(name):
    """Modified UTF-7 (RFC 3501 section 5.1.3)."""

    def part(match):
        text = match.group(1)
        if not text:
            return "&"
        padded = text.replace(",", "/") + "=" * (-len(text) % 4)
        return base64.b64decode(padded).decode("utf-16-be")

    return re.sub("&([^-]*)-", part, name)


def folder(name, delimiter):
    def level(text):
        if text in ("cur", "new", "tmp") or text.startswith("."):
            text = "\0" + text
        out = ""
        for at, char in enumerate(text):
            if char == "\0":
                continue
            first = at == 1 and text[0] == "\0"
            if first or char in "/\\%" or ord(char) < 32 or ord(char) == 127:
                out += "".join("%%%02X" % byte for byte in char.encode())
            else:
                out += char
        return out or "%"

    return os.path.join(root, *[level(text) for text in name.split(delimiter)])


def of_server(mail, name):
    messages = collections.Counter()
    mail.select('"%s"' % name.replace("\\", "\\\\").replace('"', '\\"'), readonly=True)
    data = mail.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1]
    for at, row in enumerate(data):
        if not isinstance(row, tuple):
            continue
        # The flags may stand behind the literal.
        text = row[0].decode() + (data[at + 1].decode() if isinstance(data[at + 1], bytes) else "")
        flags = re.search(r"FLAGS \(([^)]*)\)", text).group(1).lower().split()
        uid = int(re.search(r"UID (\d+)", text).group(1))
        letters = "".join(sorted(LETTERS[flag] for flag in flags if flag in LETTERS))
        messages[(uid, letters, row[1])] += 1
    return messages


def of_maildir(path):
    messages = collections.Counter()
    maildir = mailbox.Maildir(path, create=False)
    for key in maildir.keys():
        message = maildir.get_message(key)
        uid = int(re.search(r"\.V\d+U(\d+)\.imap-duplex", key).group(1))
        in_new = message.get_subdir() == "new"
        letters = message.get_flags()
        assert not (in_new and letters), key
        messages[(uid, letters, maildir.get_bytes(key))] += 1
    return messages


mail = imaplib.IMAP4("127.0.0.1", port)
mail.login(user, password)
differences, wanted = [], set()
for line in mail.list()[1]:
    if isinstance(line, tuple):
        attributes, name = line[0].decode(), line[1].decode()
        delimiter = re.search(r'"(.)"', attributes).group(1)
    else:
        attributes, delimiter, name = re.match(r'\(([^)]*)\) "(.)" (.*)', line.decode()).groups()
        name = name.strip('"').replace('\\"', '"').replace("\\\\", "\\")
    if "\\noselect" in attributes.lower() or "\\nonexistent" in attributes.lower():
        continue
    path = folder(decoded(name), delimiter)
    wanted.add(path)
    if not os.path.isdir(os.path.join(path, "cur")):
        differences.append("%s has no Maildir" % name)
        continue
    server, local = of_server(mail, name), of_maildir(path)
    for message in (server - local).keys():
        differences.append("%s lacks %r" % (name, (message[0], message[1], message[2][:60])))
    for message in (local - server).keys():
        differences.append("%s has %r" % (name, (message[0], message[1], message[2][:60])))
for path, folders, _ in os.walk(root):
    if "cur" in folders and path not in wanted:
        differences.append("%s has no mailbox" % path)
mail.logout()
if differences:
    sys.stderr.write("they differ:\n%s\n" % "\n".join(differences))
    sys.exit(1)
