-- The narrower rule. It fails, and nothing is changed, where there are addresses that only the wider one takes: such rows
-- could not even be logged in to below it, so give them other addresses first.
ALTER TABLE users
  DROP CONSTRAINT users_email_format_check,
  ADD CONSTRAINT users_email_format_check CHECK (char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9_''+.-]*[A-Za-z0-9_+-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.[A-Za-z]{2,}$');
ALTER TABLE users
  DROP CONSTRAINT users_pending_email_format_check,
  ADD CONSTRAINT users_pending_email_format_check CHECK (char_length(pending_email) <= 254 AND position('@' IN pending_email) <= 65
    AND pending_email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9_''+.-]*[A-Za-z0-9_+-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.[A-Za-z]{2,}$');
ALTER TABLE invitations
  DROP CONSTRAINT invitations_email_check,
  ADD CONSTRAINT invitations_email_check CHECK (email = lower(email) AND char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9_''+.-]*[A-Za-z0-9_+-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.[A-Za-z]{2,}$');
