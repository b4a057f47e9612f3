DROP FUNCTION json_list_and(TEXT, TEXT);
DROP TABLE follow_ups;
DROP TABLE message_records;
DROP TABLE deliveries;
DROP TABLE clients;
