-- What operators prove themselves with beside their tokens. A code is good once: of `last_step` and earlier ones none is.
CREATE TABLE authenticators (
    operator     TEXT    PRIMARY KEY,
    secret       TEXT    NOT NULL,
    last_step    INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    locked_until INTEGER,
    enrolled_by  TEXT    NOT NULL,
    enrolled_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests that wait for a second person, and those that one has approved; each is done once.
CREATE TABLE approvals (
    approval_id TEXT    PRIMARY KEY,
    operator    TEXT    NOT NULL,
    function    TEXT    NOT NULL,
    digest      BLOB    NOT NULL,
    asked_at    INTEGER NOT NULL,
    approved_by TEXT    NOT NULL,
    is_used     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX approvals_asked_at ON approvals (asked_at);
