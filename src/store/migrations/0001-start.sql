-- The journey's store, version 1.

-- What is queued, and the newest of what was sent. `seq` is given here and nowhere else.
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY,
    -- The store's age when it was recorded, in ms: what the time to live counts from.
    born    INTEGER NOT NULL,
    -- 1 once the collector has it.
    sent    INTEGER NOT NULL DEFAULT 0,
    -- 1 while it is a call whose snapshot waits to be sent.
    calling INTEGER NOT NULL DEFAULT 0,
    -- Its JSON on the wire, without `seq`.
    body    BLOB NOT NULL
) STRICT;
CREATE INDEX calls_waiting ON events (seq) WHERE calling = 1;
-- Few, before a long backlog: found without walking it.
CREATE INDEX sent_already ON events (seq) WHERE sent = 1;

-- One row.
CREATE TABLE state (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    installation BLOB NOT NULL,
    epoch        INTEGER NOT NULL,
    next_seq     INTEGER NOT NULL,
    delivered    INTEGER NOT NULL,
    -- Counts the commits that were synced, so that each of them has something to write.
    syncs        INTEGER NOT NULL,
    -- How long this store has been known to live, in ms, and the wall clock when that was noted.
    age          INTEGER NOT NULL,
    wall         INTEGER NOT NULL,
    -- CRC-32 of this row's values and the counts in `dropped`: SQLite checks structure, not content.
    sum          INTEGER NOT NULL,
    customer     TEXT,
    proof        TEXT,
    -- When the customer was identified, by the wall clock; 0 for nobody.
    identified_at INTEGER NOT NULL
) STRICT;

-- How many events were dropped since the epoch began, by reason.
CREATE TABLE dropped (
    reason INTEGER PRIMARY KEY,
    count  INTEGER NOT NULL
) STRICT;

-- How far the journal's records of each run were taken over.
CREATE TABLE drained (
    run     INTEGER PRIMARY KEY,
    through INTEGER NOT NULL,
    -- Which drain did so last, counted from 1: the rows of the oldest drains go.
    drain   INTEGER NOT NULL
) STRICT;

-- Leased call codes.
CREATE TABLE leases (
    locator INTEGER PRIMARY KEY,
    -- The store's age at which it expires.
    expires INTEGER NOT NULL
) STRICT;

-- The collector's numbers of screens.
CREATE TABLE screens (
    -- 1 to 999, so that there are no more rows than that.
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL
) STRICT;
