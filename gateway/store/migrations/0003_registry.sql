-- Who may do what. `revision` rises with each change of what is in these tables, but for what was only noted of use.
-- Tokens that were issued at `not_before` or earlier are revoked; what was known of tokens that expired before
-- `swept_until` is gone.
CREATE TABLE registry (
    revision    INTEGER NOT NULL,
    not_before  INTEGER,
    swept_until INTEGER NOT NULL
) STRICT;

INSERT INTO registry VALUES (0, NULL, 0);

-- `registered`: it was added, and not only disabled or revoked. Lists are JSON; one that is NULL restricts nothing.
CREATE TABLE clients (
    name            TEXT    PRIMARY KEY,
    revision        INTEGER NOT NULL,
    registered      INTEGER NOT NULL,
    enabled         INTEGER NOT NULL,
    chat_ids        TEXT,
    address_ranges  TEXT,
    per_minute      INTEGER,
    per_day         INTEGER,
    queue_depth     INTEGER,
    min_generation  INTEGER NOT NULL,
    not_before      INTEGER,
    second_factor   INTEGER NOT NULL,
    label           TEXT    NOT NULL,
    created_by      TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    last_seen_at    INTEGER,
    last_seen_from  TEXT,
    last_denied_at  INTEGER,
    last_denied_from TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX clients_revision ON clients (revision);

CREATE TABLE chats (
    chat_id        INTEGER PRIMARY KEY,
    revision       INTEGER NOT NULL,
    authorized     INTEGER NOT NULL,
    permissions    TEXT    NOT NULL,
    suspended      INTEGER NOT NULL,
    title          TEXT    NOT NULL,
    created_by     TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    last_access_at INTEGER
) STRICT;

CREATE INDEX chats_revision ON chats (revision);

-- By digest: a million of them are held in memory. `seq` is never used twice, so whoever has read up to one has read all.
CREATE TABLE revoked_tokens (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     BLOB    NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (expires_at);

CREATE TABLE revoked_keys (
    issuer TEXT NOT NULL,
    key_id TEXT NOT NULL,
    PRIMARY KEY (issuer, key_id)
) STRICT, WITHOUT ROWID;

-- The tokens that were issued here: never their text.
CREATE TABLE issued_tokens (
    token_id   TEXT    PRIMARY KEY,
    client     TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    chat_ids   TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    issued_by  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX issued_tokens_issued_at ON issued_tokens (issued_at, token_id);
CREATE INDEX issued_tokens_client ON issued_tokens (client, issued_at, token_id);
CREATE INDEX issued_tokens_expires_at ON issued_tokens (expires_at);

-- By what a message's credential may end while the message waits, beside its token, key and client.
ALTER TABLE messages ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN generation INTEGER;
ALTER TABLE messages ADD COLUMN ancestors TEXT NOT NULL DEFAULT '[]';
