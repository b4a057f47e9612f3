-- Decisions. Everything here is a projection of the rooms' logs, which have had none so far: there is
-- nothing to fill in.

-- Motions. `seq` is the record that proposed it. They are few, and each changes a handful of times.
CREATE TABLE decisions (
    id BYTEA NOT NULL PRIMARY KEY,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    deadline_ms BIGINT NOT NULL,
    -- When time alone changes something: the end of its veto window, or its deadline. Once it has
    -- ended: NULL.
    due_at_ms BIGINT
);

-- Ids carry their time, so the newest come last.
CREATE INDEX decisions_room ON decisions (stream_id, id);

CREATE INDEX decisions_state ON decisions (stream_id, state, id);

CREATE INDEX decisions_due ON decisions (due_at_ms) WHERE due_at_ms IS NOT NULL;

-- Where the log speaks of a motion, so that its history is read without reading its room's.
CREATE TABLE decision_records (
    id BYTEA NOT NULL,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (id, stream_id, seq)
);

-- Critiques of posts and of motions. `seq` is the record that made it.
CREATE TABLE critiques (
    id BYTEA NOT NULL PRIMARY KEY,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    -- The motion. Of a post: NULL.
    decision BYTEA,
    -- Whether it is neither resolved nor waived, and its motion has not ended.
    is_open BOOLEAN NOT NULL
);

CREATE INDEX critiques_room ON critiques (stream_id, id);

CREATE INDEX critiques_open ON critiques (stream_id, is_open, id);

CREATE INDEX critiques_decision ON critiques (decision) WHERE decision IS NOT NULL;

-- Where the log speaks of a critique.
CREATE TABLE critique_records (
    id BYTEA NOT NULL,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (id, stream_id, seq)
);
