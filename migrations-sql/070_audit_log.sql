-- One partition a month, so that a month can be archived and dropped, and lists by time read their months alone. The
-- partitions stand in a schema of their own: which there are depends on the date, and says nothing of the schema. The
-- table that Prisma declares becomes the default partition, so that no row is ever refused for its date.
CREATE SCHEMA IF NOT EXISTS audit;
ALTER TABLE public.audit_log SET SCHEMA audit;
ALTER TABLE audit.audit_log RENAME TO audit_log_default;
CREATE TABLE public.audit_log (LIKE audit.audit_log_default INCLUDING ALL) PARTITION BY RANGE (created_at);
ALTER TABLE public.audit_log ATTACH PARTITION audit.audit_log_default DEFAULT;

ALTER TABLE audit_log
  ADD CONSTRAINT audit_log_action_check CHECK (action ~ '^[a-z_]+([.][a-z_]+)+$'),
  ADD CONSTRAINT audit_log_resource_type_check CHECK (resource_type ~ '^[a-z_]+$'),
  ADD CONSTRAINT audit_log_details_check CHECK (jsonb_typeof(details) = 'object');

-- Append-only: an attacker who reached the application must not be able to rewrite what it did.
CREATE FUNCTION refuse_audit_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Partitions have the first from their parent, and the second each for itself: it is not handed down.
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit.audit_log_default
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();

-- What security watches: failures are few among many rows.
CREATE INDEX audit_log_failures ON audit_log (tenant_id, created_at, id) WHERE outcome = 'failure';

-- Makes the partitions of this month and of those to come, and answers how many it made. Rows that fell into the default
-- partition move to their months; dates that are nobody's clock stay there. It may run at any time, in many instances,
-- and as a role that owns nothing. A table is filled before it is attached: what is attached moves no row.
CREATE FUNCTION prepare_audit_partitions(ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s'
AS $$
DECLARE
  first timestamptz := '2000-01-01';
  last timestamptz := date_trunc('month', now()) + interval '1 year';
  strays timestamptz[];
  month timestamptz;
  partition text;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('tenantry audit partitions', 0));
  IF EXISTS (SELECT FROM audit.audit_log_default WHERE created_at >= first AND created_at < last) THEN
    LOCK TABLE public.audit_log IN ACCESS EXCLUSIVE MODE;
    strays := ARRAY(SELECT DISTINCT date_trunc('month', created_at) FROM audit.audit_log_default
      WHERE created_at >= first AND created_at < last);
    ALTER TABLE public.audit_log DETACH PARTITION audit.audit_log_default;
    ALTER TABLE audit.audit_log_default RENAME TO audit_log_strays;
    CREATE TABLE audit.audit_log_default (LIKE public.audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
  END IF;
  FOR month IN
    SELECT generate_series(date_trunc('month', now()), date_trunc('month', now()) + make_interval(months => least(ahead, 12)), '1 month')
    UNION SELECT unnest(strays) ORDER BY 1
  LOOP
    partition := 'audit_log_' || to_char(month, 'YYYY_MM');
    CONTINUE WHEN to_regclass('audit.' || partition) IS NOT NULL;
    EXECUTE format('CREATE TABLE audit.%I (LIKE public.audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
    IF month = ANY (strays) THEN
      EXECUTE format('INSERT INTO audit.%I SELECT * FROM audit.audit_log_strays WHERE created_at >= %L AND created_at < %L',
        partition, month, month + interval '1 month');
    END IF;
    EXECUTE format('ALTER TABLE public.audit_log ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)',
      partition, month, month + interval '1 month');
    EXECUTE format('CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit.%I
      FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_log_change()', partition);
    made := made + 1;
  END LOOP;
  IF strays IS NOT NULL THEN
    INSERT INTO audit.audit_log_default SELECT * FROM audit.audit_log_strays WHERE created_at < first OR created_at >= last;
    ALTER TABLE public.audit_log ATTACH PARTITION audit.audit_log_default DEFAULT;
    CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit.audit_log_default
      FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_log_change();
    DROP TABLE audit.audit_log_strays;
  END IF;
  RETURN made;
END
$$;
REVOKE EXECUTE ON FUNCTION prepare_audit_partitions(integer) FROM PUBLIC;
