-- An account for each person, 250 at a time with a commit in between. Rows that somebody holds are left for the next round: so
-- nobody waits for more than a batch, and it waits for nobody. Alone in its migration, for only so may it commit. Broken off, it
-- goes on where it was: bunx prisma migrate resolve --rolled-back, and deploy again.
-- Whoever was erased has none. What a tenant alone has said of a person is in its own pool.
-- With 100,000 users, 200,000 sessions and 200,000 recovery codes it took two minutes on two cores that had other work too, and who
-- wrote meanwhile waited for half a second at most.
DO $$
DECLARE
  start CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  done uuid := start;
  batch uuid[];
  factor text;
  is_left boolean;
BEGIN
  LOOP
    PERFORM set_config('tenantry.scope', 'platform', true);
    batch := ARRAY (SELECT id FROM public.users WHERE id > done AND kind = 'person' AND account_id IS NULL AND NOT (is_deleted AND email LIKE '%@erased.invalid')
      ORDER BY id LIMIT 250 FOR NO KEY UPDATE SKIP LOCKED);
    INSERT INTO public.accounts (id, pool_id, email, pending_email, email_verified_at, password_hash, password_origin, login_attempts, locked_until, is_deleted, deleted_at, created_at, updated_at)
    SELECT users.id, CASE WHEN users.email_scope IS NOT NULL THEN users.email_scope WHEN users.tenant_id IS NOT NULL AND users.email_verified_at IS NULL AND users.password_origin = 'tenant' THEN users.tenant_id END, users.email, users.pending_email, users.email_verified_at, users.password_hash, users.password_origin, users.login_attempts, users.locked_until, users.is_deleted, users.deleted_at, users.created_at, users.updated_at FROM public.users WHERE id = ANY (batch)
    ON CONFLICT (id) DO NOTHING;
    UPDATE public.users SET account_id = id WHERE id = ANY (batch);
    done := coalesce(batch[cardinality(batch)], start);
    COMMIT;
    IF done = start THEN
      PERFORM set_config('tenantry.scope', 'platform', true);
      EXIT WHEN NOT EXISTS (SELECT FROM public.users WHERE kind = 'person' AND account_id IS NULL AND NOT (is_deleted AND email LIKE '%@erased.invalid'));
      PERFORM pg_sleep(0.1);
    END IF;
  END LOOP;
  -- Twice: whoever began before their user had an account may have written a session without one since. After the constraints nobody can.
  FOR round IN 1..2 LOOP
    done := start;
    LOOP
      PERFORM set_config('tenantry.scope', 'platform', true);
      batch := ARRAY (SELECT sessions.id FROM public.sessions JOIN public.users ON users.id = user_id
        WHERE sessions.id > done AND sessions.account_id IS NULL
        ORDER BY sessions.id LIMIT 250 FOR NO KEY UPDATE OF sessions SKIP LOCKED FOR KEY SHARE OF users SKIP LOCKED);
      -- Of whoever was erased there is none. Their sessions and factors are gone, as all that was theirs; were one left, it goes now.
      DELETE FROM public.sessions USING public.users WHERE sessions.id = ANY (batch) AND users.id = user_id AND users.account_id IS NULL;
      UPDATE public.sessions SET account_id = users.account_id FROM public.users WHERE sessions.id = ANY (batch) AND users.id = user_id;
      INSERT INTO public.session_users (session_id, user_id, tenant_id, ip, last_used_at, revoked_at, revoked_reason, created_at)
      SELECT id, user_id, tenant_id, ip, last_used_at, revoked_at, revoked_reason, created_at FROM public.sessions WHERE id = ANY (batch)
      ON CONFLICT (session_id, user_id) DO NOTHING;
      done := coalesce(batch[cardinality(batch)], start);
      COMMIT;
      IF done = start THEN
        PERFORM set_config('tenantry.scope', 'platform', true);
        EXIT WHEN NOT EXISTS (SELECT FROM public.sessions WHERE account_id IS NULL);
        PERFORM pg_sleep(0.1);
      END IF;
    END LOOP;
    FOREACH factor IN ARRAY ARRAY['totp_factors', 'recovery_codes', 'passkeys'] LOOP
      done := start;
      LOOP
        PERFORM set_config('tenantry.scope', 'platform', true);
        EXECUTE format('SELECT ARRAY (SELECT id FROM public.%I WHERE id > $1 AND account_id IS NULL
          ORDER BY id LIMIT 250 FOR NO KEY UPDATE SKIP LOCKED)', factor) INTO batch USING done;
        EXECUTE format('DELETE FROM public.%1$I USING public.users
          WHERE %1$I.id = ANY ($1) AND users.id = user_id AND users.account_id IS NULL', factor) USING batch;
        EXECUTE format('UPDATE public.%1$I SET account_id = users.account_id FROM public.users
          WHERE %1$I.id = ANY ($1) AND users.id = user_id', factor) USING batch;
        done := coalesce(batch[cardinality(batch)], start);
        COMMIT;
        IF done = start THEN
          PERFORM set_config('tenantry.scope', 'platform', true);
          EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE account_id IS NULL)', factor) INTO is_left;
          EXIT WHEN NOT is_left;
          PERFORM pg_sleep(0.1);
        END IF;
      END LOOP;
    END LOOP;
    COMMIT;
    EXIT WHEN round = 2;
    -- What is there already the migration after the indexes looks at (NOT VALID): these locks are for a moment.
    PERFORM set_config('lock_timeout', '500ms', true);
    <<locking>>
    FOR attempt IN 1..100 LOOP
      BEGIN
        LOCK TABLE public.users, public.sessions, public.totp_factors, public.recovery_codes, public.passkeys IN ACCESS EXCLUSIVE MODE;
        EXIT locking;
      EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        IF attempt = 100 THEN RAISE; END IF;
        PERFORM pg_sleep(0.2);
      END;
    END LOOP;
    ALTER TABLE public.users DROP CONSTRAINT IF EXISTS users_account_id_fkey,
      ADD CONSTRAINT users_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE RESTRICT NOT VALID;
    ALTER TABLE public.sessions DROP CONSTRAINT IF EXISTS sessions_account_check, DROP CONSTRAINT IF EXISTS sessions_account_id_fkey,
      ADD CONSTRAINT sessions_account_check CHECK (account_id IS NOT NULL) NOT VALID,
      ADD CONSTRAINT sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
    ALTER TABLE public.totp_factors DROP CONSTRAINT IF EXISTS totp_factors_account_check, DROP CONSTRAINT IF EXISTS totp_factors_account_id_fkey,
      ADD CONSTRAINT totp_factors_account_check CHECK (account_id IS NOT NULL) NOT VALID,
      ADD CONSTRAINT totp_factors_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
    ALTER TABLE public.recovery_codes DROP CONSTRAINT IF EXISTS recovery_codes_account_check, DROP CONSTRAINT IF EXISTS recovery_codes_account_id_fkey,
      ADD CONSTRAINT recovery_codes_account_check CHECK (account_id IS NOT NULL) NOT VALID,
      ADD CONSTRAINT recovery_codes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
    ALTER TABLE public.passkeys DROP CONSTRAINT IF EXISTS passkeys_account_check, DROP CONSTRAINT IF EXISTS passkeys_account_id_fkey,
      ADD CONSTRAINT passkeys_account_check CHECK (account_id IS NOT NULL) NOT VALID,
      ADD CONSTRAINT passkeys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
    COMMIT;
  END LOOP;
END
$$;
