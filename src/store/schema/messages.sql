-- A message in a mailbox. Its number is the user's and never used again; mailbox and UID are where
-- the server has it, place is where the user sees it.
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  mailbox INTEGER,
  uid INTEGER,
  place INTEGER,
  -- NULL: not fetched yet.
  content INTEGER,
  -- At the server, and with what is queued; in one form, so that they can be compared.
  flags TEXT NOT NULL,
  shown TEXT NOT NULL,
  unseen INTEGER NOT NULL,
  -- What a page is sorted by: when the server received it.
  date INTEGER NOT NULL DEFAULT 0,
  -- How often its content was asked for in vain.
  misses INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX message_uid ON message (mailbox, uid) WHERE uid IS NOT NULL;
CREATE INDEX message_page ON message (place, date, id) WHERE content IS NOT NULL;
CREATE INDEX message_content ON message (content);
CREATE INDEX message_bare ON message (mailbox, uid) WHERE content IS NULL;

CREATE TRIGGER message_deleted AFTER DELETE ON message WHEN old.content IS NOT NULL BEGIN
  DELETE FROM content WHERE id = old.content
    AND NOT EXISTS (SELECT 1 FROM message WHERE content = old.content);
END;
CREATE TRIGGER message_content_changed AFTER UPDATE OF content ON message
WHEN old.content IS NOT NULL AND old.content IS NOT new.content BEGIN
  DELETE FROM content WHERE id = old.content
    AND NOT EXISTS (SELECT 1 FROM message WHERE content = old.content);
END;

CREATE TRIGGER count_inserted AFTER INSERT ON message WHEN new.place IS NOT NULL BEGIN
  UPDATE mailbox SET total = total + 1, unseen = unseen + new.unseen WHERE id = new.place;
END;
CREATE TRIGGER count_deleted AFTER DELETE ON message WHEN old.place IS NOT NULL BEGIN
  UPDATE mailbox SET total = total - 1, unseen = unseen - old.unseen WHERE id = old.place;
END;
CREATE TRIGGER count_updated AFTER UPDATE OF place, unseen ON message
WHEN old.place IS NOT new.place OR old.unseen <> new.unseen BEGIN
  UPDATE mailbox SET total = total - 1, unseen = unseen - old.unseen WHERE id = old.place;
  UPDATE mailbox SET total = total + 1, unseen = unseen + new.unseen WHERE id = new.place;
END;
