-- Times are ms since the Unix epoch by the collector's clock. `installation` is a row number here:
-- the id itself is a secret, and only its SHA-256 is kept.

CREATE TABLE keys (
  hash       BLOB PRIMARY KEY,   -- SHA-256 of the key
  kind       TEXT NOT NULL,      -- write, contact-centre
  app        TEXT NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What apps' backends sign proofs of identity with.
CREATE TABLE identity_keys (
  app       TEXT NOT NULL,
  id        TEXT NOT NULL,       -- of its SHA-256
  algorithm TEXT NOT NULL,       -- ES256, HS256
  material  BLOB NOT NULL,       -- the public key as PEM, or the secret
  added_at  INTEGER NOT NULL,
  PRIMARY KEY (app, id)
) WITHOUT ROWID;

CREATE TABLE installations (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, so that no late reader mixes two up
  hash      BLOB NOT NULL UNIQUE,               -- SHA-256 of the installation
  app       TEXT NOT NULL,                      -- of the first key that wrote
  synced_at INTEGER NOT NULL,                   -- when it was last heard
  change    INTEGER NOT NULL DEFAULT 0          -- commit number of this context: the live stream's id
);
CREATE INDEX installations_idle ON installations (synced_at);

-- Erased for good: whatever comes later is refused.
CREATE TABLE tombstones (
  hash      BLOB PRIMARY KEY,    -- SHA-256 of the installation
  erased_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What the phone said of one of its stores, and what came of it.
CREATE TABLE epochs (
  installation INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  oldest       INTEGER NOT NULL,           -- the highest `oldest` it sent
  next         INTEGER NOT NULL,           -- the highest `next` it sent
  stored       INTEGER NOT NULL DEFAULT 0, -- events ever stored, those since expired included
  refused      INTEGER NOT NULL DEFAULT 0, -- events ever refused by name
  dropped      TEXT NOT NULL DEFAULT '{}', -- JSON: the maximum sent, by reason
  PRIMARY KEY (installation, epoch)
) WITHOUT ROWID;

-- The key makes a repeated batch harmless, and its order is the only order.
CREATE TABLE events (
  installation INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  seq          INTEGER NOT NULL,
  at           INTEGER NOT NULL,  -- arrival - (sent_at - at)
  type         TEXT NOT NULL,     -- as on the wire, or 'refused' for what was refused by name
  body         TEXT NOT NULL,     -- JSON: the other fields
  PRIMARY KEY (installation, epoch, seq)
) WITHOUT ROWID;
-- Rare and shown however old, so found without reading what is between.
CREATE INDEX events_orders ON events (installation, epoch, seq) WHERE type = 'order';
CREATE INDEX events_locations ON events (installation, epoch, seq) WHERE type = 'location';

-- One row for each run of seqs in an upload instead of one index entry an event: what expires when.
CREATE TABLE arrivals (
  arrived_at   INTEGER NOT NULL,
  installation INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  first_seq    INTEGER NOT NULL,
  last_seq     INTEGER NOT NULL,
  PRIMARY KEY (arrived_at, installation, epoch, first_seq)
) WITHOUT ROWID;

-- Who used the phone from where on. Outlives its event for as long as it is the newest, since
-- later events are still that customer's.
CREATE TABLE customers (
  installation INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  seq          INTEGER NOT NULL,
  app          TEXT NOT NULL,
  customer     TEXT,              -- null: nobody any more
  verified     INTEGER,           -- what came of the proof; null without one
  arrived_at   INTEGER NOT NULL,
  PRIMARY KEY (installation, epoch, seq)
) WITHOUT ROWID;
CREATE INDEX customers_by_id ON customers (customer, app) WHERE customer IS NOT NULL;

CREATE TABLE leases (
  locator      BLOB PRIMARY KEY,  -- HMAC of the even locator
  installation INTEGER,           -- null once erased: only the locator still rests
  epoch        INTEGER NOT NULL,  -- the highest place stored when it was given: whose it is
  seq          INTEGER NOT NULL,
  ends_at      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX leases_of ON leases (installation, ends_at);
CREATE INDEX leases_end ON leases (ends_at);

-- A call: from its record, or from a lease claimed before its record came.
CREATE TABLE calls (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,  -- in desk links, so never reused
  installation INTEGER NOT NULL,
  app          TEXT NOT NULL,
  token        BLOB UNIQUE,       -- null while only the lease is known
  lease        BLOB UNIQUE,       -- the HMAC of the locator
  code_screen  INTEGER NOT NULL DEFAULT 0,   -- the screen number in the code's digits
  epoch        INTEGER NOT NULL,  -- where in the order the call stands, or its lease was given
  seq          INTEGER NOT NULL,
  tapped_at    INTEGER,           -- null without a record
  scope        TEXT NOT NULL,     -- everything, screen
  topic        TEXT,
  stated       INTEGER NOT NULL DEFAULT 0,   -- whether the record said who calls
  customer     TEXT,              -- who, if so
  verified     INTEGER,           -- what came of their proof; null without one
  stated_from  INTEGER,           -- the lowest seq of its snapshot: that customer's already
  arrived_at   INTEGER NOT NULL,
  claimed_by   BLOB,              -- HMAC of app and call id
  claimed_at   INTEGER
);
CREATE INDEX calls_of ON calls (installation);
CREATE INDEX calls_by_customer ON calls (customer, app) WHERE customer IS NOT NULL;
CREATE INDEX calls_arrived ON calls (arrived_at);
CREATE INDEX calls_claimed ON calls (claimed_by) WHERE claimed_by IS NOT NULL;

-- The numbers in call codes. Never reused, so never deleted.
CREATE TABLE screens (
  app    TEXT NOT NULL,
  number INTEGER NOT NULL,
  name   TEXT NOT NULL,
  PRIMARY KEY (app, number),
  UNIQUE (app, name)
) WITHOUT ROWID;

-- Every view of a context. It names the call by a keyed hash and no customer, so that it can stay.
CREATE TABLE audit (
  id    INTEGER PRIMARY KEY,      -- 1, 2, 3 ..., given by the writer: a gap is a missing entry
  at    INTEGER NOT NULL,
  app   TEXT NOT NULL,
  act   TEXT NOT NULL,            -- resolve, desk, live
  call  BLOB NOT NULL,            -- HMAC of app and call id
  agent TEXT,
  seal  BLOB NOT NULL             -- HMAC of the seal before it and of all its own columns
);
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN
  SELECT raise(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_stands BEFORE UPDATE ON audit BEGIN
  SELECT raise(ABORT, 'the audit log is append-only');
END;
