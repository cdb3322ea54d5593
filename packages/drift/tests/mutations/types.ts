import type { Mutations } from "./mutation.ts";

export const types: Mutations = {
  "ALTER TYPE public.order_status ADD VALUE 'lost'": ["changed enum public.order_status"],
  "ALTER TYPE public.order_status ADD VALUE 'new' BEFORE 'open'": [
    "changed enum public.order_status",
  ],
  "ALTER TYPE sales.region RENAME VALUE 'north' TO 'up'": ["changed enum sales.region"],
  "CREATE TYPE public.size AS ENUM ()": ["unexpected enum public.size"],
  "ALTER DOMAIN public.address DROP NOT NULL": ["changed domain public.address"],
  "ALTER DOMAIN public.address SET DEFAULT 'c@d'": ["changed domain public.address"],
  "ALTER DOMAIN public.address DROP DEFAULT": ["changed domain public.address"],
  "ALTER DOMAIN public.address DROP CONSTRAINT address_at": [
    "missing domain constraint public.address.address_at",
  ],
  "ALTER DOMAIN public.address ADD CONSTRAINT long CHECK (length(VALUE) > 2)": [
    "unexpected domain constraint public.address.long",
  ],
  "ALTER DOMAIN public.address DROP CONSTRAINT address_short; ALTER DOMAIN public.address ADD CONSTRAINT address_short CHECK (length(VALUE) < 100) NOT VALID":
    ["changed domain constraint public.address.address_short"],
  "CREATE DOMAIN sales.percent AS numeric(5,2) CHECK (VALUE BETWEEN 0 AND 100)": [
    "unexpected domain sales.percent",
  ],
  "ALTER TYPE sales.money ADD ATTRIBUTE at date": ["changed composite type sales.money"],
  "ALTER TYPE sales.money ALTER ATTRIBUTE amount TYPE numeric(14,2)": [
    "changed composite type sales.money",
  ],
  "ALTER TYPE sales.money RENAME ATTRIBUTE amount TO sum": ["changed composite type sales.money"],
  "DROP TYPE sales.money": ["missing composite type sales.money"],
  "CREATE TYPE public.point3 AS (x integer, y integer, z integer)": [
    "unexpected composite type public.point3",
  ],
  "DROP TYPE sales.prices": ["missing range type sales.prices"],
  "DROP TYPE sales.prices; CREATE TYPE sales.prices AS RANGE (SUBTYPE = numeric, SUBTYPE_DIFF = numrange_subdiff)":
    ["changed range type sales.prices"],
  "DROP TYPE sales.prices; CREATE TYPE sales.prices AS RANGE (SUBTYPE = numeric, MULTIRANGE_TYPE_NAME = sales.many_prices)":
    ["changed range type sales.prices"],
  "CREATE TYPE public.ages AS RANGE (SUBTYPE = integer)": ["unexpected range type public.ages"],
  "DROP COLLATION sales.german": ["missing collation sales.german"],
  "DROP COLLATION sales.german; CREATE COLLATION sales.german (PROVIDER = icu, LOCALE = 'de')": [
    "changed collation sales.german",
  ],
  "DROP COLLATION sales.german; CREATE COLLATION sales.german (PROVIDER = icu, LOCALE = 'sv', DETERMINISTIC = false)":
    ["changed collation sales.german"],
  'CREATE COLLATION public.posix FROM "POSIX"': ["unexpected collation public.posix"],
  "DROP CAST (sales.region AS integer)": ["missing cast (sales.region AS integer)"],
  "DROP CAST (sales.region AS integer); CREATE CAST (sales.region AS integer) WITH FUNCTION sales.place_of(sales.region) AS IMPLICIT":
    ["changed cast (sales.region AS integer)"],
  "CREATE CAST (sales.money AS text) WITH INOUT": ["unexpected cast (sales.money AS text)"],
};
