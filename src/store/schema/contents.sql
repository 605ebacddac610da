-- A conversation: the server's (THREADID, X-GM-THRID), or what refers to each other.
CREATE TABLE thread (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL,
  server TEXT
) STRICT;
CREATE UNIQUE INDEX thread_server ON thread (account, server) WHERE server IS NOT NULL;

-- The conversation of each Message-ID that a message has or refers to.
CREATE TABLE reference (
  account INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  thread INTEGER NOT NULL,
  PRIMARY KEY (account, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_thread ON reference (thread);

-- What never changes of a message. Messages that the server says to be the same share one.
CREATE TABLE content (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL,
  -- EMAILID or X-GM-MSGID.
  global TEXT,
  message_id TEXT,
  in_reply_to TEXT,
  -- Its References, one after the other, oldest first.
  refs TEXT,
  thread INTEGER NOT NULL,
  -- Seconds since 1970.
  sent INTEGER,
  received INTEGER,
  size INTEGER,
  subject TEXT,
  -- JSON.
  people TEXT NOT NULL,
  structure TEXT,
  attachments INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX content_global ON content (account, global) WHERE global IS NOT NULL;
CREATE INDEX content_message_id ON content (account, message_id);
CREATE INDEX content_thread ON content (thread);

-- A part of a message, or with the section '' the whole; in pieces, so that a large one is never in
-- memory, and never in one transaction.
CREATE TABLE body (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  content INTEGER NOT NULL,
  section TEXT NOT NULL,
  size INTEGER NOT NULL DEFAULT 0,
  complete INTEGER NOT NULL DEFAULT 0,
  -- When it was last used, in the order of uses.
  used INTEGER NOT NULL DEFAULT 0,
  -- How many operations need it.
  pins INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX body_section ON body (content, section);
CREATE INDEX body_used ON body (used) WHERE pins = 0;
CREATE TABLE piece (
  body INTEGER NOT NULL,
  number INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (body, number)
) STRICT;
-- How many bytes there are, and the last use.
CREATE TABLE bodies (bytes INTEGER NOT NULL, clock INTEGER NOT NULL) STRICT;
INSERT INTO bodies VALUES (0, 0);
CREATE TRIGGER body_updated AFTER UPDATE OF size ON body BEGIN
  UPDATE bodies SET bytes = bytes + new.size - old.size;
END;
CREATE TRIGGER body_deleted AFTER DELETE ON body BEGIN
  DELETE FROM piece WHERE body = old.id;
  UPDATE bodies SET bytes = bytes - old.size;
END;

CREATE VIRTUAL TABLE search USING fts5 (
  subject, people, text,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER content_deleted AFTER DELETE ON content BEGIN
  DELETE FROM body WHERE content = old.id;
  DELETE FROM search WHERE rowid = old.id;
  DELETE FROM reference WHERE thread = old.thread
    AND NOT EXISTS (SELECT 1 FROM content WHERE thread = old.thread);
  DELETE FROM thread WHERE id = old.thread
    AND NOT EXISTS (SELECT 1 FROM content WHERE thread = old.thread);
END;
