-- The rules of before, which let in whatever the newer ones do.
ALTER TABLE users
  DROP CONSTRAINT users_email_format_check,
  ADD CONSTRAINT users_email_format_check CHECK (email ~ '^[^@[:space:][:cntrl:]]{1,64}@[^@[:space:][:cntrl:]]+[.][^@[:space:][:cntrl:].]{2,}$');
ALTER TABLE users
  DROP CONSTRAINT users_pending_email_format_check,
  ADD CONSTRAINT users_pending_email_format_check CHECK (pending_email ~ '^[^@[:space:][:cntrl:]]{1,64}@[^@[:space:][:cntrl:]]+[.][^@[:space:][:cntrl:].]{2,}$');
ALTER TABLE invitations
  DROP CONSTRAINT invitations_email_check,
  ADD CONSTRAINT invitations_email_check CHECK (email = lower(email) AND email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$');
