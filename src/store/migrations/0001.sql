-- Version 1. Times are whole milliseconds since 1970, rounded down. Tables that grow by the event carry no
-- foreign key: it would cost a look-up per row, and only the writer thread inserts.

-- One row: whether the last process closed the file in order. After a crash it is checked before use.
CREATE TABLE service (clean INTEGER NOT NULL) STRICT;
INSERT INTO service (clean) VALUES (0);

-- The account that a source was bound to on first sight.
CREATE TABLE source (
    name         TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL,
    account_name TEXT
) STRICT, WITHOUT ROWID;

-- A credential that the provider has rotated; `replaces` is the SHA-256 of the configured one.
CREATE TABLE credential (
    source   TEXT PRIMARY KEY,
    replaces BLOB NOT NULL,
    secret   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stream (
    id             INTEGER PRIMARY KEY,
    source         TEXT NOT NULL,
    name           TEXT NOT NULL,
    sequence       INTEGER NOT NULL DEFAULT 0,
    high_water     INTEGER,
    complete_to    INTEGER,
    filter         TEXT NOT NULL DEFAULT 'primary',
    reconciled     INTEGER,
    last_success   INTEGER,
    last_failure   INTEGER,
    failure_reason TEXT,
    refused        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, name)
) STRICT;

-- What can't be collected any more; the rows of a stream neither overlap nor touch.
CREATE TABLE gap (
    stream INTEGER NOT NULL REFERENCES stream (id),
    start  INTEGER NOT NULL,
    stop   INTEGER NOT NULL,
    PRIMARY KEY (stream, start)
) STRICT, WITHOUT ROWID;

-- Every event that was ever collected, within the stream's horizon. In time order, so that inserts stay local
-- and pruning is a range. An event without a time stands at the largest integer, where no pruning reaches.
CREATE TABLE known (
    stream INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    id     BLOB NOT NULL,
    PRIMARY KEY (stream, time, id)
) STRICT, WITHOUT ROWID;

-- Events that wait for a sink or are retained for replay. AUTOINCREMENT: a position given twice would make a
-- sink skip events. `bytes` is the size of all events before this one, which makes the level a subtraction.
CREATE TABLE spool (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    stream       INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    event_id     BLOB NOT NULL,
    time         INTEGER,
    committed_at INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    core         TEXT NOT NULL,
    original     TEXT NOT NULL
) STRICT;
CREATE INDEX spool_by_stream ON spool (stream);

-- A sink that is no longer configured stays, inactive, with its position.
CREATE TABLE sink (
    name          TEXT PRIMARY KEY,
    active        INTEGER NOT NULL,
    every_source  INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    delivered     INTEGER NOT NULL DEFAULT 0,
    state         TEXT NOT NULL DEFAULT 'working',
    state_reason  TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE sink_source (
    sink   TEXT NOT NULL REFERENCES sink (name) ON DELETE CASCADE,
    source TEXT NOT NULL,
    PRIMARY KEY (sink, source)
) STRICT, WITHOUT ROWID;

-- Which streams each configured sink gets, and its position. The daemon's own events go to every sink.
CREATE VIEW wanted (sink, position, stream) AS
SELECT sink.name, sink.position, stream.id
FROM sink CROSS JOIN stream
WHERE sink.active AND (
    sink.every_source
    OR stream.source = 'auditferry'
    OR EXISTS (SELECT 1 FROM sink_source WHERE sink_source.sink = sink.name AND sink_source.source = stream.source)
);

-- Events that a sink refused for good, each a copy, because the spool forgets.
CREATE TABLE dead_letter (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    sink       TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    source     TEXT NOT NULL,
    stream     TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    event_id   BLOB NOT NULL,
    core       TEXT NOT NULL,
    original   TEXT NOT NULL
) STRICT;
CREATE INDEX dead_letter_by_sink ON dead_letter (sink);
