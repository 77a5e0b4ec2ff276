-- Version 5. What each sink has accepted, by the day (UTC, since 1970) of the event's own time: kept when the spool
-- forgets the events, so that a day can be compared with what the provider has. `before_sink` counts what was
-- collected before the sink was there: it was never to get that. An event without a time has the day of the largest
-- integer, as in `known`.
CREATE TABLE delivered (
    sink        TEXT NOT NULL,
    stream      INTEGER NOT NULL,
    day         INTEGER NOT NULL,
    events      INTEGER NOT NULL DEFAULT 0,
    before_sink INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sink, stream, day)
) STRICT, WITHOUT ROWID;

-- Nothing says what a sink had accepted before this version, but all that neither waits nor is dead was.
INSERT INTO delivered (sink, stream, day, events)
SELECT wanted.sink, known.stream, known.time / 86400000, count(*)
FROM wanted JOIN known ON known.stream = wanted.stream
GROUP BY 1, 2, 3;

INSERT INTO delivered (sink, stream, day, events)
SELECT wanted.sink, spool.stream, coalesce(spool.time, 9223372036854775807) / 86400000, -count(*)
FROM wanted JOIN spool ON spool.stream = wanted.stream AND spool.position > wanted.position
WHERE true
GROUP BY 1, 2, 3
ON CONFLICT (sink, stream, day) DO UPDATE SET events = events + excluded.events;

-- The event's own time, in milliseconds since 1970.
ALTER TABLE dead_letter ADD COLUMN time INTEGER;
UPDATE dead_letter SET time = unixepoch(json_extract(core, '$."@timestamp"')) * 1000 WHERE json_valid(core);

INSERT INTO delivered (sink, stream, day, events)
SELECT dead_letter.sink, stream.id, dead_letter.time / 86400000, -count(*)
FROM dead_letter JOIN stream ON stream.source = dead_letter.source AND stream.name = dead_letter.stream
WHERE dead_letter.time IS NOT NULL
GROUP BY 1, 2, 3
ON CONFLICT (sink, stream, day) DO UPDATE SET events = events + excluded.events;

-- Events up to this position were collected before the sink was there.
ALTER TABLE sink ADD COLUMN owed_after INTEGER NOT NULL DEFAULT 0;

-- A backfill or a reconcile that has not come to its end: the same command goes on with it. `asked` is how it was
-- given; `done` is up to where the range from `start` to `stop` was read.
CREATE TABLE job (
    stream INTEGER NOT NULL REFERENCES stream (id),
    kind   TEXT NOT NULL,
    asked  TEXT NOT NULL,
    start  INTEGER NOT NULL,
    stop   INTEGER NOT NULL,
    done   INTEGER NOT NULL,
    began  INTEGER NOT NULL,
    shown  INTEGER NOT NULL DEFAULT 0,
    found  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, kind)
) STRICT, WITHOUT ROWID;

-- What a reconcile has seen so far, by day of the events: shown by the provider, of those known before, collected
-- before, and new.
CREATE TABLE job_day (
    stream    INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    day       INTEGER NOT NULL,
    shown     INTEGER NOT NULL,
    known     INTEGER NOT NULL,
    collected INTEGER NOT NULL,
    found     INTEGER NOT NULL,
    doubtful  INTEGER NOT NULL,
    PRIMARY KEY (stream, kind, day),
    FOREIGN KEY (stream, kind) REFERENCES job (stream, kind) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Retained events that a sink is sent again, in order, from `position` on and up to `last`.
CREATE TABLE replay (
    sink      TEXT PRIMARY KEY,
    asked     TEXT NOT NULL,
    source    TEXT,
    start     INTEGER NOT NULL,
    stop      INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    events    INTEGER NOT NULL,
    accepted  INTEGER NOT NULL DEFAULT 0,
    refused   INTEGER NOT NULL DEFAULT 0,
    active    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
