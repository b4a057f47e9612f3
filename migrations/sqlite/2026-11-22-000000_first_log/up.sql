-- What the store says of itself: the epoch.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Totals that would be slow to count.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
) WITHOUT ROWID;

-- Whose logs there are. A row is never deleted, so a name is never given again.
CREATE TABLE streams (
    id INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    UNIQUE (kind, name_folded)
);

-- The log. Everything else can be made again from it, but for `meta` and the names of `streams`.
CREATE TABLE log (
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    author TEXT NOT NULL,
    -- "author:key" with the author in lower case, for records that carry a key.
    dedupe TEXT,
    fingerprint BLOB,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (stream_id, seq)
) WITHOUT ROWID;

CREATE UNIQUE INDEX log_dedupe ON log (stream_id, dedupe) WHERE dedupe IS NOT NULL;

-- State of a stream at one position, so that waking it does not read the whole log.
CREATE TABLE snapshots (
    stream_id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    format INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- Projections of the log.

CREATE TABLE rooms (
    stream_id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    visibility TEXT NOT NULL,
    has_password BOOLEAN NOT NULL,
    created_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT,
    members BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE members (
    stream_id BIGINT NOT NULL,
    client_folded TEXT NOT NULL,
    client TEXT NOT NULL,
    role TEXT NOT NULL,
    weight_milli INTEGER NOT NULL,
    joined_at_ms BIGINT NOT NULL,
    PRIMARY KEY (stream_id, client_folded)
) WITHOUT ROWID;

CREATE INDEX members_client ON members (client_folded);

-- Who may enter, member or not.
CREATE TABLE grants (
    stream_id BIGINT NOT NULL,
    client_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (stream_id, client_folded)
) WITHOUT ROWID;

CREATE INDEX grants_client ON grants (client_folded);

CREATE TABLE messages (
    id BLOB NOT NULL PRIMARY KEY,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    channel_folded TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX messages_channel ON messages (stream_id, channel_folded, seq);
