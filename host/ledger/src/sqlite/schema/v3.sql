-- The ledger, version 3: it notices when a part of it is lost, and when a kept answer was changed.

-- Whether a head file (`ledger.db-head`) has stood beside the ledger, so that a missing one is noticed.
ALTER TABLE log ADD COLUMN has_head_file INTEGER NOT NULL DEFAULT 0;
-- Only in a backup that nobody has written to yet: when it was made.
ALTER TABLE log ADD COLUMN backed_up INTEGER;

-- The requests that were answered, as before. The entry `first` names a digest over a row, with a salt that only the row
-- has. No entry names those that were kept before: what they answered cannot be relied on, so they are forgotten.
DROP TABLE requests;
CREATE TABLE requests (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    answer BLOB NOT NULL,
    at INTEGER NOT NULL,
    salt BLOB NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (at);
