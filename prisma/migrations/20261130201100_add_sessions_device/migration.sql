-- By which a client is known again. A column without a default is there in a moment, once nobody holds a lock.
SET LOCAL lock_timeout = '500ms';
DO $$
BEGIN
  FOR attempt IN 1..100 LOOP
    BEGIN
      LOCK TABLE public.sessions IN ACCESS EXCLUSIVE MODE;
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      PERFORM pg_sleep(0.2);
    END;
  END LOOP;
  RAISE EXCEPTION 'no moment without somebody who holds a lock' USING ERRCODE = 'lock_not_available';
END
$$;

ALTER TABLE sessions ADD COLUMN device_id uuid;
