-- Who the customer is never depends on an event that quota, time or a refusal may delete.

-- Every change of customer, from the last one before the oldest event on.
CREATE TABLE customers (
    -- The change's own `seq`; 0 for what held before the first event.
    seq     INTEGER PRIMARY KEY,
    -- Null for nobody.
    id      TEXT,
    proof   TEXT,
    -- When the customer was identified, by the wall clock.
    at      INTEGER NOT NULL,
    -- 1 where records were lost, so that nobody can say who it was.
    unknown INTEGER NOT NULL,
    -- The seq at which this person's use of the phone began: anonymous events before a sign-in are
    -- part of it.
    since   INTEGER NOT NULL,
    -- 1 once the collector knows of it.
    told    INTEGER NOT NULL
) STRICT;
INSERT INTO customers
    SELECT seq, json_extract(CAST(body AS TEXT), '$.customer.id'),
           json_extract(CAST(body AS TEXT), '$.customer.proof'),
           json_extract(CAST(body AS TEXT), '$.at'), 0, seq, sent
    FROM events WHERE instr(CAST(body AS TEXT), '"type":"customer"') > 0
      AND json_extract(CAST(body AS TEXT), '$.type') = 'customer';
-- Of what is older, only the customer of today is known; if there was a change since, not even that.
INSERT OR IGNORE INTO customers
    SELECT 0, iif(known, customer, NULL), iif(known, proof, NULL), identified_at, NOT known, 0, 0
    FROM (SELECT *, NOT EXISTS (SELECT 1 FROM customers) AS known FROM state)
    WHERE customer IS NOT NULL OR epoch > 1 OR NOT known;

-- A lease dies by either of two clocks.
DROP TABLE leases;
CREATE TABLE leases (
    locator INTEGER PRIMARY KEY,
    -- The store's age, and the wall clock, when the collector gave or renewed it.
    given   INTEGER NOT NULL,
    wall    INTEGER NOT NULL,
    -- How long it lives from then on, in ms.
    life    INTEGER NOT NULL
) STRICT;

-- The collector's name for the codes held here; null if it gave none.
ALTER TABLE state ADD COLUMN codes_version INTEGER;

ALTER TABLE state DROP COLUMN customer;
ALTER TABLE state DROP COLUMN proof;
ALTER TABLE state DROP COLUMN identified_at;
