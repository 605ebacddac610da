-- A mailbox that is to be made has the name by which the user made it with its operation: it may be
-- renamed or deleted by a later one, after the first was sent.
DELETE FROM operation WHERE kind = 'create'
  AND NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.id = operation.mailbox AND b.shown_name IS NOT NULL);
UPDATE operation SET args = json_set(args, '$.name', (SELECT shown_name FROM mailbox b WHERE b.id = operation.mailbox))
  WHERE kind = 'create';
