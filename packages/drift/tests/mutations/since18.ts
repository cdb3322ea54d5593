import type { Mutations } from "./mutation.ts";

/** What only PostgreSQL 18 and later can say. */
export const since18: Mutations = {
  "ALTER TABLE public.customers ADD COLUMN whole text GENERATED ALWAYS AS (name || email) VIRTUAL":
    ["unexpected column public.customers.whole"],
  "ALTER TABLE public.customers DROP COLUMN slug, ADD COLUMN slug text GENERATED ALWAYS AS (lower(name)) VIRTUAL":
    ["changed column public.customers.slug"],
  "ALTER TABLE public.orders ALTER CONSTRAINT orders_customer_id_fkey NOT ENFORCED": [
    "changed constraint public.orders.orders_customer_id_fkey",
  ],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_total_positive, ADD CONSTRAINT orders_total_positive CHECK (total > 0) NOT ENFORCED":
    ["changed constraint public.orders.orders_total_positive"],
  "ALTER TABLE public.customers ADD CONSTRAINT born_known NOT NULL born NOT VALID": [
    "changed column public.customers.born",
  ],
  "ALTER TABLE public.notes ADD CONSTRAINT body_known NOT NULL body NO INHERIT": [
    "changed column public.notes.body",
  ],
  "ALTER PUBLICATION whole SET (publish_generated_columns = stored)": ["changed publication whole"],
  "GRANT MAINTAIN ON public.notes TO pg_monitor": [
    "changed grant on table public.notes to pg_monitor",
  ],
};
