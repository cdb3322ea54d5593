-- Drop constraint public.audit_seals.audit_seals_key_id_check
ALTER TABLE public.audit_seals DROP CONSTRAINT audit_seals_key_id_check;

-- Drop column public.audit_seals.key_id (DESTRUCTIVE: drops the column with its data)
ALTER TABLE public.audit_seals DROP COLUMN key_id;

-- Drop table public.audit_keys (DESTRUCTIVE: drops the table with its rows)
DROP TABLE public.audit_keys;
