BEGIN;
PRAGMA user_version = 1;
PRAGMA application_id = 1282107244;
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    deleted INTEGER
) STRICT;
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
CREATE TABLE content_teams (
    team TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (team, digest)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE namespace_values (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE namespaces (
    namespace TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE nodes (
    node INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bytes BLOB NOT NULL
) STRICT;
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
CREATE INDEX content_by_age ON content (kind, stored) WHERE deleted IS NULL;
CREATE INDEX entries_by_id ON entries (id, team, idx) WHERE id IS NOT NULL;
CREATE INDEX entries_by_kind ON entries (kind, idx);
CREATE UNIQUE INDEX entries_by_stream ON entries (stream, sequence);
CREATE INDEX entries_by_team_and_kind ON entries (team, kind, idx) WHERE team IS NOT NULL;
CREATE INDEX requests_by_age ON requests (at);
INSERT INTO checkpoints VALUES (1, 1795974370126, 'test.example/ledger
1
ySiFPiRhKKjGdBkiJztlHryQPTBMDPJuJLOxvOI4Ing=

— test.example/ledger Nx5C4Aa5LuVTjruKvQuDnQcDo9YuR34Lhf3KeQ4VVUA1uYzFlVmWEo2Daxc7nT+JTlZqZ8hgP24nkJWsVSOhbmY9Xg4=
');
INSERT INTO content VALUES (1, x'845e91831319e89c4d656bdb80c278ac09a7230d61e5dfd2e1b1fbb436ac8917', 'evidence', 'application/octet-stream', 6, 1795974370170, NULL);
INSERT INTO content_bytes VALUES (1, 0, x'7265706f7274');
INSERT INTO content_references VALUES (x'845e91831319e89c4d656bdb80c278ac09a7230d61e5dfd2e1b1fbb436ac8917', 1);
INSERT INTO entries VALUES (0, 'ledger', 1, 'log-key', NULL, 1795974370126, NULL, x'c928853e246128a8c6741922273b651ebc903d304c0cf26e24b3b1bce2382278', 1, x'28b52ffd20afa50300740534363a31302e3132366b656573742f722b33373165343265302b41665131765674775868586847635347362b78746345364a75527645642f31426d524c2f6d7a6e434455704a227d6c6f672d6b65796c6564676572227d08fc42c800ba648e4ca97a43c477b8562c84ec363e1ba1fd00426b');
INSERT INTO entries VALUES (1, 'a', 1, 'event', NULL, 0, NULL, x'400eb6c10271d47176916cd049a7aaf5b59f2f056c398d2089f3df6dfe107cdf', 1, x'28b52ffd20a1a5020063850d670801794208b69a0dd1c352be4ab99d3fe9a587ce963419c26b86b89ca2a9074db3775d1d577b226bc1b5600791118a3e8a3e68bb0208fc420ef2faeefee17b31bfa0d98640f96c94a647ffeaedaea115');
INSERT INTO entries VALUES (2, 'b', 1, 'event', NULL, 0, 'shop', x'5c34a7cb09b93f23ed6922a8df36ce9a3e9e9a748a1ad95da51fed02863fec1f', 1, x'28b52ffd20baf50200c3450f6708c1167a50a10b25047f846ca9633bc770a1b2756d5fb5050d1324ccc5ba601b69efc54752473bdfb130b3ef3883d911022dd8416484a28fa20fdaae0afc1a886d40844dd7f94a07fee7bf3e176381e4b3c5333f3d530f4f0dad');
INSERT INTO entries VALUES (3, 'a', 2, 'event', 'third', 0, NULL, x'79ec63b977ec97d53bce9f61a81021e05b479cc90da9505d90e3d88937bfc4ff', 1, x'28b52ffd2065ad0100d0313937302d30312d30315430303a6e223a33746869726461227d08fcfd632c60ab80ae995fccbb8c987cf67d04a427ebe1a9a115');
INSERT INTO log VALUES (1, 4, x'e44be5a2566390289e8d5954c1f672c9578a8c01c242d74b9914e52c0fef9f32', 'test.example/ledger
4
5EvlolZjkCiejVlUwfZyyVeKjAHCQtdLmRTlLA/vnzI=

— test.example/ledger Nx5C4Mit6Nn1ndI4qI0EJUPWCmY+dKminCg/taC+aQnpU2eYNYXJs55zP+e5REj0VohxxqHSKsaOCMdfpmbOllCPNQs=
', 'test.example/ledger+371e42e0+AfQ1vVtwXhXhGcSG6+xtcE6JuRvEd/1BmRL/mznCDUpJ', 1, NULL);
INSERT INTO namespace_values VALUES ('n', 'k', x'76');
INSERT INTO namespaces VALUES ('n', 1);
INSERT INTO nodes VALUES (1, x'47ddd6df91c3a6fdcf9d24af1528dd44d5c9b8655667e5c9f32efe8bd03109fd');
INSERT INTO nodes VALUES (3, x'e44be5a2566390289e8d5954c1f672c9578a8c01c242d74b9914e52c0fef9f32');
INSERT INTO nodes VALUES (5, x'b729ea410ba7b6ac2531c898fed0b351ca2de3e2d03fe7cbfba5a1e0a34f2fb0');
INSERT INTO requests VALUES ('ci', 'k1', x'4cd0e21a9a0795a14ec9aa5f0e7d1abff0492565770e43eafdf1e3e8afed1f33', 2, 2, 1795974370190, x'0b1ef376f474546cb6004f9584119d29', 0, x'646f6e65');
COMMIT;
