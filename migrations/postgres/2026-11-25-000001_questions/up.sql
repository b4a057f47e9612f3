-- Questions that wait for an answer, found without reading a whole mailbox.

-- Until when a message waits for a reply. Of one that expects none: NULL.
ALTER TABLE deliveries ADD COLUMN answer_by_ms BIGINT;

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

-- Those that are there, by what the log says of them.
UPDATE deliveries d
SET answer_by_ms = least(d.expires_at_ms, d.deadline_ms)
FROM log l
WHERE l.stream_id = d.stream_id AND l.seq = d.seq
AND CASE WHEN position('"expects_reply":true'::bytea IN l.body) > 0
    THEN pg_temp.json_of(l.body) ->> 'expects_reply' = 'true' END;

DROP FUNCTION pg_temp.json_of(BYTEA);

-- Few messages are questions, and only those are in it that have not ended.
CREATE INDEX deliveries_questions ON deliveries (stream_id, answer_by_ms, seq)
    WHERE answer_by_ms IS NOT NULL AND due_at_ms IS NOT NULL;
