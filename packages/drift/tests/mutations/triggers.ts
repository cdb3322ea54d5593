import type { Mutations } from "./mutation.ts";

export const triggers: Mutations = {
  // Triggers
  "DROP TRIGGER orders_touch ON public.orders": ["missing trigger public.orders.orders_touch"],
  "ALTER TABLE public.orders DISABLE TRIGGER orders_touch": [
    "changed trigger public.orders.orders_touch",
  ],
  "ALTER TABLE public.orders ENABLE ALWAYS TRIGGER orders_touch": [
    "changed trigger public.orders.orders_touch",
  ],
  "ALTER TABLE public.orders ENABLE REPLICA TRIGGER orders_audit": [
    "changed trigger public.orders.orders_audit",
  ],
  "CREATE OR REPLACE TRIGGER orders_touch BEFORE UPDATE OF total ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touch()":
    ["changed trigger public.orders.orders_touch"],
  "CREATE TRIGGER customers_touch BEFORE UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION public.touch()":
    ["unexpected trigger public.customers.customers_touch"],
  "ALTER TABLE sales.events_2025 DISABLE TRIGGER events_touch": [
    "unexpected trigger sales.events_2025.events_touch",
  ],
  // Policies
  "DROP POLICY orders_own ON public.orders": ["missing policy public.orders.orders_own"],
  "ALTER POLICY orders_own ON public.orders USING (true)": [
    "changed policy public.orders.orders_own",
  ],
  "ALTER POLICY orders_own ON public.orders TO postgres": [
    "changed policy public.orders.orders_own",
  ],
  "ALTER POLICY orders_write ON public.orders WITH CHECK (true)": [
    "changed policy public.orders.orders_write",
  ],
  "CREATE POLICY everybody ON public.orders USING (true)": [
    "unexpected policy public.orders.everybody",
  ],
  "DROP POLICY orders_own ON public.orders; CREATE POLICY orders_own ON public.orders AS RESTRICTIVE FOR SELECT USING (customer_id = current_setting('app.customer')::bigint)":
    ["changed policy public.orders.orders_own"],
  "CREATE OR REPLACE TRIGGER orders_touch BEFORE UPDATE ON public.orders FOR EACH ROW WHEN (OLD.total <> NEW.total) EXECUTE FUNCTION public.touch()":
    ["changed trigger public.orders.orders_touch"],
  "ALTER TRIGGER orders_touch ON public.orders RENAME TO touched": [
    "missing trigger public.orders.orders_touch",
    "unexpected trigger public.orders.touched",
  ],
  "ALTER TABLE public.orders DISABLE TRIGGER ALL": [
    "changed constraint public.orders.orders_customer_id_fkey",
    "changed trigger public.orders.orders_audit",
    "changed trigger public.orders.orders_touch",
  ],
  "DROP RULE notes_stay ON public.notes": ["missing rule public.notes.notes_stay"],
  "ALTER TABLE public.notes DISABLE RULE notes_stay": ["changed rule public.notes.notes_stay"],
  "ALTER TABLE public.notes ENABLE ALWAYS RULE notes_stay": [
    "changed rule public.notes.notes_stay",
  ],
  "CREATE OR REPLACE RULE notes_stay AS ON DELETE TO public.notes DO INSTEAD NOTHING": [
    "changed rule public.notes.notes_stay",
  ],
  "CREATE RULE quiet AS ON UPDATE TO public.orders DO ALSO NOTIFY orders": [
    "unexpected rule public.orders.quiet",
  ],
  "ALTER POLICY orders_own ON public.orders RENAME TO own": [
    "missing policy public.orders.orders_own",
    "unexpected policy public.orders.own",
  ],
  "ALTER POLICY orders_own ON public.orders TO pg_monitor, pg_read_all_data": [
    "changed policy public.orders.orders_own",
  ],
  "DROP POLICY orders_write ON public.orders; CREATE POLICY orders_write ON public.orders FOR UPDATE WITH CHECK (total < 10000)":
    ["changed policy public.orders.orders_write"],
};
