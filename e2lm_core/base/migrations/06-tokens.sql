-- Of runs before it nothing is known: NULL, not 0.
ALTER TABLE progress ADD COLUMN tokens INTEGER;
ALTER TABLE progress ADD COLUMN harness_tokens INTEGER
