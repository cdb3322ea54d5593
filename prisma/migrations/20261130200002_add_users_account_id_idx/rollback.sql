DROP INDEX users_account_id_idx;
