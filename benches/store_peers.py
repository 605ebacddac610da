#!/usr/bin/env python3
"""First sync, second with nothing new, and one with ten changes, of a mailbox at a private Dovecot: the store's mail
client (`mail --sync`), mbsync, OfflineIMAP. Wall time, processor time, and bytes on the wire through a counting proxy.
Beside the first sync the FETCH that it can't do without, by itself: "bare".

    cargo build --release --all-features --example mail
    benches/store_peers.py [MESSAGES]
"""

import imaplib
import json
import os
import pathlib
import pwd
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

MESSAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORDS = ["invoice", "lunch", "meeting", "holiday", "report", "release", "garden", "music"]


def message(number):
    text = "Some text of a message here. " * 60
    return (
        f"From: Person {number % 500} <person{number % 500}@example.org>\r\nTo: Bob <bob@example.org>\r\n"
        f"Subject: {WORDS[number % 8]} {number}\r\nMessage-ID: <{number}@example.org>\r\n"
        f"Date: Mon, 30 Nov 2026 08:00:00 +0000\r\n\r\n{text}\r\n"
    ).encode()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Dovecot:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        for name in ["run", "state", "home"]:
            (folder / name).mkdir()
        me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        mail = pwd.getpwuid(65534).pw_name if me == "root" else me
        ids = subprocess.run(["id", "-u", mail], capture_output=True, text=True, check=True).stdout.strip()
        group = subprocess.run(["id", "-g", mail], capture_output=True, text=True, check=True).stdout.strip()
        users = "" if me == "root" else f"default_internal_user = {me}\ndefault_login_user = {me}\n"
        (folder / "dovecot.conf").write_text(f"""base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
{users}mail_location = maildir:~/Maildir
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={ids} gid={group} home={folder}/home/%n
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""")
        inbox = folder / "home" / "ann" / "Maildir"
        for name in ["cur", "new", "tmp"]:
            (inbox / name).mkdir(parents=True)
        for number in range(MESSAGES):
            (inbox / "cur" / f"{1_700_000_000 + number}.M{number}.host:2,").write_bytes(message(number))
        if me == "root":
            subprocess.run(["chown", "-R", f"{ids}:{group}", folder / "home"], check=True)
            folder.chmod(0o755)
        program = shutil.which("dovecot", path=os.environ["PATH"] + ":/usr/sbin")
        self.process = subprocess.Popen([program, "-F", "-c", folder / "dovecot.conf"])
        for _ in range(200):
            try:
                self.session().logout()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("Dovecot does not answer")

    def session(self):
        session = imaplib.IMAP4("127.0.0.1", self.port)
        session.login("ann", "secret")
        session.select("INBOX")
        return session

    def forget(self):
        """What Dovecot has noted of messages when it was asked for them."""
        for path in self.folder.rglob("dovecot.index.cache*"):
            path.unlink()

    def change(self, turn):
        session = self.session()
        for at in range(5):
            session.append("INBOX", None, None, message(MESSAGES + turn * 5 + at))
            session.store(str(1 + turn * 5 + at), "+FLAGS", "\\Flagged")
        session.logout()


BARE = """
import socket, sys
session = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def until(what):
    rest = b""
    while what not in rest:
        rest = rest[-100:] + session.recv(1 << 16)
until(b"\\r\\n")
items = "UID FLAGS ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (References)]"
for number, line in enumerate(["LOGIN ann secret", "SELECT INBOX", f"FETCH 1:* ({items})", "LOGOUT"]):
    session.sendall(f"a{number} {line}\\r\\n".encode())
    until(f"\\na{number} OK".encode() if number else b"a0 OK")
"""


class Proxy:
    """Counts what passes."""

    def __init__(self, port):
        self.server, self.up, self.down = port, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.copy, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, False), daemon=True).start()

    def copy(self, source, sink, is_up):
        try:
            while block := source.recv(1 << 16):
                if is_up:
                    self.up += len(block)
                else:
                    self.down += len(block)
                sink.sendall(block)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def commands(folder, port):
    (folder / "mbsync").mkdir()
    (folder / "mbsyncrc").write_text(f"""IMAPAccount a
Host 127.0.0.1
Port {port}
User ann
Pass secret
{TLS}
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path {folder}/mbsync/
Inbox {folder}/mbsync/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync All
SyncState *
""")
    (folder / "offlineimaprc").write_text(f"""[general]
accounts = a
metadata = {folder}/offlineimap
ui = quiet

[Account a]
localrepository = l
remoterepository = r

[Repository l]
type = Maildir
localfolders = {folder}/offline

[Repository r]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = ann
remotepass = secret
ssl = no
starttls = no
maxconnections = 1
auth_mechanisms = LOGIN
""")
    url = f"imap://ann:secret@127.0.0.1:{port}/"
    return {
        "store": [TARGET / "release/examples/mail", "--store", folder / "mail.store", "--sync", "--json", url],
        "mbsync": ["mbsync", "-q", "-c", folder / "mbsyncrc", "-a"],
        "offlineimap": ["offlineimap", "-o", "-c", folder / "offlineimaprc", "-u", "quiet"],
    }


TLS = "SSLType None"


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="peers-"))
    dovecot = Dovecot(folder)
    try:
        proxy = Proxy(dovecot.port)
        work = folder / "work"
        work.mkdir()
        # Dovecot reads the folder once, for whoever comes first.
        dovecot.session().logout()
        print(f"{MESSAGES} messages of {len(message(0))} bytes")
        print("| what | who | wall, s | processor, s | bytes up | bytes down |\n|---|---|---|---|---|---|")
        for what in ["first", "nothing new", "ten changes", "ten changes"]:
            if what == "ten changes":
                dovecot.change(main.turn)
                main.turn += 1
                # As above: what is in the folder since then is read once more, some time after it changed.
                time.sleep(2)
                dovecot.session().logout()
            peers = main.commands(work, proxy.port)
            if what == "first":
                bare = {f"bare {turn}": [sys.executable, "-c", BARE, str(proxy.port)] for turn in [1, 2]}
                # Before the others, and once more after the store: the disk is warm then.
                peers = {"bare 1": bare["bare 1"], "store": peers["store"], "bare 2": bare["bare 2"], **peers}
            for who, command in peers.items():
                if what == "first":
                    dovecot.forget()
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                proxy.up = proxy.down = 0
                start = time.monotonic()
                done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "IMAP_PASSWORD": "secret"})
                wall = time.monotonic() - start
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                if done.returncode:
                    print(f"{who}: {done.returncode}: {done.stderr[-600:]}{done.stdout[-300:]}")
                print(f"| {what} | {who} | {wall:.2f} | {used:.2f} | {proxy.up} | {proxy.down} |", flush=True)
                if who == "store":
                    print("  ", done.stdout.strip()[-300:], file=sys.stderr)
        sizes = {}
        for name in ["mail.store", "mbsync", "offline"]:
            paths = [work / name] if (work / name).is_file() else (work / name).rglob("*")
            sizes[name] = sum(path.stat().st_blocks * 512 for path in paths)
        print("on disk:", json.dumps(sizes))
    finally:
        dovecot.process.terminate()
        dovecot.process.wait()
        shutil.rmtree(folder, ignore_errors=True)


main.turn = 0
main.kept = None


def once(work, port):
    if main.kept is None:
        main.kept = commands(work, port)
    return main.kept


main.commands = once
main()
