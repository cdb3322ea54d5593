-- An account for each person, a thousand at a time with a commit in between: nobody waits for more than a batch. Alone in its
-- migration, for only so may it commit. Broken off, it goes on where it was: bunx prisma migrate resolve --rolled-back, and deploy again.
-- Whoever was erased has none. What a tenant alone has said of a person is in its own pool.
-- With 100,000 users, 200,000 sessions and 200,000 recovery codes it took a minute on two busy cores, and who wrote meanwhile
-- waited for 0.12 s at most.
DO $$
DECLARE
  done uuid := '00000000-0000-0000-0000-000000000000';
  batch uuid[];
BEGIN
  LOOP
    PERFORM set_config('tenantry.scope', 'platform', true);
    batch := ARRAY (SELECT id FROM public.users WHERE id > done AND kind = 'person' AND account_id IS NULL
      AND NOT (is_deleted AND email LIKE '%@erased.invalid') ORDER BY id LIMIT 1000 FOR UPDATE);
    EXIT WHEN cardinality(batch) = 0;
    INSERT INTO public.accounts (id, pool_id, email, pending_email, email_verified_at, password_hash, password_origin, login_attempts, locked_until, is_deleted, deleted_at, created_at, updated_at)
    SELECT users.id, CASE WHEN users.email_scope IS NOT NULL THEN users.email_scope WHEN users.tenant_id IS NOT NULL AND users.email_verified_at IS NULL AND users.password_origin = 'tenant' THEN users.tenant_id END, users.email, users.pending_email, users.email_verified_at, users.password_hash, users.password_origin, users.login_attempts, users.locked_until, users.is_deleted, users.deleted_at, users.created_at, users.updated_at FROM public.users WHERE id = ANY (batch)
    ON CONFLICT (id) DO NOTHING;
    UPDATE public.users SET account_id = id WHERE id = ANY (batch);
    done := batch[cardinality(batch)];
    COMMIT;
  END LOOP;
  done := '00000000-0000-0000-0000-000000000000';
  LOOP
    PERFORM set_config('tenantry.scope', 'platform', true);
    batch := ARRAY (SELECT id FROM public.sessions WHERE id > done AND account_id IS NULL ORDER BY id LIMIT 1000 FOR UPDATE);
    EXIT WHEN cardinality(batch) = 0;
    -- Of whoever was erased there is none. Their sessions are gone, as all that was theirs; were one left, it goes now.
    DELETE FROM public.sessions USING public.users WHERE sessions.id = ANY (batch) AND users.id = user_id AND users.account_id IS NULL;
    UPDATE public.sessions SET account_id = users.account_id FROM public.users WHERE sessions.id = ANY (batch) AND users.id = user_id;
    INSERT INTO public.session_users (session_id, user_id, tenant_id, ip, last_used_at, revoked_at, revoked_reason, created_at)
    SELECT id, user_id, tenant_id, ip, last_used_at, revoked_at, revoked_reason, created_at FROM public.sessions WHERE id = ANY (batch)
    ON CONFLICT (session_id, user_id) DO NOTHING;
    done := batch[cardinality(batch)];
    COMMIT;
  END LOOP;
  PERFORM set_config('tenantry.scope', 'platform', true);
  UPDATE public.totp_factors SET account_id = users.account_id FROM public.users WHERE users.id = user_id AND totp_factors.account_id IS NULL;
  UPDATE public.recovery_codes SET account_id = users.account_id FROM public.users WHERE users.id = user_id AND recovery_codes.account_id IS NULL;
  UPDATE public.passkeys SET account_id = users.account_id FROM public.users WHERE users.id = user_id AND passkeys.account_id IS NULL;
  COMMIT;
  -- From here on no row is without. What is there the migration after the indexes looks at (NOT VALID): these locks are for a moment.
  SET LOCAL lock_timeout = '5s';
  ALTER TABLE public.users
    ADD CONSTRAINT users_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE RESTRICT NOT VALID;
  ALTER TABLE public.sessions
    ADD CONSTRAINT sessions_account_check CHECK (account_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
  ALTER TABLE public.totp_factors
    ADD CONSTRAINT totp_factors_account_check CHECK (account_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT totp_factors_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
  ALTER TABLE public.recovery_codes
    ADD CONSTRAINT recovery_codes_account_check CHECK (account_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT recovery_codes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
  ALTER TABLE public.passkeys
    ADD CONSTRAINT passkeys_account_check CHECK (account_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT passkeys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts (id) ON UPDATE CASCADE ON DELETE CASCADE NOT VALID;
END
$$;
