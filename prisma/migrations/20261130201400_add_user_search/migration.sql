-- The text that the search looks through, where an index may answer for it. The table is empty, triggers keep it from now on, and the
-- next migration fills it. Who does not get the lock in five seconds lets the others go on: deploy again.
SET LOCAL lock_timeout = '5s';
-- Alone it would wait behind who is writing, with a lock that the next ones wait for; so all at once.
LOCK TABLE public.users IN SHARE ROW EXCLUSIVE MODE;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

CREATE TABLE user_search (
  user_id uuid NOT NULL,
  tenant_id uuid,
  text text NOT NULL,
  CONSTRAINT user_search_pkey PRIMARY KEY (user_id)
);
ALTER TABLE user_search ADD CONSTRAINT user_search_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE;
-- Without a policy: nobody but the owner reads it, whatever is granted one day.
ALTER TABLE user_search ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_search ADD CONSTRAINT user_search_text_check CHECK (starts_with(text, ' ')) NOT VALID;

CREATE FUNCTION keep_user_search() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.is_deleted THEN
    DELETE FROM public.user_search WHERE user_id = NEW.id;
  ELSE
    INSERT INTO public.user_search (user_id, tenant_id, text) VALUES (NEW.id, NEW.tenant_id, ' ' || NEW.search_text)
    ON CONFLICT (user_id) DO UPDATE SET tenant_id = excluded.tenant_id, text = excluded.text;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER users_enter_search AFTER INSERT ON users
  FOR EACH ROW WHEN (NEW.kind = 'person' AND NOT NEW.is_deleted) EXECUTE FUNCTION keep_user_search();
CREATE TRIGGER users_change_search AFTER UPDATE ON users
  FOR EACH ROW WHEN (NEW.kind = 'person' AND (OLD.search_text, OLD.tenant_id, OLD.is_deleted)
    IS DISTINCT FROM (NEW.search_text, NEW.tenant_id, NEW.is_deleted))
  EXECUTE FUNCTION keep_user_search();
