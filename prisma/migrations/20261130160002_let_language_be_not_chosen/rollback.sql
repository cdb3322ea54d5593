-- What was not chosen becomes the default of before.
SET LOCAL tenantry.scope = 'platform';
UPDATE user_profiles SET timezone = coalesce(timezone, 'UTC'), language = coalesce(language, 'en')
  WHERE timezone IS NULL OR language IS NULL;
ALTER TABLE "user_profiles" ALTER COLUMN "timezone" SET DEFAULT 'UTC', ALTER COLUMN "timezone" SET NOT NULL,
  ALTER COLUMN "language" SET DEFAULT 'en', ALTER COLUMN "language" SET NOT NULL;
