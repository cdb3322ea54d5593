-- Addresses as RFC 5321 has them, with domains of any language as A-labels. The pattern takes all that the one before took;
-- the rows are looked at by the next migration (NOT VALID), so that the lock, which keeps everybody out, is held for a moment.
-- Who does not get it in five seconds lets the others go on: deploy again.
SET LOCAL lock_timeout = '5s';
ALTER TABLE users
  DROP CONSTRAINT users_email_format_check,
  ADD CONSTRAINT users_email_format_check CHECK (char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$') NOT VALID;
ALTER TABLE users
  DROP CONSTRAINT users_pending_email_format_check,
  ADD CONSTRAINT users_pending_email_format_check CHECK (char_length(pending_email) <= 254 AND position('@' IN pending_email) <= 65
    AND pending_email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$') NOT VALID;
ALTER TABLE invitations
  DROP CONSTRAINT invitations_email_check,
  ADD CONSTRAINT invitations_email_check CHECK (email = lower(email) AND char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$') NOT VALID;
