-- The chain over the audit log, written behind it. One row names the chain.
CREATE TABLE audit_chain (
    name TEXT NOT NULL
) STRICT;

CREATE TABLE audit_links (
    seq  INTEGER PRIMARY KEY,
    link BLOB    NOT NULL
) STRICT;

CREATE TABLE audit_checkpoints (
    number    INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    link      BLOB    NOT NULL,
    key_id    TEXT    NOT NULL,
    signature BLOB    NOT NULL
) STRICT;
