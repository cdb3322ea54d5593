-- A column's default was taken for a choice: who had set a time zone got mails in English whatever their tenant's language.
-- Rows that are there stay as they are: which of them were chosen cannot be told, and an English reader shall not get German
-- mails from one day to the next. Whoever chose nothing can say so now, with null.
SET LOCAL lock_timeout = '5s';
ALTER TABLE "user_profiles" ALTER COLUMN "timezone" DROP DEFAULT, ALTER COLUMN "timezone" DROP NOT NULL,
  ALTER COLUMN "language" DROP DEFAULT, ALTER COLUMN "language" DROP NOT NULL;
