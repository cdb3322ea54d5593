-- Of a table that nobody has analysed PostgreSQL took it for as good as the key by id and tenant, and read a whole tenant for
-- each row that names one of its users.
DROP INDEX users_tenant_id_idx;
