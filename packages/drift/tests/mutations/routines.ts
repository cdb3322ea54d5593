import type { Mutations } from "./mutation.ts";

export const routines: Mutations = {
  "DROP FUNCTION public.slug(text, integer)": ["missing function public.slug(text, integer)"],
  "CREATE FUNCTION public.slug(name public.citext) RETURNS text LANGUAGE sql AS 'SELECT 1'": [
    "unexpected function public.slug(public.citext)",
  ],
  "ALTER FUNCTION public.slug(text) VOLATILE": ["changed function public.slug(text)"],
  "ALTER FUNCTION public.slug(text) SECURITY DEFINER": ["changed function public.slug(text)"],
  "ALTER FUNCTION public.slug(text) STRICT": ["changed function public.slug(text)"],
  "ALTER FUNCTION public.slug(text) LEAKPROOF": ["changed function public.slug(text)"],
  "ALTER FUNCTION public.slug(text) PARALLEL RESTRICTED": ["changed function public.slug(text)"],
  "ALTER FUNCTION public.slug(text) COST 5": ["changed function public.slug(text)"],
  "ALTER FUNCTION public.slug(text) SET search_path = ''": ["changed function public.slug(text)"],
  "CREATE OR REPLACE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$":
    ["changed function public.touch()"],
  "DROP PROCEDURE sales.close_day": ["missing procedure sales.close_day(date)"],
  "CREATE OR REPLACE PROCEDURE sales.close_day(day date) LANGUAGE sql AS $$ SELECT day + 1 $$": [
    "changed procedure sales.close_day(date)",
  ],
  "ALTER FUNCTION public.slug(text) SUPPORT textlike_support": [
    "changed function public.slug(text)",
  ],
  "ALTER PROCEDURE sales.close_day(date) SECURITY DEFINER": [
    "changed procedure sales.close_day(date)",
  ],
  "ALTER FUNCTION public.slug(text) RENAME TO slugged": [
    "missing function public.slug(text)",
    "unexpected function public.slugged(text)",
  ],
  "CREATE OR REPLACE FUNCTION public.slug(name text DEFAULT 'x') RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS E'\\n  SELECT regexp_replace(lower(name), \\'[^a-z0-9]+\\', \\'-\\', \\'g\\')\\n'":
    ["changed function public.slug(text)"],
  "DROP AGGREGATE public.add_up(numeric)": ["missing aggregate public.add_up(numeric)"],
  "CREATE OR REPLACE AGGREGATE public.add_up (numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '1', PARALLEL = SAFE)":
    ["changed aggregate public.add_up(numeric)"],
  "CREATE OR REPLACE AGGREGATE public.add_up (numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '0', PARALLEL = SAFE)":
    ["changed aggregate public.add_up(numeric)"],
  "CREATE OR REPLACE AGGREGATE public.add_up (numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0')":
    ["changed aggregate public.add_up(numeric)"],
  "CREATE OR REPLACE AGGREGATE public.add_up (numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0', COMBINEFUNC = numeric_add, PARALLEL = SAFE)":
    ["changed aggregate public.add_up(numeric)"],
  "CREATE AGGREGATE public.longest (text) (SFUNC = textcat, STYPE = text)": [
    "unexpected aggregate public.longest(text)",
  ],
};
