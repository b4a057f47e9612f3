DROP INDEX deliveries_questions;
ALTER TABLE deliveries DROP COLUMN answer_by_ms;
