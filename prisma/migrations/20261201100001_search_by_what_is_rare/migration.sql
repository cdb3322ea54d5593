-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Drop function public.find_users(text[], integer)
DROP FUNCTION public.find_users(text[], integer);

-- Change function public.search_users(text[], uuid, text, boolean, boolean, text, uuid, integer)
CREATE OR REPLACE FUNCTION public.search_users(patterns text[], tenant uuid, sort text, descending boolean, nulls boolean, after text, after_id uuid, take integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE ROWS 20
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$;

-- Add function public.find_users(text[], integer, text[])
CREATE OR REPLACE FUNCTION public.find_users(patterns text[], most integer, sample text[] DEFAULT '{}'::text[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

-- Add function public.rarest_pieces(text[], text[])
CREATE OR REPLACE FUNCTION public.rarest_pieces(patterns text[], sample text[])
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
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
$function$;

-- Drop grant on function public.find_users(text[], integer, text[]) to PUBLIC
REVOKE EXECUTE ON FUNCTION public.find_users(text[], integer, text[]) FROM PUBLIC;

-- Add grant on function public.find_users(text[], integer, text[]) to tenantry_app
GRANT EXECUTE ON FUNCTION public.find_users(text[], integer, text[]) TO tenantry_app;
