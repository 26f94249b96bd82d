-- The ledger, version 1. A released version of this file never changes: what changes it is the next file.

-- One row: the log and its head. `checkpoint` is the signed note over `size` and `root`, and `key` verifies it.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    checkpoint TEXT NOT NULL,
    key TEXT NOT NULL,
    -- Whether a head file (`ledger.db-head`) has stood beside the ledger, so that a missing one is noticed.
    has_head_file INTEGER NOT NULL DEFAULT 0,
    -- Only in a backup that nobody has written to yet: when it was made.
    backed_up INTEGER
) STRICT;

-- The entries. What counts is the leaf of an entry (canonical JSON): `text`, with `idx` and `sequence` put in. The other
-- columns are there to find it by, and say the same. `text` is compressed with the dictionary of that number, or kept as it
-- is with 0. It stands last, so that looking at the other columns does not read it: it may have megabytes.
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT,
    at INTEGER NOT NULL,
    team TEXT,
    hash BLOB NOT NULL,
    dictionary INTEGER NOT NULL,
    text BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_by_stream ON entries (stream, sequence);
CREATE INDEX entries_by_kind ON entries (kind, idx);
-- An id has few entries, which are sorted by their place where no team is asked for: so one index will do.
CREATE INDEX entries_by_id ON entries (id, team, idx) WHERE id IS NOT NULL;
CREATE INDEX entries_by_team_and_kind ON entries (team, kind, idx) WHERE team IS NOT NULL;

-- The complete inner nodes of the tree, numbered as in an array-based tree; the leaves' hashes stand with the entries.
CREATE TABLE nodes (
    node INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
) STRICT;

-- The checkpoints that are kept.
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- Content by digest; `size` is what it has uncompressed. What retention deleted has no bytes any more, and the moment in
-- `deleted`. The bytes stand apart, so that noting that they came again does not write them again.
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    deleted INTEGER
) STRICT;
CREATE INDEX content_by_age ON content (kind, stored) WHERE deleted IS NULL;
CREATE TABLE content_bytes (
    id INTEGER PRIMARY KEY,
    dictionary INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE content_references (
    digest BLOB NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (digest, idx)
) STRICT, WITHOUT ROWID;
-- The content that entries of a team refer to.
CREATE TABLE content_teams (
    team TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (team, digest)
) STRICT, WITHOUT ROWID;

-- The requests that were answered, so that they are answered once. The entry `first` names a digest over a row with its
-- uncompressed answer, and with a salt that only the row has.
CREATE TABLE requests (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    at INTEGER NOT NULL,
    salt BLOB NOT NULL,
    dictionary INTEGER NOT NULL,
    answer BLOB NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (at);

-- Values, by namespace and key.
CREATE TABLE namespaces (
    namespace TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE namespace_values (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

-- What is written to see whether writing works again after it failed. It means nothing.
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bytes BLOB NOT NULL
) STRICT;
