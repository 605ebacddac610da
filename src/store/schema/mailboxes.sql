-- A user at a server.
CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  identity TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES account,
  -- What identifies it at the server, across renames; NULL: it is not there yet, or is a mere name.
  key TEXT,
  -- Its name at the server; NULL: it is not there yet.
  name TEXT,
  -- Its name as the user sees it, with what is queued; NULL: the user has deleted it.
  shown_name TEXT,
  delimiter TEXT,
  attributes TEXT NOT NULL DEFAULT '[]',
  -- The cursor: all rows are at least as new as this mod-sequence of this UIDVALIDITY.
  uid_validity INTEGER,
  mod_seq INTEGER,
  -- What STATUS said before the last look that was completed: while it says the same, there is
  -- nothing to look for.
  counts TEXT,
  -- Messages at the server, at the last look.
  at_server INTEGER NOT NULL DEFAULT 0,
  -- Whether the rows are all messages that there were: a listing has been completed.
  listed INTEGER NOT NULL DEFAULT 0,
  -- Why it could not be brought in step.
  failure TEXT,
  -- Of the messages that the user sees in it; kept by triggers.
  total INTEGER NOT NULL DEFAULT 0,
  unseen INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX mailbox_key ON mailbox (account, key) WHERE key IS NOT NULL;
CREATE INDEX mailbox_name ON mailbox (account, name);
CREATE INDEX mailbox_shown_name ON mailbox (account, shown_name);
