-- Messages whose content is not here yet are not looked for by it.
DROP INDEX message_content;
CREATE INDEX message_content ON message (content) WHERE content IS NOT NULL;
