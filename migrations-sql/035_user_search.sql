-- What the search looks through. Below a policy PostgreSQL asks an index for leakproof operators alone, which LIKE is not. So the
-- text stands here a second time, where no policy holds the owner: nobody else may read the table, and find_users is the one way to it.
-- Live people alone have a row. A blank comes first, so that every word has one before it.
ALTER TABLE user_search ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_search ADD CONSTRAINT user_search_text_check CHECK (starts_with(text, ' '));

-- Each row fulfils the condition. Prisma passes over an index that has one; this one it could not declare. What is new goes
-- into the index at once: put off, which is the default, every search reads all of it, some thousand users, until a VACUUM.
CREATE INDEX user_search_text ON user_search USING gin (tenant_id, text gin_trgm_ops) WITH (fastupdate = off) WHERE text IS NOT NULL;

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

-- A backup of the rows alone brings the people, for whom the triggers above have made these rows, and then these rows.
CREATE FUNCTION replace_user_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM public.user_search WHERE user_id = NEW.user_id;
  RETURN NEW;
END
$$;
CREATE TRIGGER user_search_replaced BEFORE INSERT ON user_search
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION replace_user_search();

-- Of each pattern what the index is asked for: three pieces of three letters or digits, those that fewest of `sample` have. For
-- everybody who has the rarest piece the index looks into the lists of all the others, of which those that many have are long.
CREATE FUNCTION rarest_pieces(patterns text[], sample text[]) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  pattern text;
  word text;
  piece integer;
  last integer;
  asked text;
  rarest text[] := '{}';
BEGIN
  FOREACH pattern IN ARRAY patterns LOOP
    word := CASE WHEN pattern ~ '^%.+%$' THEN substr(pattern, 2, length(pattern) - 2) ELSE '' END;
    asked := '';
    last := 0;
    FOR piece IN
      SELECT at FROM (
        SELECT at, times, row_number() OVER (ORDER BY times, at) AS place
        FROM generate_series(1, length(word) - 2) AS at, LATERAL (
          SELECT count(*) AS times FROM unnest(sample) AS text WHERE strpos(text, substr(word, at, 3)) > 0) AS counted
        WHERE substr(word, at, 3) ~ '^[[:alnum:]]{3}$') AS pieces
      WHERE place = 1 OR place <= 3 AND times * 2 <= cardinality(sample) ORDER BY at
    LOOP
      asked := asked || CASE WHEN piece > last + 1 THEN '%' || substr(word, piece, 3) ELSE substr(word, last + 1, piece + 2 - last) END;
      last := piece + 2;
    END LOOP;
    rarest := rarest || CASE asked WHEN '' THEN pattern ELSE '%' || ltrim(asked, '%') || '%' END;
  END LOOP;
  RETURN rarest;
END
$$;

-- The live people of the scope whose text fits all patterns, in no order and no more than `most`. It takes the tenant from nobody but
-- the setting, which in_scope reads too, and answers ids alone. What is no tenant's id has no rows, as there. `sample`: texts of some
-- of them, by which the index is asked for what is rare.
CREATE FUNCTION find_users(patterns text[], most integer, sample text[] DEFAULT '{}') RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  scope CONSTANT text := coalesce(current_setting('tenantry.scope', true), '');
  rarest CONSTANT text[] := public.rarest_pieces(patterns, sample);
  fits text;
BEGIN
  IF scope <> 'platform' AND scope !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    RETURN;
  END IF;
  -- One condition each, and planned with its values: of LIKE ALL the index knows nothing, and of a frequent text too little. The
  -- whole pattern is compared with an expression, of which the index knows nothing.
  SELECT coalesce(string_agg(format('text LIKE $4[%s] AND text || '''' LIKE $2[%s]', n, n), ' AND '), 'true') INTO fits
  FROM generate_subscripts(patterns, 1) AS n;
  RETURN QUERY EXECUTE format('SELECT user_id FROM public.user_search WHERE %s AND %s LIMIT $3',
    CASE scope WHEN 'platform' THEN 'true' ELSE 'tenant_id = $1::uuid' END, fits)
    USING scope, patterns, most, rarest;
END
$$;

-- One page of a search: the ids of those users of the scope that fit all patterns, in the order of the list. `nulls`: only those without
-- a value to sort by, or only those with one. `after`: what follows that id, and that value.
-- First some steps along the index of the list: what many fit fills the page there. Else by the index on trigrams. What even then more
-- fit than are worth sorting is found by walking on. Rows are seen with the eyes of whoever asks.
-- PostgreSQL would sort a large tenant among small ones rather than walk its index: it plans for one of middling size. The newest of a
-- tenant are asked for most: that is no text that is put together, and planned once a connection.
CREATE FUNCTION search_users(patterns text[], tenant uuid, sort text, descending boolean, nulls boolean, after text, after_id uuid, take integer)
RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 20
SET enable_sort = off SET enable_incremental_sort = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  worth_sorting CONSTANT integer := 1000;
  sampled CONSTANT integer := 50;
  steps integer := 200;
  is_newest CONSTANT boolean := tenant IS NOT NULL AND sort = 'createdAt' AND descending AND nulls IS NULL AND after_id IS NULL;
  direction CONSTANT text := CASE WHEN descending THEN 'DESC' ELSE 'ASC' END;
  beyond CONSTANT text := CASE WHEN descending THEN '<' ELSE '>' END;
  sorted_by text;
  part text;
  walk text;
  ids uuid[];
  walked bigint;
  sample text[];
BEGIN
  sorted_by := CASE sort WHEN 'createdAt' THEN 'created_at' WHEN 'email' THEN 'email' WHEN 'lastName' THEN 'last_name' END;
  part := concat_ws(' AND ', 'NOT is_deleted',
    CASE WHEN tenant IS NOT NULL THEN 'tenant_id = $2' END,
    CASE WHEN nulls THEN sorted_by || ' IS NULL' WHEN NOT nulls THEN sorted_by || ' IS NOT NULL' END,
    CASE WHEN after IS NOT NULL THEN format('(%s, id) %s ($3::%s, $4)', sorted_by, beyond, CASE sorted_by WHEN 'created_at' THEN 'timestamptz' ELSE 'text' END)
      WHEN after_id IS NOT NULL THEN format('id %s $4', beyond) END);
  walk := format('SELECT id, search_text, kind = ''person'' AND '' '' || search_text LIKE ALL ($1) AS fits FROM public.users WHERE %s
    ORDER BY %s %s, id %s', part, sorted_by, direction, direction);

  LOOP
    IF is_newest THEN
      SELECT coalesce(array_agg(id) FILTER (WHERE fits), '{}'), count(*), array_agg(search_text) INTO ids, walked, sample FROM (
        SELECT id, search_text, kind = 'person' AND ' ' || search_text LIKE ALL (patterns) AS fits FROM public.users
        WHERE NOT is_deleted AND tenant_id = tenant ORDER BY created_at DESC, id DESC LIMIT steps) AS walk;
    ELSE
      EXECUTE format('SELECT coalesce(array_agg(id) FILTER (WHERE fits), ''{}''), count(*), array_agg(search_text) FROM (%s LIMIT %s) AS walk', walk, steps)
        INTO ids, walked, sample USING patterns, tenant, after, after_id;
    END IF;
    IF walked < steps OR cardinality(ids) >= take THEN
      RETURN QUERY SELECT unnest(ids[1:take]);
      RETURN;
    END IF;
    -- Once more, and farther, where the page ought to be full soon.
    EXIT WHEN steps > 200 OR cardinality(ids) * 10 < take;
    steps := 2 * steps * take / cardinality(ids);
  END LOOP;

  ids := ARRAY (SELECT public.find_users(patterns, worth_sorting + 1, sample[1:sampled]));
  IF cardinality(ids) > worth_sorting THEN
    RETURN QUERY EXECUTE format('SELECT id FROM (%s OFFSET 0) AS walk WHERE fits LIMIT $5', walk)
      USING patterns, tenant, after, after_id, take;
  ELSIF is_newest THEN
    RETURN QUERY WITH fitting AS MATERIALIZED (
        SELECT users.id, created_at FROM unnest(ids) AS found_id JOIN public.users ON users.id = found_id
        WHERE kind = 'person' AND ' ' || search_text LIKE ALL (patterns) AND NOT is_deleted AND tenant_id = tenant)
      SELECT id FROM fitting ORDER BY created_at DESC, id DESC LIMIT take;
  ELSE
    RETURN QUERY EXECUTE format('WITH found AS MATERIALIZED (
        SELECT users.id, %1$s FROM unnest($5) AS found JOIN public.users ON users.id = found
        WHERE kind = ''person'' AND '' '' || search_text LIKE ALL ($1) AND %2$s)
      SELECT id FROM found ORDER BY %1$s %3$s, id %3$s LIMIT $6', sorted_by, part, direction)
      USING patterns, tenant, after, after_id, ids, take;
  END IF;
END
$$;
