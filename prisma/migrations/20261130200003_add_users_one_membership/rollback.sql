DROP INDEX users_one_membership;
