-- `ttl` is in microseconds. A message that was accepted before it was kept has that of a request which names none.
ALTER TABLE messages ADD COLUMN ttl INTEGER NOT NULL DEFAULT 86400000000;

CREATE INDEX messages_listed ON messages (client, chat_id, accepted_at);
