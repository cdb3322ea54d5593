import type { Mutations } from "./mutation.ts";

/** Operators, text search and foreign data. */
export const operators: Mutations = {
  "DROP OPERATOR public.=== (text, text)": ["missing operator public.===(text, text)"],
  "ALTER OPERATOR public.=== (text, text) SET (RESTRICT = NONE)": [
    "changed operator public.===(text, text)",
  ],
  "ALTER OPERATOR public.=== (text, text) SET (JOIN = eqjoinsel)": [
    "changed operator public.===(text, text)",
  ],
  "CREATE OPERATOR public.!== (LEFTARG = text, RIGHTARG = text, FUNCTION = textne)": [
    "unexpected operator public.!==(text, text)",
  ],
  "DROP OPERATOR CLASS sales.word_ops USING btree": [
    "changed operator family sales.words USING btree",
    "missing operator class sales.word_ops USING btree",
  ],
  "DROP OPERATOR FAMILY sales.words USING btree": [
    "missing operator family sales.words USING btree",
  ],
  "ALTER OPERATOR FAMILY sales.words USING btree ADD OPERATOR 1 < (name, name)": [
    "changed operator family sales.words USING btree",
  ],
  "CREATE OPERATOR CLASS public.name_words FOR TYPE name USING hash AS OPERATOR 1 =, FUNCTION 1 hashname(name)":
    ["unexpected operator family public.name_words USING hash"],
  "DROP TEXT SEARCH CONFIGURATION public.plain": ["missing text search configuration public.plain"],
  "ALTER TEXT SEARCH CONFIGURATION public.plain ADD MAPPING FOR email WITH simple": [
    "changed text search configuration public.plain",
  ],
  "ALTER TEXT SEARCH CONFIGURATION public.plain ALTER MAPPING FOR word WITH english_stem, public.plain":
    ["changed text search configuration public.plain"],
  "ALTER TEXT SEARCH CONFIGURATION public.plain DROP MAPPING FOR word": [
    "changed text search configuration public.plain",
  ],
  "CREATE TEXT SEARCH CONFIGURATION sales.english (COPY = english)": [
    "unexpected text search configuration sales.english",
  ],
  "ALTER TEXT SEARCH DICTIONARY public.plain (STOPWORDS = german)": [
    "changed text search dictionary public.plain",
  ],
  "ALTER TEXT SEARCH DICTIONARY public.plain (ACCEPT = false)": [
    "changed text search dictionary public.plain",
  ],
  "CREATE TEXT SEARCH DICTIONARY public.more (TEMPLATE = simple)": [
    "unexpected text search dictionary public.more",
  ],
  "CREATE TEXT SEARCH TEMPLATE public.more (LEXIZE = dsimple_lexize)": [
    "unexpected text search template public.more",
  ],
  "CREATE TEXT SEARCH PARSER public.more (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)":
    ["unexpected text search parser public.more"],
  "ALTER TEXT SEARCH TEMPLATE public.plain RENAME TO fancy": [
    "changed text search dictionary public.plain",
    "missing text search template public.plain",
    "unexpected text search template public.fancy",
  ],
  "ALTER TEXT SEARCH PARSER public.plain RENAME TO fancy": [
    "changed text search configuration public.plain",
    "missing text search parser public.plain",
    "unexpected text search parser public.fancy",
  ],
  "DROP FOREIGN DATA WRAPPER wire CASCADE": [
    "missing foreign data wrapper wire",
    "missing foreign table sales.stock",
  ],
  "ALTER FOREIGN DATA WRAPPER wire OPTIONS (SET timeout '9')": [
    "changed foreign data wrapper wire",
  ],
  "CREATE FOREIGN DATA WRAPPER other VALIDATOR postgresql_fdw_validator": [
    "unexpected foreign data wrapper other",
  ],
  "ALTER SERVER far OPTIONS (SET host 'near.example')": ["changed foreign server far"],
  "ALTER SERVER far VERSION '3'": ["changed foreign server far"],
  "CREATE SERVER near FOREIGN DATA WRAPPER wire": ["unexpected foreign server near"],
  "DROP USER MAPPING FOR PUBLIC SERVER far": ["missing user mapping for PUBLIC server far"],
  "CREATE USER MAPPING FOR pg_monitor SERVER far OPTIONS (password 'hidden')": [
    "unexpected user mapping for pg_monitor server far",
  ],
  "DROP OPERATOR CLASS sales.word_ops USING btree; CREATE OPERATOR CLASS sales.word_ops FOR TYPE bpchar USING btree FAMILY sales.words AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 bpcharcmp(bpchar, bpchar)":
    [
      "changed operator class sales.word_ops USING btree",
      "changed operator family sales.words USING btree",
    ],
  "DROP TEXT SEARCH PARSER public.plain CASCADE; CREATE TEXT SEARCH PARSER public.plain (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)":
    ["changed text search parser public.plain", "missing text search configuration public.plain"],
  "DROP TEXT SEARCH TEMPLATE public.plain CASCADE; CREATE TEXT SEARCH TEMPLATE public.plain (INIT = dsimple_init, LEXIZE = dispell_lexize)":
    [
      "changed text search template public.plain",
      "missing text search dictionary public.plain",
      "missing text search configuration public.plain",
    ],
};
