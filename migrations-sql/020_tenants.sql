-- Tenants: what a row must be, whoever writes it.
ALTER TABLE tenants
  ADD CONSTRAINT tenants_soft_delete_check CHECK (is_deleted = (deleted_at IS NOT NULL)),
  ADD CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' AND length(slug) >= 2),
  ADD CONSTRAINT tenants_name_check CHECK (btrim(name) <> ''),
  ADD CONSTRAINT tenants_settings_check CHECK (jsonb_typeof(settings) = 'object'),
  ADD CONSTRAINT tenants_seat_limit_check CHECK (seat_limit > 0),
  -- Of live tenants none has a name that looks like another's and is another one: src/tenants/lookalike.ts says why.
  ADD CONSTRAINT tenants_lookalike EXCLUDE USING gist (name_skeleton WITH =, name_folded WITH <>) WHERE (NOT is_deleted),
  ADD CONSTRAINT tenants_version_check CHECK (version > 0);

-- Lists show the newest first and never a deleted tenant.
CREATE INDEX tenants_live_created ON tenants (created_at, id) WHERE NOT is_deleted;

-- Those whose time has come to be purged.
CREATE INDEX tenants_deleted ON tenants (deleted_at) WHERE is_deleted;
