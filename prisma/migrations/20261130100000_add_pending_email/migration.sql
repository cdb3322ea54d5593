-- A new address waits here for its proof. Links of before that were sent for a change and not yet used (they last an
-- hour) find no address that waits, and have to be asked for again. One statement: one look at the rows that are there.
-- AlterTable
ALTER TABLE "users" ADD COLUMN     "pending_email" VARCHAR(255),
  ADD CONSTRAINT users_pending_email_lower_check CHECK (pending_email = lower(pending_email)),
  ADD CONSTRAINT users_pending_email_format_check CHECK (pending_email ~ '^[^@[:space:][:cntrl:]]{1,64}@[^@[:space:][:cntrl:]]+[.][^@[:space:][:cntrl:].]{2,}$'),
  ADD CONSTRAINT users_pending_email_check CHECK (pending_email IS NULL OR (pending_email <> email AND kind = 'person' AND NOT is_deleted));
