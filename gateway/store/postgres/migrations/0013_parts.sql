-- As the SQLite migration 0013.
ALTER TABLE messages ADD COLUMN parts bigint NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN earlier_attempts bigint NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN earlier_unknown_attempts bigint NOT NULL DEFAULT 0;
