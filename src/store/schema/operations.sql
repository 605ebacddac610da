-- What the user did and the server does not know yet. Mailboxes and messages are those of this
-- file, so that a message can be moved again before the first move was sent.
CREATE TABLE operation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL,
  kind TEXT NOT NULL,
  message INTEGER,
  mailbox INTEGER,
  target INTEGER,
  -- JSON: flags added and removed, names.
  args TEXT NOT NULL,
  -- queued, sending (in doubt after a crash), sent (until the rows have it), parked.
  state TEXT NOT NULL DEFAULT 'queued',
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  -- JSON: what was noted before it was sent, by which it is recognised afterwards.
  mark TEXT
) STRICT;
CREATE INDEX operation_account ON operation (account, state, id);
CREATE INDEX operation_message ON operation (message) WHERE message IS NOT NULL;
CREATE INDEX operation_mailbox ON operation (mailbox) WHERE mailbox IS NOT NULL;
CREATE INDEX operation_target ON operation (target) WHERE target IS NOT NULL;
