-- Users: the e-mail rules, the soft delete and the log-in counters.
ALTER TABLE users
  ADD CONSTRAINT users_soft_delete_check CHECK (is_deleted = (deleted_at IS NOT NULL)),
  ADD CONSTRAINT users_email_lower_check CHECK (email = lower(email)),
  -- What an address looks like is said in src/fields.ts. This is the same pattern, to the letter, as often as there are columns.
  -- Labels that end with a hyphen or are longer than 63 the server refuses alone: rows of before may have such, and must stay.
  ADD CONSTRAINT users_email_format_check CHECK (char_length(email) <= 254 AND position('@' IN email) <= 65
    AND email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$'),
  -- A new address that waits for its proof: of a person who is there, and another one than they have.
  ADD CONSTRAINT users_pending_email_lower_check CHECK (pending_email = lower(pending_email)),
  ADD CONSTRAINT users_pending_email_format_check CHECK (char_length(pending_email) <= 254 AND position('@' IN pending_email) <= 65
    AND pending_email ~ '^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$'),
  ADD CONSTRAINT users_pending_email_check CHECK (pending_email IS NULL OR (pending_email <> email AND kind = 'person' AND NOT is_deleted)),
  -- An address is scoped to nothing or to the user's own tenant, never to another one.
  ADD CONSTRAINT users_email_scope_check CHECK (email_scope IS NULL OR email_scope IS NOT DISTINCT FROM tenant_id),
  ADD CONSTRAINT users_first_name_check CHECK (btrim(first_name) <> ''),
  ADD CONSTRAINT users_last_name_check CHECK (btrim(last_name) <> ''),
  ADD CONSTRAINT users_login_attempts_check CHECK (login_attempts BETWEEN 0 AND 1000),
  ADD CONSTRAINT users_locked_until_check CHECK (locked_until > created_at),
  ADD CONSTRAINT users_version_check CHECK (version > 0);

-- One account per address and scope among users that are not deleted; NULLS NOT DISTINCT makes the global scope (NULL)
-- one scope, where plain UNIQUE would let every NULL row in.
CREATE UNIQUE INDEX users_live_email ON users (email, email_scope) NULLS NOT DISTINCT WHERE NOT is_deleted;

-- In a tenant an address stands once, whatever its scope: a placeholder (src/users/placeholders.ts) looks like any other user there.
CREATE UNIQUE INDEX users_tenant_email ON users (tenant_id, email) NULLS NOT DISTINCT WHERE NOT is_deleted;

-- Keyset pages of a tenant, one index a sort order.
CREATE INDEX users_live_created ON users (tenant_id, created_at, id) WHERE NOT is_deleted;
CREATE INDEX users_live_address ON users (tenant_id, email, id) WHERE NOT is_deleted;
CREATE INDEX users_live_name ON users (tenant_id, last_name, id) WHERE NOT is_deleted;

-- The same pages across tenants, for platform accounts.
CREATE INDEX users_live_platform_created ON users (created_at, id) WHERE NOT is_deleted;
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

CREATE TRIGGER users_fold_search BEFORE INSERT OR UPDATE OF email, first_name, last_name ON users
  FOR EACH ROW EXECUTE FUNCTION fold_user_search();

CREATE INDEX users_live_search ON users USING gin (search_text gin_trgm_ops) WHERE NOT is_deleted;
