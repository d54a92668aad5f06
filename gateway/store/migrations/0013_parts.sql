-- A text that is too long for one message is sent in parts. How it was cut stands in `content`, what has arrived in
-- `telegram_message_ids`; attempts at the parts before the one that is on its way are counted apart, since each part has its own.
ALTER TABLE messages ADD COLUMN parts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN earlier_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN earlier_unknown_attempts INTEGER NOT NULL DEFAULT 0;
