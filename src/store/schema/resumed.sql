-- Where the server had a body that is here in part: only what comes from there can go on with it.
ALTER TABLE body ADD COLUMN source TEXT;
