-- The ledger, version 3: it notices when a part of it is lost.

-- Whether a head file (`ledger.db-head`) has stood beside the ledger, so that a missing one is noticed.
ALTER TABLE log ADD COLUMN has_head_file INTEGER NOT NULL DEFAULT 0;
-- Only in a backup that nobody has written to yet: when it was made.
ALTER TABLE log ADD COLUMN backed_up INTEGER;
