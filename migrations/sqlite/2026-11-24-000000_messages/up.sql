-- Direct messages. Mailboxes and the broadcast stream are rows of `streams` beside the rooms, and
-- their records are in `log`, bodies included; everything here is a projection of it.
--
-- Nothing is filled in for the records that are there: a room's posts stay in `messages`, and a
-- mention from before this version is no news to anybody.

-- Who has ever shown a token.
CREATE TABLE clients (
    name_folded TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    known_at_ms BIGINT NOT NULL
) WITHOUT ROWID;

-- What has become of each message in each mailbox. `seq` is the record that stored it.
CREATE TABLE deliveries (
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    id BLOB NOT NULL,
    -- Names are ASCII, and compared without regard to case.
    sender TEXT NOT NULL COLLATE NOCASE,
    stage TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    -- A JSON list of the attempts that failed. None: NULL.
    failures TEXT,
    expires_at_ms BIGINT NOT NULL,
    deadline_ms BIGINT,
    -- When something has to be done about it. Nothing ever, once it has ended: NULL.
    due_at_ms BIGINT,
    PRIMARY KEY (stream_id, seq)
) WITHOUT ROWID;

-- A second, independent check: no mailbox gets a message twice.
CREATE UNIQUE INDEX deliveries_id ON deliveries (id, stream_id);

-- Every step of a message changes its row here, so there is one index of due times and not a
-- second one by mailbox: what is due and not done yet is little at any time.
CREATE INDEX deliveries_due ON deliveries (due_at_ms) WHERE due_at_ms IS NOT NULL;

CREATE INDEX deliveries_dead ON deliveries (id, sender) WHERE stage = 'dead';

-- Where the log speaks of a message: the record that stored it, in each mailbox or on the broadcast
-- stream, and the records about it.
CREATE TABLE message_records (
    id BLOB NOT NULL,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (id, stream_id, seq)
) WITHOUT ROWID;

-- Records whose effects on other streams have not been brought about yet. Unlike a projection it
-- cannot be made again from the log, but a row too many costs only a look.
CREATE TABLE follow_ups (
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (stream_id, seq)
) WITHOUT ROWID;
