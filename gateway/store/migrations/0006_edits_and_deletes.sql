-- An edit or a delete stands among the messages and touches the one whose id is `target_id`. `telegram_chat_id` is the chat in
-- which `telegram_message_ids` count: a group that became a supergroup has another one.
ALTER TABLE messages ADD COLUMN kind TEXT NOT NULL DEFAULT 'send';
ALTER TABLE messages ADD COLUMN target_id TEXT;
ALTER TABLE messages ADD COLUMN telegram_chat_id INTEGER;

-- What is touched is not removed before the edit or delete has ended.
CREATE INDEX messages_touching ON messages (target_id)
    WHERE target_id IS NOT NULL AND state IN ('QUEUED', 'SENDING', 'RETRY_WAIT');
