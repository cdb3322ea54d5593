import type { Mutations } from "./mutation.ts";

export const indexes: Mutations = {
  "DROP INDEX public.orders_open": ["missing index public.orders_open"],
  "CREATE INDEX hasty ON public.orders (total)": ["unexpected index public.hasty"],
  "ALTER INDEX public.orders_open RENAME TO opened": [
    "missing index public.orders_open",
    "unexpected index public.opened",
  ],
  "ALTER INDEX public.orders_open SET (fillfactor = 50)": ["changed index public.orders_open"],
  "ALTER INDEX public.customers_name_lower ALTER COLUMN 1 SET STATISTICS 300": [
    "changed index public.customers_name_lower",
  ],
  "ALTER TABLE public.customers CLUSTER ON customers_name_lower": [
    "changed index public.customers_name_lower",
  ],
  "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.orders_open'::regclass": [
    "changed index public.orders_open",
  ],
  "DROP INDEX public.orders_open; CREATE INDEX orders_open ON public.orders (customer_id, placed_at) WHERE status = 'paid'":
    ["changed index public.orders_open"],
  "DROP INDEX public.customers_nickname; CREATE UNIQUE INDEX customers_nickname ON public.customers (nickname)":
    ["changed index public.customers_nickname"],
  "DROP INDEX sales.events_region": ["missing index sales.events_region"],
  "CREATE INDEX local ON sales.events_2025 (note)": ["unexpected index sales.local"],
  "DROP INDEX public.orders_open; CREATE INDEX orders_open ON public.orders (placed_at, customer_id) WHERE status = 'open'":
    ["changed index public.orders_open"],
  "DROP INDEX public.orders_open; CREATE INDEX orders_open ON public.orders (customer_id, placed_at DESC) WHERE status = 'open'":
    ["changed index public.orders_open"],
  "DROP INDEX public.customers_recent; CREATE INDEX customers_recent ON public.customers (updated_at DESC NULLS LAST) WHERE credit > 0":
    ["changed index public.customers_recent"],
  "DROP INDEX public.customers_recent; CREATE INDEX customers_recent ON public.customers (updated_at DESC) INCLUDE (email) WHERE credit > 0":
    ["changed index public.customers_recent"],
  "DROP INDEX public.customers_search; CREATE INDEX customers_search ON public.customers USING gist (name public.gist_trgm_ops)":
    ["changed index public.customers_search"],
  "DROP INDEX public.customers_name_lower; CREATE INDEX customers_name_lower ON public.customers (upper(name))":
    ["changed index public.customers_name_lower"],
  "DROP INDEX public.customers_name_lower; CREATE INDEX customers_name_lower ON public.customers (lower(name) text_pattern_ops)":
    ["changed index public.customers_name_lower"],
  "DROP INDEX public.customers_name_lower; CREATE INDEX customers_name_lower ON public.customers (lower(name) COLLATE public.plain)":
    ["changed index public.customers_name_lower"],
  "DROP STATISTICS public.customers_places": ["missing statistics object public.customers_places"],
  "ALTER STATISTICS public.customers_places SET STATISTICS 200": [
    "changed statistics object public.customers_places",
  ],
  "CREATE STATISTICS public.more (mcv) ON city, born FROM public.customers": [
    "unexpected statistics object public.more",
  ],
  "CREATE STATISTICS public.more ON (lower(city)) FROM public.customers": [
    "unexpected statistics object public.more",
  ],
};
