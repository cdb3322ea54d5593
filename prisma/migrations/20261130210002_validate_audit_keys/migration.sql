-- Every row passes: the column is new. No lock here keeps anybody from reading or writing.
ALTER TABLE audit_seals VALIDATE CONSTRAINT audit_seals_key_id_check;
