-- Messages that wait for a UID, since their mailbox got another UIDVALIDITY.
CREATE INDEX message_waiting ON message (mailbox) WHERE uid IS NULL;
