import type { Mutations } from "./mutation.ts";

export const constraints: Mutations = {
  "ALTER TABLE public.customers DROP CONSTRAINT customers_email_lower": [
    "missing constraint public.customers.customers_email_lower",
  ],
  "ALTER TABLE public.customers ADD CHECK (born > '1900-01-01')": [
    "unexpected constraint public.customers.customers_born_check",
  ],
  "ALTER TABLE public.customers ADD CONSTRAINT named CHECK (name <> '') NOT VALID": [
    "unexpected constraint public.customers.named",
  ],
  "ALTER TABLE public.customers DROP CONSTRAINT customers_email_lower, ADD CONSTRAINT customers_email_lower CHECK (email = lower(email)) NOT VALID":
    ["changed constraint public.customers.customers_email_lower"],
  "ALTER TABLE public.customers RENAME CONSTRAINT customers_email_lower TO lower_email": [
    "missing constraint public.customers.customers_email_lower",
    "unexpected constraint public.customers.lower_email",
  ],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_customer_id_fkey, ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers":
    ["changed constraint public.orders.orders_customer_id_fkey"],
  "ALTER TABLE public.orders ALTER CONSTRAINT orders_customer_id_fkey DEFERRABLE": [
    "changed constraint public.orders.orders_customer_id_fkey",
  ],
  "ALTER TABLE public.customers DISABLE TRIGGER ALL": [
    "changed constraint public.orders.orders_customer_id_fkey",
  ],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_no_overlap": [
    "missing constraint public.orders.orders_no_overlap",
  ],
  "ALTER TABLE public.customers DROP CONSTRAINT customers_email_key": [
    "missing constraint public.customers.customers_email_key",
  ],
  "ALTER INDEX public.customers_email_key SET (fillfactor = 50)": [
    "changed constraint public.customers.customers_email_key",
  ],
  "ALTER TABLE sales.events DROP CONSTRAINT events_note": [
    "missing constraint sales.events.events_note",
  ],
  "ALTER TABLE sales.events_2025 ADD CONSTRAINT own CHECK (id > 0)": [
    "unexpected constraint sales.events_2025.own",
  ],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_customer_id_fkey, ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers ON DELETE SET NULL":
    ["changed constraint public.orders.orders_customer_id_fkey"],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_customer_id_fkey, ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers ON DELETE CASCADE ON UPDATE CASCADE":
    ["changed constraint public.orders.orders_customer_id_fkey"],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_customer_id_fkey, ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers MATCH FULL ON DELETE CASCADE":
    ["changed constraint public.orders.orders_customer_id_fkey"],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_customer_id_fkey, ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers ON DELETE CASCADE NOT VALID":
    ["changed constraint public.orders.orders_customer_id_fkey"],
  "ALTER TABLE public.customers DROP CONSTRAINT customers_email_key, ADD CONSTRAINT customers_email_key UNIQUE NULLS NOT DISTINCT (email)":
    ["changed constraint public.customers.customers_email_key"],
  "ALTER TABLE public.customers DROP CONSTRAINT customers_email_key, ADD CONSTRAINT customers_email_key UNIQUE (email) INCLUDE (name)":
    ["changed constraint public.customers.customers_email_key"],
  "ALTER TABLE public.customers DROP CONSTRAINT customers_email_key, ADD CONSTRAINT customers_email_key UNIQUE (email) DEFERRABLE INITIALLY DEFERRED":
    ["changed constraint public.customers.customers_email_key"],
  "ALTER TABLE public.customers DROP CONSTRAINT customers_email_key; CREATE UNIQUE INDEX customers_email_key ON public.customers (email)":
    [
      "missing constraint public.customers.customers_email_key",
      "unexpected index public.customers_email_key",
    ],
  "ALTER TABLE public.orders DROP CONSTRAINT orders_no_overlap, ADD CONSTRAINT orders_no_overlap EXCLUDE USING gist (during WITH &&) WHERE (total > 0)":
    ["changed constraint public.orders.orders_no_overlap"],
  "ALTER TABLE public.notes ADD CONSTRAINT own CHECK (id > 0) NO INHERIT": [
    "unexpected constraint public.notes.own",
  ],
  "ALTER TABLE public.notes ADD CONSTRAINT own CHECK (id > 0)": [
    "unexpected constraint public.notes.own",
  ],
  "ALTER TABLE sales.stock DROP CONSTRAINT stock_id_check": [
    "missing constraint sales.stock.stock_id_check",
  ],
  "ALTER TABLE public.customers CLUSTER ON customers_pkey": [
    "changed constraint public.customers.customers_pkey",
  ],
  "ALTER TABLE sales.pages_one DISABLE TRIGGER ALL": [
    "unexpected constraint sales.pages_one.pages_note_id_fkey",
  ],
  "ALTER TABLE public.notes DISABLE TRIGGER ALL": [
    "changed constraint sales.pages.pages_note_id_fkey",
  ],
};
