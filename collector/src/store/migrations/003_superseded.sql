-- The exchange has given the call's id to a later call: the id alone does not name this one any more.
ALTER TABLE calls ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
