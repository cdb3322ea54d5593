ALTER TABLE tenants DROP CONSTRAINT tenants_lookalike;
ALTER TABLE "tenants" DROP COLUMN "name_skeleton", DROP COLUMN "name_folded";
DROP EXTENSION btree_gist;
