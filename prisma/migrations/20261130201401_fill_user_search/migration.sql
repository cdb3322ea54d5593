-- A row for each live person, 1000 at a time with a commit in between. Rows that somebody holds are left for the next round: so
-- nobody waits for more than a batch, and it waits for nobody; who changes one writes it themselves, by the trigger. Alone in its
-- migration, for only so may it commit. Broken off, it goes on where it was: bunx prisma migrate resolve --rolled-back, and deploy again.
DO $$
DECLARE
  start CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  done uuid := start;
  batch uuid[];
BEGIN
  LOOP
    PERFORM set_config('tenantry.scope', 'platform', true);
    batch := ARRAY (SELECT id FROM public.users WHERE id > done AND kind = 'person' AND NOT is_deleted
        AND NOT EXISTS (SELECT FROM public.user_search WHERE user_id = users.id)
      ORDER BY id LIMIT 1000 FOR SHARE OF users SKIP LOCKED);
    INSERT INTO public.user_search (user_id, tenant_id, text)
    SELECT id, tenant_id, ' ' || search_text FROM public.users WHERE id = ANY (batch) AND NOT is_deleted
    ON CONFLICT (user_id) DO NOTHING;
    done := coalesce(batch[cardinality(batch)], start);
    COMMIT;
    IF done = start THEN
      PERFORM set_config('tenantry.scope', 'platform', true);
      EXIT WHEN NOT EXISTS (SELECT FROM public.users WHERE kind = 'person' AND NOT is_deleted
        AND NOT EXISTS (SELECT FROM public.user_search WHERE user_id = users.id));
      PERFORM pg_sleep(0.1);
    END IF;
  END LOOP;
  ALTER TABLE public.user_search VALIDATE CONSTRAINT user_search_text_check;
  ANALYZE public.user_search;
END
$$;
