import type { Mutations } from "./mutation.ts";

export const views: Mutations = {
  // Views
  "DROP VIEW public.open_orders": ["missing view public.open_orders"],
  "ALTER VIEW public.open_orders SET (security_invoker = false)": [
    "changed view public.open_orders",
  ],
  "ALTER VIEW public.open_orders RESET (security_invoker)": ["changed view public.open_orders"],
  "CREATE OR REPLACE VIEW public.open_orders WITH (security_invoker = true) AS SELECT o.id, c.email, o.total FROM public.orders o JOIN public.customers c ON c.id = o.customer_id":
    ["changed view public.open_orders"],
  "CREATE VIEW sales.everyone AS SELECT * FROM public.customers": [
    "unexpected view sales.everyone",
  ],
  "ALTER MATERIALIZED VIEW sales.totals SET (autovacuum_enabled = off)": [
    "changed materialized view sales.totals",
  ],
  "REFRESH MATERIALIZED VIEW sales.totals WITH NO DATA": ["changed materialized view sales.totals"],
  "DROP INDEX sales.totals_customer": ["missing index sales.totals_customer"],
  // Sequences
  "DROP SEQUENCE public.ticket": ["missing sequence public.ticket"],
  "CREATE SEQUENCE sales.counter": ["unexpected sequence sales.counter"],
  "ALTER SEQUENCE public.ticket INCREMENT BY 1": ["changed sequence public.ticket"],
  "ALTER SEQUENCE public.ticket CACHE 1": ["changed sequence public.ticket"],
  "ALTER SEQUENCE public.ticket CYCLE": ["changed sequence public.ticket"],
  "ALTER SEQUENCE public.ticket MAXVALUE 1000": ["changed sequence public.ticket"],
  "ALTER SEQUENCE public.orders_id_seq OWNED BY NONE": ["changed sequence public.orders_id_seq"],
  "ALTER SEQUENCE public.ticket OWNED BY public.orders.room": ["changed sequence public.ticket"],
  "ALTER SEQUENCE public.ticket SET UNLOGGED": ["changed sequence public.ticket"],
  "ALTER VIEW public.open_orders ALTER total SET DEFAULT 1": ["changed view public.open_orders"],
  "ALTER VIEW public.open_orders SET (security_barrier)": ["changed view public.open_orders"],
  "ALTER VIEW sales.places RENAME nickname TO alias": ["changed view sales.places"],
  "ALTER MATERIALIZED VIEW sales.totals ALTER total SET STATISTICS 50": [
    "changed materialized view sales.totals",
  ],
  "DROP MATERIALIZED VIEW sales.totals; CREATE MATERIALIZED VIEW sales.totals AS SELECT customer_id, max(total) AS total FROM public.orders GROUP BY customer_id; CREATE UNIQUE INDEX totals_customer ON sales.totals (customer_id)":
    [
      "changed materialized view sales.totals",
      "unexpected grant on materialized view sales.totals to pg_monitor",
    ],
  "CREATE MATERIALIZED VIEW public.cached AS SELECT 1 AS one": [
    "unexpected materialized view public.cached",
  ],
  "ALTER SEQUENCE public.ticket AS bigint": ["changed sequence public.ticket"],
  "ALTER SEQUENCE public.ticket MINVALUE -5": ["changed sequence public.ticket"],
};
