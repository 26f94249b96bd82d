-- The ledger, version 2: entries know their team.

-- The entries as before, and their team; those that were written before have none. It stands before the leaf, so that
-- looking at the team of an entry does not read the leaf, which may have megabytes.
ALTER TABLE entries RENAME TO entries_of_version_1;
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT,
    at INTEGER NOT NULL,
    team TEXT,
    hash BLOB NOT NULL,
    leaf BLOB NOT NULL
) STRICT;
INSERT INTO entries (idx, stream, sequence, kind, id, at, hash, leaf)
    SELECT idx, stream, sequence, kind, id, at, hash, leaf FROM entries_of_version_1 ORDER BY idx;
DROP TABLE entries_of_version_1;
CREATE UNIQUE INDEX entries_by_stream ON entries (stream, sequence);
CREATE INDEX entries_by_kind ON entries (kind, idx);
-- An id has few entries, which are sorted by their place where no team is asked for: so one index will do.
CREATE INDEX entries_by_id ON entries (id, team, idx) WHERE id IS NOT NULL;
CREATE INDEX entries_by_team_and_kind ON entries (team, kind, idx) WHERE team IS NOT NULL;

-- The content that entries of a team refer to.
CREATE TABLE content_teams (
    team TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (team, digest)
) STRICT, WITHOUT ROWID;
