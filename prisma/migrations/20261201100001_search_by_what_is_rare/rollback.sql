-- The bodies of functions may name what comes later.
SET check_function_bodies = off;

-- Drop function public.find_users(text[], integer, text[])
DROP FUNCTION public.find_users(text[], integer, text[]);

-- Drop function public.rarest_pieces(text[], text[])
DROP FUNCTION public.rarest_pieces(text[], text[]);

-- Change function public.search_users(text[], uuid, text, boolean, boolean, text, uuid, integer)
CREATE OR REPLACE FUNCTION public.search_users(patterns text[], tenant uuid, sort text, descending boolean, nulls boolean, after text, after_id uuid, take integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
AS $function$
DECLARE
  worth_sorting CONSTANT integer := 1000;
  steps integer := 200;
  direction CONSTANT text := CASE WHEN descending THEN 'DESC' ELSE 'ASC' END;
  beyond CONSTANT text := CASE WHEN descending THEN '<' ELSE '>' END;
  sorted_by text;
  part text;
  walk text;
  ids uuid[];
  walked bigint;
BEGIN
  sorted_by := CASE sort WHEN 'createdAt' THEN 'created_at' WHEN 'email' THEN 'email' WHEN 'lastName' THEN 'last_name' END;
  part := concat_ws(' AND ', 'NOT is_deleted',
    CASE WHEN tenant IS NOT NULL THEN 'tenant_id = $2' END,
    CASE WHEN nulls THEN sorted_by || ' IS NULL' WHEN NOT nulls THEN sorted_by || ' IS NOT NULL' END,
    CASE WHEN after IS NOT NULL THEN format('(%s, id) %s ($3::%s, $4)', sorted_by, beyond, CASE sorted_by WHEN 'created_at' THEN 'timestamptz' ELSE 'text' END)
      WHEN after_id IS NOT NULL THEN format('id %s $4', beyond) END);
  walk := format('SELECT id, kind = ''person'' AND '' '' || search_text LIKE ALL ($1) AS fits FROM public.users WHERE %s
    ORDER BY %s %s, id %s', part, sorted_by, direction, direction);

  LOOP
    EXECUTE format('SELECT coalesce(array_agg(id) FILTER (WHERE fits), ''{}''), count(*) FROM (%s LIMIT %s) AS walk', walk, steps)
      INTO ids, walked USING patterns, tenant, after, after_id;
    IF walked < steps OR cardinality(ids) >= take THEN
      RETURN QUERY SELECT unnest(ids[1:take]);
      RETURN;
    END IF;
    -- Once more, and farther, where the page ought to be full soon.
    EXIT WHEN steps > 200 OR cardinality(ids) * 10 < take;
    steps := 2 * steps * take / cardinality(ids);
  END LOOP;

  ids := ARRAY (SELECT public.find_users(patterns, worth_sorting + 1));
  IF cardinality(ids) <= worth_sorting THEN
    RETURN QUERY EXECUTE format('WITH found AS MATERIALIZED (
        SELECT users.id, %1$s FROM unnest($5) AS found JOIN public.users ON users.id = found
        WHERE kind = ''person'' AND '' '' || search_text LIKE ALL ($1) AND %2$s)
      SELECT id FROM found ORDER BY %1$s %3$s, id %3$s LIMIT $6', sorted_by, part, direction)
      USING patterns, tenant, after, after_id, ids, take;
  ELSE
    RETURN QUERY EXECUTE format('SELECT id FROM (%s OFFSET 0) AS walk WHERE fits LIMIT $5', walk)
      USING patterns, tenant, after, after_id, take;
  END IF;
END
$function$;

-- Add function public.find_users(text[], integer)
CREATE OR REPLACE FUNCTION public.find_users(patterns text[], most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  scope CONSTANT text := coalesce(current_setting('tenantry.scope', true), '');
  fits text;
BEGIN
  IF scope <> 'platform' AND scope !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    RETURN;
  END IF;
  -- One condition each, and planned with its values: of LIKE ALL the index knows nothing, and of a frequent text too little.
  SELECT coalesce(string_agg(format('text LIKE $2[%s]', n), ' AND '), 'true') INTO fits FROM generate_subscripts(patterns, 1) AS n;
  RETURN QUERY EXECUTE format('SELECT user_id FROM public.user_search WHERE %s AND %s LIMIT $3',
    CASE scope WHEN 'platform' THEN 'true' ELSE 'tenant_id = $1::uuid' END, fits)
    USING scope, patterns, most;
END
$function$;

-- Drop grant on function public.find_users(text[], integer) to PUBLIC
REVOKE EXECUTE ON FUNCTION public.find_users(text[], integer) FROM PUBLIC;

-- Add grant on function public.find_users(text[], integer) to tenantry_app
GRANT EXECUTE ON FUNCTION public.find_users(text[], integer) TO tenantry_app;
