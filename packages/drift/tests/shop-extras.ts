/** The rarer kinds of object, in the shop schema. */
export const shopExtras = `
CREATE DOMAIN public.address AS text COLLATE "C" DEFAULT 'a@b' NOT NULL
  CONSTRAINT address_at CHECK (VALUE LIKE '%@%') CONSTRAINT address_short CHECK (length(VALUE) < 100);
CREATE TYPE sales.money AS (amount numeric(12,2), currency char(3) COLLATE "C");
CREATE TYPE sales.prices AS RANGE (SUBTYPE = numeric);
CREATE COLLATION public.plain FROM "C";
CREATE COLLATION sales.german (PROVIDER = icu, LOCALE = 'de', DETERMINISTIC = false);
CREATE FUNCTION sales.place_of(region sales.region) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (sales.region AS integer) WITH FUNCTION sales.place_of(sales.region) AS ASSIGNMENT;
CREATE AGGREGATE public.add_up (numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0', PARALLEL = SAFE);
CREATE AGGREGATE sales.middle (double precision ORDER BY double precision) (
  SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_cont_float8_final);
CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, COMMUTATOR = OPERATOR(public.===), RESTRICT = eqsel, HASHES);
CREATE OPERATOR FAMILY sales.words USING btree;
CREATE OPERATOR CLASS sales.word_ops FOR TYPE text USING btree FAMILY sales.words AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 bttextcmp(text, text);

CREATE TEXT SEARCH TEMPLATE public.plain (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER public.plain (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
  LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH DICTIONARY public.plain (TEMPLATE = public.plain, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION public.plain (PARSER = public.plain);
ALTER TEXT SEARCH CONFIGURATION public.plain ADD MAPPING FOR asciiword, word WITH public.plain, english_stem;

CREATE FOREIGN DATA WRAPPER wire OPTIONS (timeout '5');
CREATE SERVER far TYPE 'shop' VERSION '2' FOREIGN DATA WRAPPER wire OPTIONS (host 'far.example', api_key 'hidden');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (username 'shop', password 'hidden');
CREATE FOREIGN TABLE sales.stock (id integer OPTIONS (name 'key') NOT NULL, place text DEFAULT 'here', CHECK (id > 0))
  SERVER far OPTIONS (path 'stock');

CREATE TABLE public.notes (id integer PRIMARY KEY, body text, at public.address);
CREATE TABLE public.pinned_notes (pinned boolean) INHERITS (public.notes);
CREATE TABLE sales.pages (note_id integer REFERENCES public.notes (id)) PARTITION BY LIST (note_id);
CREATE TABLE sales.pages_one PARTITION OF sales.pages FOR VALUES IN (1);
CREATE RULE notes_stay AS ON DELETE TO public.notes WHERE old.body <> '' DO INSTEAD NOTHING;
CREATE STATISTICS public.customers_places (dependencies, ndistinct) ON name, credit FROM public.customers;
CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE FUNCTION', 'ALTER FUNCTION') EXECUTE FUNCTION public.watch();
CREATE PUBLICATION feed FOR TABLE public.notes (id, body) WHERE (id > 0), sales.events WITH (publish = 'insert, update');
CREATE PUBLICATION whole FOR TABLES IN SCHEMA sales WITH (publish_via_partition_root = true);
CREATE VIEW sales.regulars AS
  SELECT id, name FROM public.customers WHERE id > 10 AND EXISTS (SELECT FROM public.orders o WHERE o.customer_id = customers.id);
CREATE VIEW sales.places AS SELECT nickname, count(*) AS customers FROM public.customers WHERE name <> 'customers.name' GROUP BY nickname;

COMMENT ON SCHEMA sales IS 'what is sold';
COMMENT ON TABLE public.notes IS 'written by people';
COMMENT ON COLUMN public.notes.body IS 'it''s Markdown';
COMMENT ON CONSTRAINT notes_pkey ON public.notes IS 'key';
COMMENT ON INDEX public.orders_pkey IS 'key';
COMMENT ON FUNCTION public.slug(text) IS 'for URLs';
COMMENT ON COLUMN public.open_orders.email IS 'of the customer';
COMMENT ON CONSTRAINT address_at ON DOMAIN public.address IS 'has a host';
COMMENT ON COLUMN sales.money.currency IS 'ISO 4217';

GRANT USAGE ON SCHEMA sales TO pg_monitor;
GRANT SELECT, INSERT ON public.notes TO pg_monitor;
GRANT ALL ON public.customers TO pg_monitor WITH GRANT OPTION;
GRANT SELECT (id), UPDATE (body) ON public.notes TO pg_read_all_data;
GRANT SELECT ON public.open_orders TO PUBLIC;
GRANT USAGE ON SEQUENCE public.ticket, public.customers_id_seq TO pg_monitor;
GRANT USAGE ON FOREIGN SERVER far TO pg_monitor;
GRANT EXECUTE ON FUNCTION public.slug(text) TO pg_monitor;
REVOKE EXECUTE ON FUNCTION sales.place_of(sales.region) FROM PUBLIC;
REVOKE USAGE ON TYPE sales.money FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT ALL ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database()); END $$;
`;
