-- Which posts answer which, so that a thread is read without reading its room.

-- `id` is what is answered, `answer` the post that answers it, and `seq` its record. Posts that answer
-- nothing have no row.
CREATE TABLE replies (
    id BYTEA NOT NULL,
    stream_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    answer BYTEA NOT NULL,
    PRIMARY KEY (id, stream_id, seq)
);

CREATE UNIQUE INDEX replies_answer ON replies (answer);

-- A record's body. PostgreSQL refuses the character 0 also where nobody asks for it, so it is taken out
-- first, and nothing else that looks like it. Of a record that is damaged, which is found when it is
-- read: NULL, so that it does not keep a server from starting.
CREATE FUNCTION pg_temp.json_of(body BYTEA) RETURNS JSON LANGUAGE plpgsql AS $$
BEGIN
    RETURN regexp_replace(convert_from(body, 'UTF8'), '(\\(?!u0000).)|\\u0000', '\1', 'g')::json;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;

-- Those that are there, by what the log says of them: an id stands there as `msg_` and 32 digits.
INSERT INTO replies (id, stream_id, seq, answer)
SELECT decode(substr(said.id, 5), 'hex'), said.stream_id, said.seq, said.answer
FROM (
    SELECT m.id AS answer, l.stream_id, l.seq,
        CASE WHEN position('"reply_to":'::bytea IN l.body) > 0
            THEN pg_temp.json_of(l.body) ->> 'reply_to' END AS id
    FROM log l JOIN messages m ON m.stream_id = l.stream_id AND m.seq = l.seq
    WHERE l.kind = 'posted'
) AS said
WHERE said.id ~ '^msg_[0-9a-f]{32}$';

DROP FUNCTION pg_temp.json_of(BYTEA);
