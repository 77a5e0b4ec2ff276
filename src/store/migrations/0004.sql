-- Version 4. A command may move a stream's cursor back or forget the stream; each time its epoch is counted up, so that
-- a walk that began before is told from one that begins behind it.
ALTER TABLE stream ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- Up to where the stream was read completely before its cursor was moved back, until it is there again.
ALTER TABLE stream ADD COLUMN reached INTEGER;

-- The number under which its known ids stand; NULL is its own. Forgetting gives it another one.
ALTER TABLE stream ADD COLUMN shelf INTEGER;

-- Shelves that no stream has any more; upkeep empties them.
CREATE TABLE forgotten (shelf INTEGER PRIMARY KEY) STRICT;

-- What a stream knows is read by the stream's number, and written by its shelf.
ALTER TABLE known RENAME TO known_id;
ALTER TABLE known_id RENAME COLUMN stream TO shelf;
CREATE VIEW known (stream, time, id) AS
SELECT stream.id, known_id.time, known_id.id
FROM stream CROSS JOIN known_id ON known_id.shelf = coalesce(stream.shelf, stream.id);
