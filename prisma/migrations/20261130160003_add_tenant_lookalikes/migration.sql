-- How a tenant's name looks, and that no two live ones look alike and differ. Rows that are there have neither until the
-- server has computed them, the next night: what SQL knows of confusable characters is nothing. So they break no deploy.
SET LOCAL lock_timeout = '5s';
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
ALTER TABLE "tenants" ADD COLUMN "name_skeleton" VARCHAR(400), ADD COLUMN "name_folded" VARCHAR(400);
ALTER TABLE tenants
  ADD CONSTRAINT tenants_lookalike EXCLUDE USING gist (name_skeleton WITH =, name_folded WITH <>) WHERE (NOT is_deleted);
