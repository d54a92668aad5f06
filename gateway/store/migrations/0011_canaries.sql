-- Tokens that nobody is to use: whoever does has found or stolen one. By digest, and for good: one that expired tells too.
CREATE TABLE canary_tokens (
    digest BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
