-- What of the audit log is in archive files: all up to this checkpoint. It stays here too, and the chain goes on from it.
CREATE TABLE audit_archived (
    checkpoint INTEGER NOT NULL
) STRICT;

INSERT INTO audit_archived VALUES (0);
