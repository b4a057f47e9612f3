-- Questions that wait for an answer, found without reading a whole mailbox.

-- Until when a message waits for a reply. Of one that expects none: NULL.
ALTER TABLE deliveries ADD COLUMN answer_by_ms BIGINT;

-- Those that are there, by what the log says of them. A record that is damaged, which is found when it
-- is read, does not keep a server from starting.
UPDATE deliveries
SET answer_by_ms = min(expires_at_ms, coalesce(deadline_ms, expires_at_ms))
WHERE EXISTS (
    SELECT 1 FROM log
    WHERE log.stream_id = deliveries.stream_id AND log.seq = deliveries.seq
    AND CASE WHEN json_valid(CAST(log.body AS TEXT))
        THEN json_extract(CAST(log.body AS TEXT), '$.expects_reply') = 1 END
);

-- Few messages are questions, and only those are in it that have not ended.
CREATE INDEX deliveries_questions ON deliveries (stream_id, answer_by_ms, seq)
    WHERE answer_by_ms IS NOT NULL AND due_at_ms IS NOT NULL;
