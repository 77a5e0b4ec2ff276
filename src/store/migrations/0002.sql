-- Version 2. A dead letter that somebody wants tried again is marked until the sink has taken or refused it.
ALTER TABLE dead_letter ADD COLUMN retry INTEGER NOT NULL DEFAULT 0;

-- Small: only what is marked stands in it.
CREATE INDEX dead_letter_to_retry ON dead_letter (sink) WHERE retry = 1;
