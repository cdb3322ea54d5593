-- Rows from before the rule. No version of the server has written an address that breaks it: whatever does was written past
-- it, and somebody should look at that. No lock here keeps anybody from reading or writing.
SET LOCAL tenantry.scope = 'platform';
DO $$
DECLARE
  found text;
BEGIN
  SELECT string_agg(format('%s %s', name, id), ', ') INTO found FROM (
    SELECT 'users' AS name, id FROM users
    WHERE NOT (char_length(email) <= 254 AND position('@' IN email) <= 65
      AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9_''+.-]*[A-Za-z0-9_+-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.[A-Za-z]{2,}$')
    UNION ALL SELECT 'users (pending_email)', id FROM users
    WHERE NOT (char_length(pending_email) <= 254 AND position('@' IN pending_email) <= 65
      AND pending_email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9_''+.-]*[A-Za-z0-9_+-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.[A-Za-z]{2,}$')
    UNION ALL SELECT 'invitations', id FROM invitations
    WHERE NOT (char_length(email) <= 254 AND position('@' IN email) <= 65
      AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9_''+.-]*[A-Za-z0-9_+-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.[A-Za-z]{2,}$')
    LIMIT 20) AS broken;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION 'rows hold addresses that the API would refuse: %', found USING
      ERRCODE = 'integrity_constraint_violation',
      DETAIL = 'The server does not write such addresses, so something else has. New ones are refused already.',
      HINT = 'Give these rows other addresses, then: bunx prisma migrate resolve --rolled-back 20261130150001_validate_address_rule, and deploy again.';
  END IF;
END
$$;

ALTER TABLE users VALIDATE CONSTRAINT users_email_format_check;
ALTER TABLE users VALIDATE CONSTRAINT users_pending_email_format_check;
ALTER TABLE invitations VALIDATE CONSTRAINT invitations_email_check;
