-- What a user can see to have changed, in order. Old ones are left out: who is further behind reads
-- all again.
CREATE TABLE change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  mailbox INTEGER,
  message INTEGER
) STRICT;

CREATE TRIGGER change_inserted AFTER INSERT ON message
WHEN new.place IS NOT NULL AND new.content IS NOT NULL BEGIN
  INSERT INTO change (kind, mailbox, message) VALUES ('added', new.place, new.id);
END;
CREATE TRIGGER change_deleted AFTER DELETE ON message
WHEN old.place IS NOT NULL AND old.content IS NOT NULL BEGIN
  INSERT INTO change (kind, mailbox, message) VALUES ('removed', old.place, old.id);
END;
CREATE TRIGGER change_left AFTER UPDATE OF place, content ON message
WHEN old.place IS NOT NULL AND old.content IS NOT NULL
  AND (new.place IS NOT old.place OR new.content IS NULL) BEGIN
  INSERT INTO change (kind, mailbox, message) VALUES ('removed', old.place, old.id);
END;
CREATE TRIGGER change_came AFTER UPDATE OF place, content ON message
WHEN new.place IS NOT NULL AND new.content IS NOT NULL
  AND (old.place IS NOT new.place OR old.content IS NULL) BEGIN
  INSERT INTO change (kind, mailbox, message) VALUES ('added', new.place, new.id);
END;
CREATE TRIGGER change_updated AFTER UPDATE OF shown, content ON message
WHEN new.place IS NOT NULL AND old.place IS new.place
  AND old.content IS NOT NULL AND new.content IS NOT NULL
  AND (old.shown <> new.shown OR old.content <> new.content) BEGIN
  INSERT INTO change (kind, mailbox, message) VALUES ('updated', new.place, new.id);
END;

CREATE TRIGGER change_mailbox_inserted AFTER INSERT ON mailbox BEGIN
  INSERT INTO change (kind, mailbox) VALUES ('mailbox', new.id);
END;
CREATE TRIGGER change_mailbox_deleted AFTER DELETE ON mailbox BEGIN
  INSERT INTO change (kind, mailbox) VALUES ('mailbox', old.id);
END;
CREATE TRIGGER change_mailbox_updated
AFTER UPDATE OF shown_name, attributes, at_server, listed, failure ON mailbox BEGIN
  INSERT INTO change (kind, mailbox) VALUES ('mailbox', new.id);
END;
