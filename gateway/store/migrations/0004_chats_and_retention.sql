-- Groups that became supergroups, as Telegram said: credentials go on naming `chat_id`.
CREATE TABLE chat_aliases (
    chat_id     INTEGER PRIMARY KEY,
    new_chat_id INTEGER NOT NULL,
    approved    INTEGER NOT NULL,
    noticed_at  INTEGER NOT NULL
) STRICT;

-- Chats that Telegram refused the bot: not written to until `until`, or until somebody opens them.
CREATE TABLE closed_chats (
    chat_id     INTEGER PRIMARY KEY,
    closed_at   INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    description TEXT    NOT NULL,
    code        INTEGER NOT NULL
) STRICT;

-- Rises with each change of the two tables, whichever process makes it.
CREATE TABLE chat_changes (
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO chat_changes VALUES (0);

-- What may be removed is found here alone, without a look at the messages.
CREATE INDEX messages_finished ON messages (finished_at, ttl) WHERE finished_at IS NOT NULL;
