/** A small schema that has every kind of object that the check compares, for tests of what it sees. */
import { shopExtras } from "./shop-extras.ts";

export const shop = `
CREATE SCHEMA sales;
CREATE EXTENSION pg_trgm WITH SCHEMA public;
CREATE EXTENSION citext WITH SCHEMA public;

CREATE TYPE public.order_status AS ENUM ('open', 'paid', 'sent');
CREATE TYPE sales.region AS ENUM ('north', 'south');

CREATE FUNCTION public.slug(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(lower(name), '[^a-z0-9]+', '-', 'g')
$$;
CREATE FUNCTION public.slug(name text, suffix integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT public.slug(name) || '-' || suffix
$$;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END
$$;
CREATE FUNCTION public.rank_of(entry integer) RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE STRICT AS 'window_rank';
CREATE PROCEDURE sales.close_day(day date) LANGUAGE sql AS $$ SELECT day $$;

CREATE SEQUENCE public.ticket AS integer INCREMENT BY 5 CACHE 10;

CREATE TABLE public.customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email varchar(200) NOT NULL,
  nickname public.citext,
  name text COLLATE "C" NOT NULL DEFAULT 'nobody',
  slug text GENERATED ALWAYS AS (lower(name)) STORED,
  credit numeric(10,2) DEFAULT 0,
  tags text[] NOT NULL DEFAULT '{}',
  settings jsonb NOT NULL DEFAULT '{}',
  born date,
  city varchar(80),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT customers_email_lower CHECK (email = lower(email)),
  CONSTRAINT customers_credit_range CHECK (credit BETWEEN -100 AND 1000),
  CONSTRAINT customers_email_key UNIQUE (email)
);
CREATE UNIQUE INDEX customers_nickname ON public.customers (nickname) NULLS NOT DISTINCT;
CREATE INDEX customers_name_lower ON public.customers (lower(name));
CREATE INDEX customers_search ON public.customers USING gin (name gin_trgm_ops);
CREATE INDEX customers_recent ON public.customers (updated_at DESC NULLS LAST) INCLUDE (email) WHERE credit > 0;

CREATE TABLE public.orders (
  id serial PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES public.customers (id) ON DELETE CASCADE,
  status public.order_status NOT NULL DEFAULT 'open',
  total numeric(12,2) NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  room integer,
  during tstzrange,
  CONSTRAINT orders_total_positive CHECK (total > 0),
  CONSTRAINT orders_no_overlap EXCLUDE USING gist (during WITH &&)
);
CREATE INDEX orders_open ON public.orders (customer_id, placed_at) WHERE status = 'open';
ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders FORCE ROW LEVEL SECURITY;
CREATE POLICY orders_own ON public.orders FOR SELECT USING (customer_id = current_setting('app.customer')::bigint);
CREATE POLICY orders_write ON public.orders FOR INSERT WITH CHECK (total < 10000);
CREATE TRIGGER orders_touch BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE CONSTRAINT TRIGGER orders_audit AFTER INSERT ON public.orders DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.touch();

CREATE TABLE sales.events (
  id bigint NOT NULL,
  at timestamptz NOT NULL,
  region sales.region,
  note text,
  PRIMARY KEY (id, at),
  CONSTRAINT events_note CHECK (note <> '')
) PARTITION BY RANGE (at);
CREATE TABLE sales.events_2025 PARTITION OF sales.events FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE sales.events_rest PARTITION OF sales.events DEFAULT;
CREATE INDEX events_region ON sales.events (region);
CREATE TRIGGER events_touch BEFORE INSERT ON sales.events FOR EACH ROW EXECUTE FUNCTION public.touch();

CREATE VIEW public.open_orders WITH (security_invoker = true) AS
  SELECT o.id, c.email, o.total FROM public.orders o JOIN public.customers c ON c.id = o.customer_id WHERE o.status = 'open';
CREATE MATERIALIZED VIEW sales.totals AS SELECT customer_id, sum(total) AS total FROM public.orders GROUP BY customer_id;
CREATE UNIQUE INDEX totals_customer ON sales.totals (customer_id);
${shopExtras}`;

/** Schemas of the objects above. */
export const shopSchemas = ["public", "sales"];
