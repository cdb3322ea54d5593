-- Users: the e-mail rules, the soft delete, and what is copied from their accounts.
ALTER TABLE users
  ADD CONSTRAINT users_soft_delete_check CHECK (is_deleted = (deleted_at IS NOT NULL)),
  ADD CONSTRAINT users_email_lower_check CHECK (email = lower(email)),
  -- What an address looks like is said in src/fields.ts. This is the same pattern, to the letter, as often as there are columns.
  -- Labels that end with a hyphen or are longer than 63 the server refuses alone: rows of before may have such, and must stay.
  ADD CONSTRAINT users_email_format_check CHECK (char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$'),
  ADD CONSTRAINT users_pending_email_lower_check CHECK (pending_email = lower(pending_email)),
  ADD CONSTRAINT users_pending_email_format_check CHECK (char_length(pending_email) <= 254 AND position('@' IN pending_email) <= 65
    AND pending_email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$'),
  -- Whoever is there logs in with an account; a machine never does.
  ADD CONSTRAINT users_account_check CHECK (CASE kind WHEN 'service' THEN account_id IS NULL ELSE account_id IS NOT NULL OR is_deleted END),
  ADD CONSTRAINT users_first_name_check CHECK (btrim(first_name) <> ''),
  ADD CONSTRAINT users_last_name_check CHECK (btrim(last_name) <> ''),
  ADD CONSTRAINT users_version_check CHECK (version > 0);

-- A log-in writes down when it was. Where the page has room for that, none of the indexes is written to.
ALTER TABLE users SET (fillfactor = 85);

-- In a tenant an address stands once, and an account too.
CREATE UNIQUE INDEX users_tenant_email ON users (tenant_id, email) NULLS NOT DISTINCT WHERE NOT is_deleted;
CREATE UNIQUE INDEX users_one_membership ON users (account_id, tenant_id) NULLS NOT DISTINCT WHERE NOT is_deleted AND account_id IS NOT NULL;

-- Which of the addresses somebody in the tenant has, or of the platform. By the address first: of a table that grows and was not
-- analysed yet PostgreSQL knows nothing, and by `=` it may read the whole tenant, or the table, for each user that is made.
CREATE FUNCTION taken_addresses(tenant uuid, addresses text[]) RETURNS text[] LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT email FROM public.users WHERE email = ANY (addresses) AND NOT is_deleted AND tenant_id IS NOT DISTINCT FROM tenant);
END
$$;

-- Keyset pages of a tenant, one index a sort order.
CREATE INDEX users_live_created ON users (tenant_id, created_at, id) WHERE NOT is_deleted;
CREATE INDEX users_live_address ON users (tenant_id, email, id) WHERE NOT is_deleted;
CREATE INDEX users_live_name ON users (tenant_id, last_name, id) WHERE NOT is_deleted;

-- The same pages across tenants, for platform accounts.
CREATE INDEX users_live_platform_created ON users (created_at, id) WHERE NOT is_deleted;
CREATE INDEX users_live_platform_address ON users (email, id) WHERE NOT is_deleted;
CREATE INDEX users_live_platform_name ON users (last_name, id) WHERE NOT is_deleted;

-- What was deleted, to be restored.
CREATE INDEX users_deleted_created ON users (tenant_id, created_at, id) WHERE is_deleted;

-- The search looks at one text a user, folded when it is written: an index on three columns and a call of unaccent at
-- each comparison would be slower, and unaccent may not stand in an index.
CREATE FUNCTION fold_user_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.search_text := lower(public.unaccent('public.unaccent', concat_ws(' ', NEW.email, NEW.first_name, NEW.last_name)));
  RETURN NEW;
END
$$;

-- With a user who comes back, or has another account, comes what that is called by now: users_copy_account is before this one.
CREATE TRIGGER users_fold_search BEFORE INSERT OR UPDATE OF email, first_name, last_name, account_id, is_deleted ON users
  FOR EACH ROW EXECUTE FUNCTION fold_user_search();

-- What stands in two places is written in one. The functions see the rows of all tenants: an account has users in several,
-- and whoever changes it is in one of them.
CREATE FUNCTION copy_from_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  SELECT email, pending_email, email_verified_at INTO NEW.email, NEW.pending_email, NEW.email_verified_at
  FROM public.accounts WHERE id = NEW.account_id AND NOT is_deleted
  UNION ALL SELECT NEW.email, NEW.pending_email, NEW.email_verified_at LIMIT 1;
  -- To a tenant it is proved from when the tenant knows them: an earlier time would tell of an account elsewhere.
  IF NEW.email_verified_at < now() - interval '1 second' AND (TG_OP = 'INSERT' OR OLD.account_id IS DISTINCT FROM NEW.account_id) THEN
    NEW.email_verified_at := now();
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NEW;
END
$$;
CREATE TRIGGER users_copy_account BEFORE INSERT OR UPDATE OF account_id, is_deleted ON users
  FOR EACH ROW WHEN (NEW.account_id IS NOT NULL AND NOT NEW.is_deleted) EXECUTE FUNCTION copy_from_account();

CREATE FUNCTION copy_to_users() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  -- Whoever has proved an address is the person whom a tenant has added by it: what it has said of them gives way.
  IF NEW.email <> OLD.email AND NEW.pool_id IS NULL THEN
    UPDATE public.users AS said SET is_deleted = true, deleted_at = now(), updated_at = now(), version = said.version + 1
    FROM public.users AS own
    WHERE own.account_id = NEW.id AND NOT own.is_deleted AND said.tenant_id = own.tenant_id AND said.email = NEW.email
      AND said.account_id <> NEW.id AND NOT said.is_deleted;
  END IF;
  -- An ETag is made of the version.
  UPDATE public.users SET email = NEW.email, pending_email = NEW.pending_email,
    email_verified_at = CASE WHEN (NEW.email_verified_at, NEW.email) IS DISTINCT FROM (OLD.email_verified_at, OLD.email)
      THEN NEW.email_verified_at ELSE users.email_verified_at END,
    version = version + (NEW.email <> OLD.email)::int
  WHERE account_id = NEW.id AND NOT is_deleted;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER accounts_copy_to_users AFTER UPDATE OF email, pending_email, email_verified_at ON accounts
  FOR EACH ROW WHEN (NOT NEW.is_deleted AND (OLD.email, OLD.pending_email, OLD.email_verified_at)
    IS DISTINCT FROM (NEW.email, NEW.pending_email, NEW.email_verified_at))
  EXECUTE FUNCTION copy_to_users();

-- An account keeps its address while its person has a place to work in: of the platform, or of a tenant that is not deleted. To
-- be asked in the platform's scope.
CREATE FUNCTION keeps_address(account uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM public.users LEFT JOIN public.tenants ON tenants.id = users.tenant_id
    WHERE users.account_id = account AND NOT users.is_deleted AND (users.tenant_id IS NULL OR NOT tenants.is_deleted))
$$;

-- An account is there while a tenant has a live user of it. With the last one it is deleted, and its address free; when one
-- comes back, so does it. Without any user at all, it goes for good.
CREATE FUNCTION follow_users() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  followed uuid;
BEGIN
  -- Of an account that was exchanged for another one, both.
  FOR followed IN SELECT DISTINCT id FROM unnest(ARRAY[OLD.account_id, CASE TG_OP WHEN 'UPDATE' THEN NEW.account_id END]) AS id
    WHERE id IS NOT NULL
  LOOP
    -- Of two users who are deleted at once each would see the other. Not by the account's row, for which log-ins wait.
    PERFORM pg_advisory_xact_lock(730209, hashtext(followed::text));
    IF EXISTS (SELECT FROM public.users WHERE account_id = followed AND NOT is_deleted) THEN
      -- One that was set aside stays so until its tenant comes back.
      UPDATE public.accounts SET is_deleted = false, deleted_at = NULL WHERE id = followed AND is_deleted AND public.keeps_address(id);
    ELSIF EXISTS (SELECT FROM public.users WHERE account_id = followed) THEN
      UPDATE public.accounts SET is_deleted = true, deleted_at = now(), pending_email = NULL WHERE id = followed AND NOT is_deleted;
    ELSE
      DELETE FROM public.accounts WHERE id = followed;
    END IF;
  END LOOP;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER users_account_follows AFTER UPDATE OF is_deleted, account_id ON users
  FOR EACH ROW WHEN (OLD.is_deleted <> NEW.is_deleted OR OLD.account_id IS DISTINCT FROM NEW.account_id)
  EXECUTE FUNCTION follow_users();
CREATE TRIGGER users_account_goes AFTER DELETE ON users
  FOR EACH ROW WHEN (OLD.account_id IS NOT NULL) EXECUTE FUNCTION follow_users();

-- Whoever takes an address in the shared pool sets an account aside that has it and no right to it any more: its tenants are
-- deleted. A person would else be kept out for the whole time of grace. When the tenants are deleted nothing is written: they
-- may have a million people.
CREATE FUNCTION set_account_aside() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  holder uuid;
BEGIN
  SELECT id INTO holder FROM public.accounts WHERE email = NEW.email AND pool_id IS NULL AND NOT is_deleted AND id <> NEW.id;
  IF FOUND AND NOT public.keeps_address(holder) THEN
    -- The tenant before the account. Of one that is just being restored the end is waited for.
    PERFORM FROM public.tenants
    WHERE id IN (SELECT tenant_id FROM public.users WHERE account_id = holder AND NOT is_deleted) ORDER BY id FOR SHARE;
    -- A statement of its own after the lock: it sees who got the account a user meanwhile.
    PERFORM FROM public.accounts WHERE id = holder FOR UPDATE;
    UPDATE public.accounts SET is_deleted = true, deleted_at = now(), pending_email = NULL
    WHERE id = holder AND NOT is_deleted AND NOT public.keeps_address(id);
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN NEW;
END
$$;
CREATE TRIGGER accounts_set_aside BEFORE INSERT OR UPDATE OF email, pool_id, is_deleted ON accounts
  FOR EACH ROW WHEN (NEW.pool_id IS NULL AND NOT NEW.is_deleted) EXECUTE FUNCTION set_account_aside();

-- Makes an account of a tenant's own pool everybody's, once its person has proved the address. Where they have one there
-- already, the tenant's user becomes one of that: both are of whoever reads the mail. One that nobody has proved gives way.
-- Answers the id of the account that stays.
CREATE FUNCTION settle_account(settled uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  own public.accounts;
  other public.accounts;
BEGIN
  SELECT * INTO STRICT own FROM public.accounts WHERE id = settled FOR UPDATE;
  LOOP
    SELECT * INTO other FROM public.accounts WHERE email = own.email AND pool_id IS NULL AND NOT is_deleted AND id <> settled FOR UPDATE;
    IF other.email_verified_at IS NOT NULL THEN
      UPDATE public.users SET account_id = other.id WHERE account_id = settled;
      PERFORM public.change_scope(scope_before);
      RETURN other.id;
    END IF;
    -- Whoever has set that one up need not be the person: nothing of it stays but who it is in which tenant.
    UPDATE public.api_keys SET revoked_at = now()
    WHERE revoked_at IS NULL AND user_id IN (SELECT id FROM public.users WHERE account_id = other.id);
    BEGIN
      UPDATE public.accounts SET is_deleted = true, deleted_at = now(), pending_email = NULL WHERE id = other.id;
      UPDATE public.accounts SET pool_id = NULL WHERE id = settled;
      UPDATE public.users SET account_id = settled WHERE account_id = other.id;
      PERFORM public.change_scope(scope_before);
      RETURN settled;
    EXCEPTION WHEN unique_violation THEN
      -- Somebody has taken the address meanwhile: look again.
    END;
  END LOOP;
END
$$;

-- Gives a user an account in the pool of their tenant in place of a shared one that is gone. It has no credentials: the person
-- there need not be the one of before.
CREATE FUNCTION give_account_in_pool(of_user uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  made uuid := public.new_id();
BEGIN
  INSERT INTO public.accounts (id, pool_id, email)
  SELECT made, users.tenant_id, accounts.email FROM public.users JOIN public.accounts ON accounts.id = users.account_id
  WHERE users.id = of_user;
  UPDATE public.users SET account_id = made WHERE id = of_user;
END
$$;

-- Makes room for a deleted user of a shared account that comes back, where somebody else has its address by now, or its person has
-- ended it. Answers whether that was so.
CREATE FUNCTION make_room_for_user(back uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  moved boolean;
BEGIN
  PERFORM FROM public.users JOIN public.accounts ON accounts.id = users.account_id
  WHERE users.id = back AND users.is_deleted AND users.tenant_id IS NOT NULL AND accounts.is_deleted AND accounts.pool_id IS NULL
    AND (accounts.ended_at IS NOT NULL OR EXISTS (SELECT FROM public.accounts AS other
      WHERE other.email = accounts.email AND other.pool_id IS NULL AND NOT other.is_deleted
        AND public.keeps_address(other.id)));
  moved := FOUND;
  IF moved THEN
    PERFORM public.give_account_in_pool(back);
  END IF;
  PERFORM public.change_scope(scope_before);
  RETURN moved;
END
$$;

-- A tenant that is restored finds its people: an account that was set aside comes back, unless somebody has its address by now.
-- Whoever that is joins with what they have there once they prove the address, as whomever a tenant has added.
CREATE FUNCTION bring_accounts_back() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  back record;
BEGIN
  FOR back IN SELECT users.id, users.account_id FROM public.users JOIN public.accounts ON accounts.id = users.account_id
    WHERE users.tenant_id = NEW.id AND NOT users.is_deleted AND accounts.is_deleted ORDER BY accounts.id FOR UPDATE OF accounts
  LOOP
    BEGIN
      UPDATE public.accounts SET is_deleted = false, deleted_at = NULL WHERE id = back.account_id;
    EXCEPTION WHEN unique_violation THEN
      PERFORM public.give_account_in_pool(back.id);
    END;
  END LOOP;
  PERFORM public.change_scope(scope_before);
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_bring_accounts_back AFTER UPDATE OF is_deleted ON tenants
  FOR EACH ROW WHEN (OLD.is_deleted AND NOT NEW.is_deleted) EXECUTE FUNCTION bring_accounts_back();

-- Locks the account of a user, which everybody does before the user's own row, and answers which one it is then: for the platform,
-- for its person, and for the tenant in which alone it has users, so that it ends with its user there. Of one that others
-- share too it locks nothing: the long transaction of one tenant must keep nobody out of another.
CREATE FUNCTION lock_account(of_user uuid, tenant uuid, OUT locked_id uuid, OUT locked_pool uuid)
LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
BEGIN
  LOOP
    SELECT accounts.id, accounts.pool_id INTO locked_id, locked_pool
    FROM public.users JOIN public.accounts ON accounts.id = users.account_id WHERE users.id = of_user;
    EXIT WHEN locked_id IS NULL OR tenant IS NOT NULL AND locked_id::text <> coalesce(current_setting('tenantry.account', true), '')
      AND EXISTS (SELECT FROM public.users
        WHERE users.account_id = locked_id AND users.tenant_id IS DISTINCT FROM tenant AND NOT users.is_deleted);
    SELECT accounts.pool_id INTO locked_pool FROM public.accounts WHERE accounts.id = locked_id FOR UPDATE;
    -- By now the user may be one of another account.
    EXIT WHEN EXISTS (SELECT FROM public.users WHERE users.id = of_user AND users.account_id = locked_id);
  END LOOP;
  PERFORM public.change_scope(scope_before);
END
$$;
