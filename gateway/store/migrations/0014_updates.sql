-- What happened in chats, as Telegram told of it. `seq` rises in the order of commits. A topic of 0 is none.
CREATE TABLE updates (
    seq               INTEGER PRIMARY KEY,
    update_id         INTEGER NOT NULL UNIQUE,
    kind              TEXT    NOT NULL,
    chat_id           INTEGER NOT NULL,
    message_thread_id INTEGER NOT NULL,
    callback_id       TEXT,
    received_at       INTEGER NOT NULL,
    content           BLOB    NOT NULL
) STRICT;

CREATE INDEX updates_chat ON updates (chat_id, seq);
CREATE INDEX updates_topic ON updates (chat_id, message_thread_id, seq);
CREATE INDEX updates_callback ON updates (callback_id) WHERE callback_id IS NOT NULL;

-- Up to where updates of a place and kind are forgotten: who has read further has missed nothing.
CREATE TABLE forgotten_updates (
    chat_id           INTEGER NOT NULL,
    message_thread_id INTEGER NOT NULL,
    kind              TEXT    NOT NULL,
    seq               INTEGER NOT NULL,
    PRIMARY KEY (chat_id, message_thread_id, kind)
) STRICT, WITHOUT ROWID;

-- The number given last: it is not given again when its update is forgotten.
CREATE TABLE update_numbers (
    last INTEGER NOT NULL
) STRICT;

INSERT INTO update_numbers VALUES (0);

-- Chats of which was heard lately, whether or not what happened there was kept: for whoever wants to authorize one.
CREATE TABLE seen_chats (
    chat_id INTEGER PRIMARY KEY,
    type    TEXT NOT NULL,
    title   TEXT NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

CREATE INDEX seen_chats_seen_at ON seen_chats (seen_at);
