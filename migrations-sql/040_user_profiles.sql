-- Profiles: E.164 phone numbers, BCP 47 language tags, JSON objects.
ALTER TABLE user_profiles
  ADD CONSTRAINT user_profiles_phone_check CHECK (phone ~ '^[+][1-9][0-9]{6,14}$'),
  ADD CONSTRAINT user_profiles_avatar_url_check CHECK (avatar_url ~ '^https://'),
  ADD CONSTRAINT user_profiles_timezone_check CHECK (btrim(timezone) <> ''),
  ADD CONSTRAINT user_profiles_language_check CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
  ADD CONSTRAINT user_profiles_preferences_check CHECK (jsonb_typeof(preferences) = 'object');

CREATE INDEX user_profiles_with_phone ON user_profiles (phone) WHERE phone IS NOT NULL;
