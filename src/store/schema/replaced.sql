-- What goes once another message, which was written in its place, is at the server.
CREATE INDEX operation_replaced ON operation (json_extract(args, '$.by')) WHERE kind = 'replaced';
