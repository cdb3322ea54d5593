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

-- What happens to an account (src/audit/account-events.ts). Whoever writes it may see one tenant, and must not learn
-- which others the account has users in: so their rows are written here. Without others it is the one row.
CREATE FUNCTION record_account_event(account uuid, event jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  scope_before CONSTANT text := public.change_scope('platform');
  entry public.audit_log := jsonb_populate_record(NULL::public.audit_log, event);
  full_entry public.audit_log := entry;
  member record;
BEGIN
  FOR member IN
    SELECT users.id, users.tenant_id FROM public.users
    WHERE users.account_id = account AND NOT users.is_deleted AND users.tenant_id IS DISTINCT FROM entry.tenant_id
  LOOP
    CONTINUE WHEN member.tenant_id IS NULL;
    INSERT INTO public.audit_log (id, tenant_id, actor_id, action, resource_type, resource_id, outcome, details, created_at)
    VALUES (public.new_id(), member.tenant_id,
      CASE WHEN entry.actor_id IN (SELECT users.id FROM public.users WHERE users.account_id = account) THEN member.id END,
      entry.action, 'user', member.id, entry.outcome, '{}', entry.created_at);
  END LOOP;
  IF FOUND AND entry.tenant_id IS NOT NULL THEN
    full_entry.id := public.new_id();
    full_entry.tenant_id := NULL;
    INSERT INTO public.audit_log SELECT full_entry.*;
    entry.details := '{}';
    IF entry.session_id IS NULL THEN
      entry.ip := NULL;
      entry.user_agent := NULL;
      entry.request_id := NULL;
    END IF;
  END IF;
  INSERT INTO public.audit_log SELECT entry.*;
  PERFORM public.change_scope(scope_before);
END
$$;
