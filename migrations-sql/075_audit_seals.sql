-- What seals the audit log: see src/audit/chain.ts. The hashes are keyed, and the key is not in the database.
ALTER TABLE audit_seals
  ADD CONSTRAINT audit_seals_seq_check CHECK (seq > 0),
  ADD CONSTRAINT audit_seals_digest_check CHECK (octet_length(digest) = 32),
  ADD CONSTRAINT audit_seals_hash_check CHECK (octet_length(hash) = 32),
  ADD CONSTRAINT audit_seals_key_id_check CHECK (octet_length(key_id) = 8);
ALTER TABLE audit_keys
  ADD CONSTRAINT audit_keys_id_check CHECK (octet_length(id) = 8);
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
-- A key may be encrypted anew. Without it nobody could tell whether what it sealed was changed.
CREATE TRIGGER audit_keys_stay BEFORE DELETE ON audit_keys
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_log_change();
CREATE TRIGGER audit_keys_no_truncate BEFORE TRUNCATE ON audit_keys
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
