-- Direct messages. Mailboxes and the broadcast stream are rows of `streams` beside the rooms, and
-- their records are in `log`, bodies included; everything here is a projection of it.

-- Who has ever shown a token.
CREATE TABLE clients (
    name_folded TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    known_at_ms BIGINT NOT NULL
);

-- What has become of each message in each mailbox. `seq` is the record that stored it. Every step of
-- a message changes its row, so there is room left on each page for the next version of it.
CREATE TABLE deliveries (
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    id BYTEA NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    -- A JSON list of the attempts that failed. None: NULL.
    failures TEXT,
    expires_at_ms BIGINT NOT NULL,
    deadline_ms BIGINT,
    -- When something has to be done about it. Nothing ever, once it has ended: NULL.
    due_at_ms BIGINT,
    PRIMARY KEY (stream_id, seq)
) WITH (fillfactor = 80);

-- A second, independent check: no mailbox gets a message twice.
CREATE UNIQUE INDEX deliveries_id ON deliveries (id, stream_id);

CREATE INDEX deliveries_due ON deliveries (due_at_ms) WHERE due_at_ms IS NOT NULL;

-- Names are compared without regard to case.
CREATE INDEX deliveries_dead ON deliveries (id, lower(sender)) WHERE stage = 'dead';

-- Where the log speaks of a message: the record that stored it, in each mailbox or on the broadcast
-- stream, and the records about it.
CREATE TABLE message_records (
    id BYTEA NOT NULL,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (id, stream_id, seq)
);

-- Records whose effects on other streams have not been brought about yet. Unlike a projection it
-- cannot be made again from the log, but a row too many costs only a look.
CREATE TABLE follow_ups (
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (stream_id, seq)
);

-- A JSON list, as text, and one element more.
CREATE FUNCTION json_list_and(list TEXT, element TEXT) RETURNS TEXT LANGUAGE SQL IMMUTABLE AS $$
    SELECT CASE WHEN list = '[]' THEN '[' || element || ']'
                ELSE left(list, -1) || ',' || element || ']' END
$$;
