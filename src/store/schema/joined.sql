-- What answers a message of a conversation that the server has named belongs to that one.
INSERT OR REPLACE INTO reference (account, message_id, thread)
  SELECT account, message_id, thread FROM content
  WHERE message_id IS NOT NULL AND thread IN (SELECT id FROM thread WHERE server IS NOT NULL);
