import type { Mutations } from "./mutation.ts";

export const tables: Mutations = {
  "CREATE TABLE public.extra (id integer PRIMARY KEY, name text)": [
    "unexpected table public.extra",
  ],
  "CREATE TABLE public.ticketed (id serial PRIMARY KEY)": ["unexpected table public.ticketed"],
  "DROP TABLE public.orders CASCADE": [
    "missing materialized view sales.totals",
    "missing table public.orders",
    "missing view public.open_orders",
    "missing view sales.regulars",
  ],
  "ALTER TABLE public.orders DISABLE ROW LEVEL SECURITY": ["changed table public.orders"],
  "ALTER TABLE public.orders NO FORCE ROW LEVEL SECURITY": ["changed table public.orders"],
  "ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY": ["changed table public.customers"],
  "ALTER TABLE public.customers SET (fillfactor = 70)": ["changed table public.customers"],
  "ALTER TABLE public.customers SET (toast.autovacuum_enabled = off)": [
    "changed table public.customers",
  ],
  "ALTER TABLE public.orders SET UNLOGGED": ["changed table public.orders"],
  "ALTER TABLE public.customers REPLICA IDENTITY FULL": ["changed table public.customers"],
  "ALTER TABLE public.customers REPLICA IDENTITY USING INDEX customers_email_key": [
    "changed constraint public.customers.customers_email_key",
  ],
  "ALTER TABLE sales.events DETACH PARTITION sales.events_rest": [
    "changed table sales.events_rest",
    "unexpected constraint sales.events_rest.events_note",
    "unexpected constraint sales.events_rest.events_rest_pkey",
    "unexpected index sales.events_rest_region_idx",
  ],
  "DROP TABLE sales.events_2025": ["missing table sales.events_2025"],
  "DROP TABLE sales.events": ["changed publication feed", "missing table sales.events"],
  "CREATE TABLE sales.events_2026 PARTITION OF sales.events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2027-01-01 00:00+00')":
    ["unexpected table sales.events_2026"],
  "CREATE TABLE public.vip () INHERITS (public.customers)": ["unexpected table public.vip"],
  "ALTER TABLE public.notes REPLICA IDENTITY NOTHING": ["changed table public.notes"],
  "ALTER TABLE public.pinned_notes NO INHERIT public.notes": ["changed table public.pinned_notes"],
  "ALTER TABLE sales.stock OPTIONS (SET path 'store')": ["changed foreign table sales.stock"],
  "DROP FOREIGN TABLE sales.stock": ["missing foreign table sales.stock"],
  "CREATE FOREIGN TABLE public.more (id integer) SERVER far": [
    "unexpected foreign table public.more",
  ],
  "CREATE TABLE public.vertices OF sales.money": ["unexpected table public.vertices"],
  "ALTER TABLE sales.events DETACH PARTITION sales.events_2025; ALTER TABLE sales.events ATTACH PARTITION sales.events_2025 FOR VALUES FROM ('2025-02-01 00:00+00') TO ('2026-01-01 00:00+00')":
    ["changed table sales.events_2025"],
  "ALTER TABLE public.notes RENAME TO remarks": [
    "changed constraint sales.pages.pages_note_id_fkey",
    "changed publication feed",
    "changed table public.pinned_notes",
    "missing table public.notes",
    "unexpected table public.remarks",
  ],
  "ALTER TABLE public.notes SET SCHEMA sales": [
    "changed constraint sales.pages.pages_note_id_fkey",
    "changed publication feed",
    "changed table public.pinned_notes",
    "missing table public.notes",
    "unexpected table sales.notes",
  ],
};
