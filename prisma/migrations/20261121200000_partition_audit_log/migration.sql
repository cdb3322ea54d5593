-- Makes audit_log a table of partitions by month. Its rows are copied once, while nobody may read or write it: at 100,000
-- rows that takes about two seconds.
CREATE SCHEMA IF NOT EXISTS audit;
ALTER TABLE public.audit_log SET SCHEMA audit;
ALTER TABLE audit.audit_log RENAME TO audit_log_default;
DROP TRIGGER audit_log_append_only ON audit.audit_log_default;
DROP TRIGGER audit_log_no_truncate ON audit.audit_log_default;
ALTER TABLE audit.audit_log_default DROP CONSTRAINT audit_log_pkey, ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id, created_at);

CREATE TABLE public.audit_log (LIKE audit.audit_log_default INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (created_at);
ALTER TABLE public.audit_log ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id, created_at);
CREATE INDEX audit_log_tenant_id_created_at_id_idx ON public.audit_log (tenant_id, created_at, id);
CREATE INDEX audit_log_tenant_id_actor_id_created_at_id_idx ON public.audit_log (tenant_id, actor_id, created_at, id);
CREATE INDEX audit_log_tenant_id_action_created_at_id_idx ON public.audit_log (tenant_id, action, created_at, id);
CREATE INDEX audit_log_tenant_id_resource_type_resource_id_created_at_id_idx ON public.audit_log (tenant_id, resource_type, resource_id, created_at, id);
CREATE INDEX audit_log_created_at_id_idx ON public.audit_log (created_at, id);
CREATE INDEX audit_log_failures ON public.audit_log (tenant_id, created_at, id) WHERE outcome = 'failure';
ALTER TABLE public.audit_log ATTACH PARTITION audit.audit_log_default DEFAULT;

CREATE OR REPLACE FUNCTION refuse_audit_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- The months of the rows that are there, this one and the next ones.
SELECT prepare_audit_partitions();

-- CreateTable
CREATE TABLE "audit_seals" (
    "seq" BIGINT NOT NULL,
    "tenant_id" UUID,
    "audit_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "digest" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "audit_seals_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "audit_archives" (
    "month" VARCHAR(7) NOT NULL,
    "row_count" INTEGER NOT NULL,
    "sha256" BYTEA NOT NULL,
    "mac" BYTEA NOT NULL,
    "archived_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_archives_pkey" PRIMARY KEY ("month")
);

-- CreateIndex
CREATE INDEX "audit_seals_tenant_id_seq_idx" ON "audit_seals"("tenant_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "audit_seals_created_at_audit_id_key" ON "audit_seals"("created_at", "audit_id");

-- What seals the audit log: see src/audit/chain.ts. The hashes are keyed, and the key is not in the database.
ALTER TABLE audit_seals
  ADD CONSTRAINT audit_seals_seq_check CHECK (seq > 0),
  ADD CONSTRAINT audit_seals_digest_check CHECK (octet_length(digest) = 32),
  ADD CONSTRAINT audit_seals_hash_check CHECK (octet_length(hash) = 32);
ALTER TABLE audit_archives
  ADD CONSTRAINT audit_archives_month_check CHECK (month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
  ADD CONSTRAINT audit_archives_row_count_check CHECK (row_count >= 0),
  ADD CONSTRAINT audit_archives_sha256_check CHECK (octet_length(sha256) = 32),
  ADD CONSTRAINT audit_archives_mac_check CHECK (octet_length(mac) = 32);

CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE ON audit_seals
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_seals_no_truncate BEFORE TRUNCATE ON audit_seals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_archives_append_only BEFORE UPDATE OR DELETE ON audit_archives
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_archives_no_truncate BEFORE TRUNCATE ON audit_archives
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();

-- Drops a month that was archived, and keeps the record of the archive. For the operator alone: the role of the server is
-- not to be given it. A month that is not over is refused, and one with other rows than those in the file.
CREATE FUNCTION drop_audit_partition(archived_month text, archived_rows integer, file_sha256 bytea, record_mac bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s'
AS $$
DECLARE
  partition text := 'audit_log_' || translate(archived_month, '-', '_');
  present bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('tenantry audit partitions', 0));
  IF archived_month !~ '^\d{4}-\d{2}$' OR archived_month >= to_char(now(), 'YYYY-MM') THEN
    RAISE EXCEPTION 'the month % is not over', archived_month USING ERRCODE = 'invalid_parameter_value';
  END IF;
  EXECUTE format('LOCK TABLE ONLY audit.%I IN SHARE MODE', partition);
  EXECUTE format('SELECT count(*) FROM audit.%I', partition) INTO present;
  IF present <> archived_rows THEN
    RAISE EXCEPTION 'the month % has % rows, and % were archived', archived_month, present, archived_rows
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  INSERT INTO public.audit_archives (month, row_count, sha256, mac)
    VALUES (archived_month, archived_rows, file_sha256, record_mac);
  EXECUTE format('ALTER TABLE public.audit_log DETACH PARTITION audit.%I', partition);
  EXECUTE format('DROP TABLE audit.%I', partition);
END
$$;
REVOKE EXECUTE ON FUNCTION drop_audit_partition(text, integer, bytea, bytea) FROM PUBLIC;
