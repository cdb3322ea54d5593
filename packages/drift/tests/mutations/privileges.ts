import type { Mutations } from "./mutation.ts";

/** Comments, grants and default privileges. */
export const privileges: Mutations = {
  "COMMENT ON TABLE public.notes IS 'changed'": ["changed comment on table public.notes"],
  "COMMENT ON TABLE public.notes IS NULL": ["missing comment on table public.notes"],
  "COMMENT ON SCHEMA sales IS NULL": ["missing comment on schema sales"],
  "COMMENT ON COLUMN public.notes.id IS 'number'": ["unexpected comment on column public.notes.id"],
  "COMMENT ON COLUMN sales.totals.total IS 'sum'": [
    "unexpected comment on column sales.totals.total",
  ],
  "COMMENT ON COLUMN sales.money.currency IS NULL": [
    "missing comment on column sales.money.currency",
  ],
  "COMMENT ON CONSTRAINT orders_total_positive ON public.orders IS 'rule'": [
    "unexpected comment on constraint public.orders.orders_total_positive",
  ],
  "COMMENT ON CONSTRAINT address_at ON DOMAIN public.address IS NULL": [
    "missing comment on domain constraint public.address.address_at",
  ],
  "COMMENT ON INDEX public.customers_pkey IS 'key'": [
    "unexpected comment on index public.customers_pkey",
  ],
  "COMMENT ON FUNCTION public.slug(text, integer) IS 'two'": [
    "unexpected comment on function public.slug(text, integer)",
  ],
  "COMMENT ON TRIGGER orders_touch ON public.orders IS 'touch'": [
    "unexpected comment on trigger public.orders.orders_touch",
  ],
  "COMMENT ON POLICY orders_own ON public.orders IS 'own'": [
    "unexpected comment on policy public.orders.orders_own",
  ],
  "COMMENT ON RULE notes_stay ON public.notes IS 'stay'": [
    "unexpected comment on rule public.notes.notes_stay",
  ],
  "COMMENT ON TYPE public.order_status IS 'state'": [
    "unexpected comment on enum public.order_status",
  ],
  "COMMENT ON SEQUENCE public.customers_id_seq IS 'ids'": [
    "unexpected comment on sequence public.customers_id_seq",
  ],
  "COMMENT ON VIEW public.open_orders IS 'open'": ["unexpected comment on view public.open_orders"],
  "COMMENT ON AGGREGATE public.add_up(numeric) IS 'sum'": [
    "unexpected comment on aggregate public.add_up(numeric)",
  ],
  "COMMENT ON EVENT TRIGGER watch IS 'w'": ["unexpected comment on event trigger watch"],
  "COMMENT ON STATISTICS public.customers_places IS 's'": [
    "unexpected comment on statistics object public.customers_places",
  ],
  "COMMENT ON OPERATOR CLASS sales.word_ops USING btree IS 'o'": [
    "unexpected comment on operator class sales.word_ops USING btree",
  ],
  "COMMENT ON CAST (sales.region AS integer) IS 'c'": [
    "unexpected comment on cast (sales.region AS integer)",
  ],
  "GRANT SELECT ON public.orders TO PUBLIC": ["unexpected grant on table public.orders to PUBLIC"],
  "GRANT UPDATE ON public.notes TO pg_monitor": [
    "changed grant on table public.notes to pg_monitor",
  ],
  "GRANT SELECT ON public.notes TO pg_monitor WITH GRANT OPTION": [
    "changed grant on table public.notes to pg_monitor",
  ],
  "REVOKE ALL ON public.notes FROM pg_monitor": [
    "missing grant on table public.notes to pg_monitor",
  ],
  "REVOKE GRANT OPTION FOR ALL ON public.customers FROM pg_monitor": [
    "changed grant on table public.customers to pg_monitor",
  ],
  "REVOKE DELETE ON public.customers FROM pg_monitor": [
    "changed grant on table public.customers to pg_monitor",
  ],
  "GRANT SELECT (body) ON public.notes TO pg_read_all_data": [
    "changed grant on column public.notes.body to pg_read_all_data",
  ],
  "REVOKE SELECT (id) ON public.notes FROM pg_read_all_data": [
    "missing grant on column public.notes.id to pg_read_all_data",
  ],
  "GRANT SELECT (email) ON public.customers TO PUBLIC": [
    "unexpected grant on column public.customers.email to PUBLIC",
  ],
  "GRANT SELECT (email) ON public.open_orders TO pg_monitor": [
    "unexpected grant on column public.open_orders.email to pg_monitor",
  ],
  "REVOKE SELECT ON public.open_orders FROM PUBLIC": [
    "missing grant on view public.open_orders to PUBLIC",
  ],
  "REVOKE EXECUTE ON FUNCTION public.slug(text) FROM PUBLIC": [
    "missing grant on function public.slug(text) to PUBLIC",
  ],
  "GRANT EXECUTE ON FUNCTION sales.place_of(sales.region) TO PUBLIC": [
    "unexpected grant on function sales.place_of(sales.region) to PUBLIC",
  ],
  "GRANT EXECUTE ON PROCEDURE sales.close_day TO pg_monitor": [
    "unexpected grant on procedure sales.close_day(date) to pg_monitor",
  ],
  "GRANT USAGE ON TYPE sales.money TO PUBLIC": [
    "unexpected grant on composite type sales.money to PUBLIC",
  ],
  "REVOKE USAGE ON TYPE public.order_status FROM PUBLIC": [
    "missing grant on enum public.order_status to PUBLIC",
  ],
  "REVOKE USAGE ON DOMAIN public.address FROM PUBLIC": [
    "missing grant on domain public.address to PUBLIC",
  ],
  "GRANT CREATE ON SCHEMA public TO PUBLIC": ["changed grant on schema public to PUBLIC"],
  "REVOKE USAGE ON SCHEMA public FROM PUBLIC": ["missing grant on schema public to PUBLIC"],
  "GRANT USAGE ON SCHEMA sales TO PUBLIC": ["unexpected grant on schema sales to PUBLIC"],
  "GRANT ALL ON SEQUENCE public.ticket TO pg_monitor": [
    "changed grant on sequence public.ticket to pg_monitor",
  ],
  "REVOKE ALL ON SEQUENCE public.customers_id_seq FROM pg_monitor": [
    "missing grant on sequence public.customers_id_seq to pg_monitor",
  ],
  "REVOKE USAGE ON FOREIGN SERVER far FROM pg_monitor": [
    "missing grant on foreign server far to pg_monitor",
  ],
  "GRANT USAGE ON FOREIGN DATA WRAPPER wire TO pg_monitor": [
    "unexpected grant on foreign data wrapper wire to pg_monitor",
  ],
  "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$":
    ["changed grant on database to PUBLIC"],
  "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO pg_monitor', current_database()); END $$":
    ["unexpected grant on database to pg_monitor"],
  "ALTER DEFAULT PRIVILEGES IN SCHEMA sales REVOKE DELETE ON TABLES FROM pg_monitor": [
    "changed default privilege in schema sales on tables to pg_monitor",
  ],
  "ALTER DEFAULT PRIVILEGES IN SCHEMA sales REVOKE ALL ON TABLES FROM pg_monitor": [
    "missing default privilege in schema sales on tables to pg_monitor",
  ],
  "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO PUBLIC": [
    "unexpected default privilege in schema public on sequences to PUBLIC",
  ],
  "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC": [
    "missing default privilege on functions to PUBLIC",
  ],
  "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO pg_monitor": [
    "unexpected default privilege on schemas to pg_monitor",
  ],
  "ALTER DEFAULT PRIVILEGES FOR ROLE pg_monitor GRANT SELECT ON TABLES TO PUBLIC": [
    "unexpected default privilege for role pg_monitor on tables to PUBLIC",
  ],
};
