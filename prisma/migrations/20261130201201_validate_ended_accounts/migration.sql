-- Every row passes: the columns are new. No lock here keeps anybody from reading or writing.
ALTER TABLE accounts VALIDATE CONSTRAINT accounts_ended_check, VALIDATE CONSTRAINT accounts_undo_hash_check;
