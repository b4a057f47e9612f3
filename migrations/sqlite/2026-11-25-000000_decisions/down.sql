DROP TABLE critique_records;
DROP TABLE critiques;
DROP TABLE decision_records;
DROP TABLE decisions;
