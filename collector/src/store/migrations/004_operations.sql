-- From when on a key is not valid any more; null for one without an end.
ALTER TABLE keys ADD COLUMN expires_at INTEGER;

-- One row, written whenever somebody asks whether writes reach the disk.
CREATE TABLE heartbeat (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  at   INTEGER NOT NULL
);

-- How many codes the installation was given on a day (of the Unix epoch, in UTC), claimed or not: bounded.
ALTER TABLE installations ADD COLUMN leases_day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN leases_given INTEGER NOT NULL DEFAULT 0;

-- One row: when what has expired was last removed, by the wall clock. One that has jumped since may be wrong.
CREATE TABLE retention (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  at   INTEGER NOT NULL
);

-- 1 where the app's screens file lists it: half of the numbers are kept for such screens.
ALTER TABLE screens ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
