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
);
CREATE INDEX calls_waiting ON events (seq) WHERE calling = 1;

-- One row.
CREATE TABLE state (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    installation BLOB NOT NULL,
    epoch        INTEGER NOT NULL,
    next_seq     INTEGER NOT NULL,
    delivered    INTEGER NOT NULL,
    -- How long this store has been known to live, in ms, and the wall clock when that was noted.
    age          INTEGER NOT NULL,
    wall         INTEGER NOT NULL,
    customer     TEXT,
    proof        TEXT
);

-- How many events were dropped since the epoch began, by reason.
CREATE TABLE dropped (
    reason INTEGER PRIMARY KEY,
    count  INTEGER NOT NULL
);

-- How far the journal's records of each run were taken over.
CREATE TABLE drained (
    run     INTEGER PRIMARY KEY,
    through INTEGER NOT NULL,
    -- The store's age at that time: the oldest rows go.
    noted   INTEGER NOT NULL
);

-- Leased call codes.
CREATE TABLE leases (
    locator INTEGER PRIMARY KEY,
    -- The store's age at which it expires.
    expires INTEGER NOT NULL
);

-- The collector's numbers of screens.
CREATE TABLE screens (
    name   TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) WITHOUT ROWID;
