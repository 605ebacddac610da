-- Messages of one date are in the order of their UIDs; what the server does not have yet is the newest.
ALTER TABLE message ADD COLUMN rank INTEGER GENERATED ALWAYS AS (ifnull(uid, 4294967296)) VIRTUAL;
DROP INDEX message_page;
CREATE INDEX message_page ON message (place, date, rank, id) WHERE content IS NOT NULL;
