-- Version 3. Events collected in each quarter of an hour of the last two days, by when they were committed: small, and
-- kept when the spool forgets them.
CREATE TABLE collected (
    stream INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (stream, start)
) STRICT, WITHOUT ROWID;

-- What the spool still has is told at once.
INSERT INTO collected (stream, start, events)
SELECT stream, committed_at - committed_at % 900000, count(*) FROM spool
WHERE committed_at >= unixepoch() * 1000 - 172800000
GROUP BY 1, 2;

-- From where on the stream was read completely; not known of what was collected before this version.
ALTER TABLE stream ADD COLUMN complete_from INTEGER;

-- Since when the sink is in its state.
ALTER TABLE sink ADD COLUMN state_since INTEGER;
