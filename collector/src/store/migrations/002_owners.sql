-- 1 where another person's use of the phone began, whatever else is known of what came before.
ALTER TABLE customers ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
-- 1 where records were lost on the phone, so that nobody can say who used it.
ALTER TABLE customers ADD COLUMN unknown INTEGER NOT NULL DEFAULT 0;
-- Drawn anew whenever codes are given or renewed: a phone that says another one holds codes which this
-- database does not know, such as after a restored backup.
ALTER TABLE installations ADD COLUMN codes_version INTEGER NOT NULL DEFAULT 0;
-- The seq at which the caller's use of the phone began; null if the record did not say.
ALTER TABLE calls ADD COLUMN since INTEGER;
