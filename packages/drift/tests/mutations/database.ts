import type { Mutations } from "./mutation.ts";

export const database: Mutations = {
  "DROP SCHEMA sales CASCADE": [
    "changed publication feed",
    "changed publication whole",
    "missing cast (sales.region AS integer)",
    "missing schema sales",
  ],
  "DROP EXTENSION pg_trgm CASCADE": [
    "missing extension pg_trgm",
    "missing index public.customers_search",
  ],
  "CREATE EXTENSION btree_gist": ["unexpected extension btree_gist"],
  "ALTER EXTENSION pg_trgm SET SCHEMA sales": [
    "changed extension pg_trgm",
    "changed index public.customers_search",
  ],
  "ALTER SCHEMA sales RENAME TO shop": [
    "changed publication feed",
    "changed publication whole",
    "missing cast (sales.region AS integer)",
    "missing schema sales",
  ],
  "DROP EXTENSION pg_trgm CASCADE; CREATE EXTENSION pg_trgm VERSION '1.3'; CREATE INDEX customers_search ON public.customers USING gin (name gin_trgm_ops)":
    ["changed extension pg_trgm"],
  "DROP EVENT TRIGGER watch": ["missing event trigger watch"],
  "ALTER EVENT TRIGGER watch DISABLE": ["changed event trigger watch"],
  "ALTER EVENT TRIGGER watch ENABLE ALWAYS": ["changed event trigger watch"],
  "DROP EVENT TRIGGER watch; CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.watch()":
    ["changed event trigger watch"],
  "CREATE EVENT TRIGGER eager ON sql_drop EXECUTE FUNCTION public.watch()": [
    "unexpected event trigger eager",
  ],
  "DROP PUBLICATION feed": ["missing publication feed"],
  "ALTER PUBLICATION feed ADD TABLE public.orders": ["changed publication feed"],
  "ALTER PUBLICATION feed SET TABLE public.notes (id, body), sales.events": [
    "changed publication feed",
  ],
  "ALTER PUBLICATION feed SET TABLE public.notes WHERE (id > 0), sales.events": [
    "changed publication feed",
  ],
  "ALTER PUBLICATION feed SET (publish = 'insert')": ["changed publication feed"],
  "ALTER PUBLICATION whole ADD TABLES IN SCHEMA public": ["changed publication whole"],
  "ALTER PUBLICATION whole SET (publish_via_partition_root = false)": ["changed publication whole"],
  "CREATE PUBLICATION everything FOR ALL TABLES": ["unexpected publication everything"],
  "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''16MB''', current_database()); END $$":
    ["changed database setting work_mem"],
  "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET work_mem', current_database()); END $$": [
    "missing database setting work_mem",
  ],
  "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = sales, public', current_database()); END $$":
    ["unexpected database setting search_path"],
  "DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET row_security = off', current_database()); END $$":
    ["unexpected database setting row_security for role postgres"],
};
