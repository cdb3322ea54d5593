DROP INDEX sessions_account_id_idx;
