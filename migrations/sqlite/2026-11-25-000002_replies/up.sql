-- Which posts answer which, so that a thread is read without reading its room.

-- `id` is what is answered, `answer` the post that answers it, and `seq` its record. Posts that answer
-- nothing have no row.
CREATE TABLE replies (
    id BLOB NOT NULL,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    answer BLOB NOT NULL,
    PRIMARY KEY (id, stream_id, seq)
) WITHOUT ROWID;

CREATE UNIQUE INDEX replies_answer ON replies (answer);

-- Those that are there, by what the log says of them: an id stands there as `msg_` and 32 digits. A
-- record that is damaged, which is found when it is read, does not keep a server from starting; one that
-- is no post any more has no row.
INSERT INTO replies (id, stream_id, seq, answer)
SELECT unhex(substr(said.id, 5)), messages.stream_id, messages.seq, messages.id
FROM messages
JOIN (
    SELECT stream_id, seq,
        CASE WHEN json_valid(CAST(body AS TEXT))
            THEN json_extract(CAST(body AS TEXT), '$.reply_to') END AS id
    FROM log
    WHERE kind = 'posted' AND instr(body, CAST('"reply_to":' AS BLOB)) > 0
) AS said ON said.stream_id = messages.stream_id AND said.seq = messages.seq
WHERE length(unhex(substr(said.id, 5))) = 16;
