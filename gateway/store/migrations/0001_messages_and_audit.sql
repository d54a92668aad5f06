-- Instants are microseconds since 1970-01-01T00:00:00Z. What may be empty is NULL, so that a partial index leaves it out.

CREATE TABLE messages (
    seq                  INTEGER PRIMARY KEY,
    change               INTEGER NOT NULL,
    id                   TEXT    NOT NULL,
    client               TEXT    NOT NULL,
    chat_id              INTEGER NOT NULL,
    request_id           TEXT,
    fingerprint          BLOB    NOT NULL,
    content              BLOB    NOT NULL,
    token_id             TEXT    NOT NULL,
    key_id               TEXT    NOT NULL,
    issued_at            INTEGER NOT NULL,
    priority             INTEGER NOT NULL,
    when_unknown         TEXT    NOT NULL,
    accepted_at          INTEGER NOT NULL,
    due_at               INTEGER NOT NULL,
    expires_at           INTEGER NOT NULL,
    state                TEXT    NOT NULL,
    attempts             INTEGER NOT NULL,
    unknown_attempts     INTEGER NOT NULL,
    attempted_at         INTEGER,
    finished_at          INTEGER,
    telegram_message_ids TEXT    NOT NULL,
    failure_reason       TEXT,
    failure_description  TEXT,
    failure_code         INTEGER
) STRICT;

CREATE UNIQUE INDEX messages_id ON messages (id);
CREATE UNIQUE INDEX messages_request ON messages (client, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX messages_change ON messages (client, chat_id, change);
CREATE INDEX messages_unfinished ON messages (seq) WHERE state IN ('QUEUED', 'SENDING', 'RETRY_WAIT');
CREATE INDEX messages_attempted ON messages (attempted_at, chat_id) WHERE attempted_at IS NOT NULL;

-- `record` holds the fields without a column, as JSON with sorted keys. `seq` has no gap and rises in the order of commit.
CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    event      TEXT    NOT NULL,
    decision   TEXT    NOT NULL,
    reason     TEXT,
    client     TEXT,
    token_id   TEXT,
    chat_id    INTEGER,
    error_id   TEXT,
    message_id TEXT,
    record     TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_event ON audit (event);
CREATE INDEX audit_decision ON audit (decision);
CREATE INDEX audit_reason ON audit (reason) WHERE reason IS NOT NULL;
CREATE INDEX audit_client ON audit (client) WHERE client IS NOT NULL;
CREATE INDEX audit_token_id ON audit (token_id) WHERE token_id IS NOT NULL;
CREATE INDEX audit_chat_id ON audit (chat_id) WHERE chat_id IS NOT NULL;
CREATE INDEX audit_error_id ON audit (error_id) WHERE error_id IS NOT NULL;
CREATE INDEX audit_message_id ON audit (message_id) WHERE message_id IS NOT NULL;

-- The numbers given last. They outlive the rows they were given to: a number is never given twice.
CREATE TABLE numbers (
    message INTEGER NOT NULL,
    change  INTEGER NOT NULL,
    record  INTEGER NOT NULL
) STRICT;

INSERT INTO numbers VALUES (0, 0, 0);
