-- As the SQLite migration 0014.
CREATE TABLE updates (
    seq               bigint PRIMARY KEY,
    update_id         bigint NOT NULL UNIQUE,
    kind              text   COLLATE "C" NOT NULL,
    chat_id           bigint NOT NULL,
    message_thread_id bigint NOT NULL,
    callback_id       text   COLLATE "C",
    received_at       bigint NOT NULL,
    content           bytea  NOT NULL
);

CREATE INDEX updates_chat ON updates (chat_id, seq);
CREATE INDEX updates_topic ON updates (chat_id, message_thread_id, seq);
CREATE INDEX updates_callback ON updates (callback_id) WHERE callback_id IS NOT NULL;

CREATE TABLE forgotten_updates (
    chat_id           bigint NOT NULL,
    message_thread_id bigint NOT NULL,
    kind              text   COLLATE "C" NOT NULL,
    seq               bigint NOT NULL,
    PRIMARY KEY (chat_id, message_thread_id, kind)
);

-- Written only by who holds the lock on `numbers`, so that these rise in the order of commits too.
CREATE TABLE update_numbers (
    last bigint NOT NULL
) WITH (fillfactor = 10);

INSERT INTO update_numbers VALUES (0);

CREATE TABLE seen_chats (
    chat_id bigint PRIMARY KEY,
    type    text NOT NULL,
    title   text NOT NULL,
    seen_at bigint NOT NULL
);

CREATE INDEX seen_chats_seen_at ON seen_chats (seen_at);
