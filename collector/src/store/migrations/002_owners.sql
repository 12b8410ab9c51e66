-- 1 where records were lost on the phone, so that nobody can say who used it.
ALTER TABLE customers ADD COLUMN unknown INTEGER NOT NULL DEFAULT 0;
