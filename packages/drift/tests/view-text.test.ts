/** The text of a view on PostgreSQL 15 becomes what later servers print, and theirs stays as it is. */
import { describe, expect, test } from "bun:test";
import { withoutOnlyTable } from "../src/catalog/kinds/view-text.ts";

describe("the only table of the query is not named before its columns", () => {
  const pairs = {
    "AS SELECT t.a,\n    lower(t.b) AS lower\n   FROM public.t\n  WHERE (t.a > 1)\n  ORDER BY t.a":
      "AS SELECT a,\n    lower(b) AS lower\n   FROM public.t\n  WHERE (a > 1)\n  ORDER BY a",
    "AS SELECT x.a FROM public.t x": "AS SELECT a FROM public.t x",
    'AS SELECT "T".a FROM public."T"': 'AS SELECT a FROM public."T"',
    "AS SELECT t.a FROM t.t WHERE (t.a = 't.a'::text)":
      "AS SELECT a FROM t.t WHERE (a = 't.a'::text)",
    "AS SELECT g.n FROM generate_series(1, 3) g(n)": "AS SELECT n FROM generate_series(1, 3) g(n)",
    "AS SELECT g.n FROM generate_series(1, 3) WITH ORDINALITY g(n, o)":
      "AS SELECT n FROM generate_series(1, 3) WITH ORDINALITY g(n, o)",
    "AS SELECT s.a FROM ( SELECT t.a FROM public.t) s":
      "AS SELECT a FROM ( SELECT t.a FROM public.t) s",
    "AS WITH c AS ( SELECT t.a FROM public.t) SELECT c.a FROM c":
      "AS WITH c AS ( SELECT t.a FROM public.t) SELECT a FROM c",
    "WITH (security_barrier=true) AS SELECT (t.a).x AS x FROM public.t WITH NO DATA":
      "WITH (security_barrier=true) AS SELECT (a).x AS x FROM public.t WITH NO DATA",
    "AS SELECT t.a FROM public.t; ALTER COLUMN a SET DEFAULT 1":
      "AS SELECT a FROM public.t; ALTER COLUMN a SET DEFAULT 1",
  };
  for (const [before, after] of Object.entries(pairs)) {
    test(after, () => {
      expect(withoutOnlyTable(before)).toBe(after);
      expect(withoutOnlyTable(after)).toBe(after);
    });
  }
});

describe("all servers name the table", () => {
  for (const definition of [
    "AS SELECT a.x, b.y FROM (public.a JOIN public.b ON ((a.x = b.x)))",
    "AS SELECT a.x, b.y FROM public.a, public.b",
    "AS SELECT a.x FROM public.a UNION SELECT b.x FROM public.b",
    "AS SELECT t.*::public.t AS t FROM public.t",
    "AS SELECT 1 AS one",
  ]) {
    test(definition, () => expect(withoutOnlyTable(definition)).toBe(definition));
  }

  test("within a sub-query", () => {
    expect(
      withoutOnlyTable(
        "AS SELECT t.a FROM public.t WHERE (EXISTS ( SELECT 1 FROM public.u WHERE (u.a = t.a)))",
      ),
    ).toBe("AS SELECT a FROM public.t WHERE (EXISTS ( SELECT 1 FROM public.u WHERE (u.a = t.a)))");
  });
});
