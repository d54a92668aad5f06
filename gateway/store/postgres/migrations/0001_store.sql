-- The tables of the SQLite migrations 0001 to 0006 and 0009 to 0011; what they say of columns holds here too. Text is compared byte by byte.

CREATE TABLE messages (
    seq                  bigint  PRIMARY KEY,
    change               bigint  NOT NULL,
    id                   text    COLLATE "C" NOT NULL,
    client               text    COLLATE "C" NOT NULL,
    chat_id              bigint  NOT NULL,
    request_id           text    COLLATE "C",
    fingerprint          bytea   NOT NULL,
    content              bytea   NOT NULL,
    token_id             text    COLLATE "C" NOT NULL,
    key_id               text    COLLATE "C" NOT NULL,
    issued_at            bigint  NOT NULL,
    priority             bigint  NOT NULL,
    when_unknown         text    NOT NULL,
    accepted_at          bigint  NOT NULL,
    due_at               bigint  NOT NULL,
    expires_at           bigint  NOT NULL,
    state                text    NOT NULL,
    attempts             bigint  NOT NULL,
    unknown_attempts     bigint  NOT NULL,
    attempted_at         bigint,
    finished_at          bigint,
    telegram_message_ids text    NOT NULL,
    failure_reason       text,
    failure_description  text,
    failure_code         bigint,
    ttl                  bigint  NOT NULL,
    issuer               text    NOT NULL,
    generation           bigint,
    ancestors            text    NOT NULL,
    kind                 text    NOT NULL,
    target_id            text    COLLATE "C",
    telegram_chat_id     bigint,
    -- Which gateway made the last change: each one learns of the others'.
    changed_by           text    NOT NULL DEFAULT current_setting('application_name')
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX messages_id ON messages (id);
CREATE UNIQUE INDEX messages_request ON messages (client, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX messages_change ON messages (client, chat_id, change);
CREATE INDEX messages_last_change ON messages (change);
CREATE INDEX messages_unfinished ON messages (seq) WHERE state IN ('QUEUED', 'SENDING', 'RETRY_WAIT');
CREATE INDEX messages_attempted ON messages (attempted_at, chat_id) WHERE attempted_at IS NOT NULL;
CREATE INDEX messages_listed ON messages (client, chat_id, accepted_at, seq);
CREATE INDEX messages_finished ON messages (finished_at, ttl) WHERE finished_at IS NOT NULL;
CREATE INDEX messages_touching ON messages (target_id)
    WHERE target_id IS NOT NULL AND state IN ('QUEUED', 'SENDING', 'RETRY_WAIT');

CREATE TABLE audit (
    seq        bigint PRIMARY KEY,
    at         bigint NOT NULL,
    event      text   COLLATE "C" NOT NULL,
    decision   text   COLLATE "C" NOT NULL,
    reason     text   COLLATE "C",
    client     text   COLLATE "C",
    token_id   text   COLLATE "C",
    chat_id    bigint,
    error_id   text   COLLATE "C",
    message_id text   COLLATE "C",
    record     text   NOT NULL
);

CREATE INDEX audit_event ON audit (event, seq);
CREATE INDEX audit_decision ON audit (decision, seq);
CREATE INDEX audit_reason ON audit (reason, seq) WHERE reason IS NOT NULL;
CREATE INDEX audit_client ON audit (client, seq) WHERE client IS NOT NULL;
CREATE INDEX audit_token_id ON audit (token_id, seq) WHERE token_id IS NOT NULL;
CREATE INDEX audit_chat_id ON audit (chat_id, seq) WHERE chat_id IS NOT NULL;
CREATE INDEX audit_error_id ON audit (error_id, seq) WHERE error_id IS NOT NULL;
CREATE INDEX audit_message_id ON audit (message_id, seq) WHERE message_id IS NOT NULL;

-- The numbers given last, and who may attempt messages. Whoever writes anything locks this row first and holds it until
-- its commit, so numbers rise in the order of commits, and whoever was deposed keeps nothing any more.
CREATE TABLE numbers (
    message   bigint NOT NULL,
    change    bigint NOT NULL,
    record    bigint NOT NULL,
    epoch     bigint NOT NULL,
    leader    text   NOT NULL,
    led_until timestamptz
) WITH (fillfactor = 10);

INSERT INTO numbers VALUES (0, 0, 0, 0, '', NULL);

-- The last transaction of each gateway: by this one whose commit got no answer learns whether it was kept.
CREATE TABLE writers (
    name text        PRIMARY KEY,
    turn bigint      NOT NULL,
    at   timestamptz NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE registry (
    revision    bigint NOT NULL,
    not_before  bigint,
    swept_until bigint NOT NULL
);

INSERT INTO registry VALUES (0, NULL, 0);

CREATE TABLE clients (
    name             text   COLLATE "C" PRIMARY KEY,
    revision         bigint NOT NULL,
    registered       bigint NOT NULL,
    enabled          bigint NOT NULL,
    chat_ids         text,
    address_ranges   text,
    per_minute       bigint,
    per_day          bigint,
    queue_depth      bigint,
    min_generation   bigint NOT NULL,
    not_before       bigint,
    second_factor    bigint NOT NULL,
    label            text   NOT NULL,
    created_by       text   NOT NULL,
    created_at       bigint NOT NULL,
    last_seen_at     bigint,
    last_seen_from   text,
    last_denied_at   bigint,
    last_denied_from text
);

CREATE INDEX clients_revision ON clients (revision);

CREATE TABLE chats (
    chat_id        bigint PRIMARY KEY,
    revision       bigint NOT NULL,
    authorized     bigint NOT NULL,
    permissions    text   NOT NULL,
    suspended      bigint NOT NULL,
    title          text   NOT NULL,
    created_by     text   NOT NULL,
    created_at     bigint NOT NULL,
    last_access_at bigint
);

CREATE INDEX chats_revision ON chats (revision);

CREATE TABLE revoked_tokens (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest     bytea  NOT NULL UNIQUE,
    expires_at bigint NOT NULL
);

CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (expires_at);

CREATE TABLE revoked_keys (
    issuer text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (issuer, key_id)
);

CREATE TABLE issued_tokens (
    token_id   text   COLLATE "C" PRIMARY KEY,
    client     text   COLLATE "C" NOT NULL,
    key_id     text   NOT NULL,
    chat_ids   text   NOT NULL,
    issued_at  bigint NOT NULL,
    expires_at bigint NOT NULL,
    issued_by  text   NOT NULL
);

CREATE INDEX issued_tokens_issued_at ON issued_tokens (issued_at, token_id);
CREATE INDEX issued_tokens_client ON issued_tokens (client, issued_at, token_id);
CREATE INDEX issued_tokens_expires_at ON issued_tokens (expires_at);

CREATE TABLE chat_aliases (
    chat_id     bigint PRIMARY KEY,
    new_chat_id bigint NOT NULL,
    approved    bigint NOT NULL,
    noticed_at  bigint NOT NULL
);

CREATE TABLE closed_chats (
    chat_id     bigint PRIMARY KEY,
    closed_at   bigint NOT NULL,
    until       bigint NOT NULL,
    description text   NOT NULL,
    code        bigint NOT NULL
);

CREATE TABLE chat_changes (
    revision bigint NOT NULL
);

INSERT INTO chat_changes VALUES (0);

CREATE TABLE audit_chain (
    name text NOT NULL
);

CREATE TABLE audit_links (
    seq  bigint PRIMARY KEY,
    link bytea  NOT NULL
);

CREATE TABLE audit_checkpoints (
    number    bigint PRIMARY KEY,
    at        bigint NOT NULL,
    seq       bigint NOT NULL,
    link      bytea  NOT NULL,
    key_id    text   NOT NULL,
    signature bytea  NOT NULL
);

CREATE TABLE audit_archived (
    checkpoint bigint NOT NULL
);

INSERT INTO audit_archived VALUES (0);

CREATE TABLE canary_tokens (
    digest bytea PRIMARY KEY
);

CREATE TABLE authenticators (
    operator     text   COLLATE "C" PRIMARY KEY,
    secret       text   NOT NULL,
    last_step    bigint NOT NULL,
    failures     bigint NOT NULL,
    locked_until bigint,
    enrolled_by  text   NOT NULL,
    enrolled_at  bigint NOT NULL
);

CREATE TABLE approvals (
    approval_id text   COLLATE "C" PRIMARY KEY,
    operator    text   NOT NULL,
    function    text   NOT NULL,
    digest      bytea  NOT NULL,
    asked_at    bigint NOT NULL,
    approved_by text   NOT NULL,
    is_used     bigint NOT NULL
);

CREATE INDEX approvals_asked_at ON approvals (asked_at);
