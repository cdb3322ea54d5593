/** What PostgreSQL prints becomes what it prints once that has been run, and nothing else is changed. */
import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { settledText } from "../src/catalog/kinds/settled-text.ts";
import { formatSnapshot, openSnapshot } from "../src/project/snapshot.ts";

describe("the cast of a listed array becomes casts of its items", () => {
  const pairs = {
    "(x = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))":
      "(x = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))",
    "((ARRAY['a'::character varying, NULL::character varying])::text[])":
      "(ARRAY[('a'::character varying)::text, (NULL::character varying)::text])",
    "((ARRAY[1, '-2'::integer])::double precision[])":
      "(ARRAY[(1)::double precision, ('-2'::integer)::double precision])",
    "((ARRAY['a'::text, b])::character varying(3)[])":
      "(ARRAY[('a'::text)::character varying(3), (b)::character varying(3)])",
    "((ARRAY[a, '1'::text])::timestamp(3) with time zone[])":
      "(ARRAY[(a)::timestamp(3) with time zone, ('1'::text)::timestamp(3) with time zone])",
    '((ARRAY[lower("A"), \'b\'::text])::public."Mood"[])':
      '(ARRAY[(lower("A"))::public."Mood", (\'b\'::text)::public."Mood"])',
    "((ARRAY[f(1, 2), (g)::text])::name[])": "(ARRAY[(f(1, 2))::name, ((g)::text)::name])",
    "((ARRAY['a'::text,\nCASE\n    WHEN ((ARRAY[1])::bigint[] = b) THEN 'c'::text\nEND])::name[])":
      "(ARRAY[('a'::text)::name, (\nCASE\n    WHEN (ARRAY[(1)::bigint] = b) THEN 'c'::text\nEND)::name])",
    "((ARRAY['it''s'::name, '])::text[]'::name, E'\\\\(ARRAY['::name])::text[])":
      "(ARRAY[('it''s'::name)::text, ('])::text[]'::name)::text, (E'\\\\(ARRAY['::name)::text])",
  };
  for (const [before, after] of Object.entries(pairs)) {
    test(before, () => {
      expect(settledText(before)).toBe(after);
      expect(settledText(after)).toBe(after);
    });
  }
});

describe("the first of several that are joined by one word loses its brackets", () => {
  const pairs = {
    "(((x = a) OR (x = b)) OR (x = c))": "((x = a) OR (x = b) OR (x = c))",
    "((((x <> a) AND b) AND c) AND d)": "((x <> a) AND b AND c AND d)",
    "(((a OR b) OR\nCASE\n    WHEN c THEN d\nEND) AND e)":
      "((a OR b OR\nCASE\n    WHEN c THEN d\nEND) AND e)",
    "(((\"a OR b\" = ' OR '::text) OR c) OR d)": "((\"a OR b\" = ' OR '::text) OR c OR d)",
  };
  for (const [before, after] of Object.entries(pairs)) {
    test(before, () => {
      expect(settledText(before)).toBe(after);
      expect(settledText(after)).toBe(after);
    });
  }
});

describe("this stays as it is", () => {
  for (const definition of [
    "(x = ANY (ARRAY['a'::text, 'b'::text]))",
    "((ARRAY['a'::text, 'b'::text])::public.words)",
    "((ARRAY['a'::text, 'b'::text])[1] = x)",
    "unnest(ARRAY['a'::text])::name[]",
    // The items may be arrays, which are cast to the type of the whole.
    "((ARRAY[a, b])::text[])",
    "((ARRAY[('{a}'::text)::name[], b])::text[])",
    "((ARRAY[ARRAY['a'::name], ARRAY['b'::name]])::text[])",
    "(a OR (b OR c))",
    "((a AND b) OR (c AND d) OR e)",
    "((a AND b) OR c)",
    "(f((a OR b), c) OR d)",
    "((a OR b AND c) AND d)",
    "'((a OR b) OR c) and (ARRAY[''a''::name])::text[]'",
    'CHECK ("((a OR b) OR c)" AND "(ARRAY[1])::text[]" AND x)',
    "AS $function$ SELECT ((a OR b) OR c), (ARRAY['it''s'::name])::text[] $function$",
  ]) {
    test(definition, () => expect(settledText(definition)).toBe(definition));
  }
});

describe("whatever the strings of a list hold", () => {
  const awkward = fc.constantFrom(
    "'",
    '"',
    "(ARRAY[",
    "])::text[]",
    "$$",
    "$a$",
    ", ",
    " OR ",
    "\n",
  );
  const value = fc.oneof(
    fc.string(),
    fc.array(awkward).map((parts) => parts.join("")),
  );
  const list = fc.array(value, { minLength: 1, maxLength: 5 });
  const quoted = (value: string) => {
    const text = value.replaceAll("'", "''").replaceAll("\\", "\\\\");
    return `${value.includes("\\") ? "E" : ""}'${text}'`;
  };
  const inList = (values: string[]) =>
    `CHECK (((x)::text = ANY ((ARRAY[${values.map((value) => `${quoted(value)}::name`).join(", ")}])::text[])))`;
  const settled = (values: string[]) =>
    `CHECK (((x)::text = ANY (ARRAY[${values.map((value) => `(${quoted(value)}::name)::text`).join(", ")}])))`;

  test("both prints become one", () => {
    fc.assert(
      fc.property(list, (values) => {
        expect(settledText(inList(values))).toBe(settled(values));
        expect(settledText(settled(values))).toBe(settled(values));
      }),
      { numRuns: 500 },
    );
  });

  test("other values stay another text", () => {
    fc.assert(
      fc.property(list, list, (one, other) => {
        expect(settledText(inList(one)) === settledText(inList(other))).toBe(
          Bun.deepEquals(one, other),
        );
      }),
    );
  });

  test("any text is settled at once", () => {
    const pieces = fc.constantFrom(
      ..."( ) [ ] , ' \" $a$ a 1 \n (ARRAY[ ])::text[] ::name".split(" "),
      " OR ",
      " AND ",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        const once = settledText(parts.join(""));
        expect(settledText(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });
});

test("a snapshot that holds the first print is read as one that holds the second", async () => {
  const folder = await mkdtemp(join(tmpdir(), "drift-snapshot-"));
  try {
    const path = join(folder, "drift.snapshot.json");
    const first = "CHECK ((a = ANY ((ARRAY['x'::character varying])::text[])))";
    const object = { kind: "constraint", schema: "public", name: "t.k", parent: "table public.t" };
    const scope = { schemas: ["public"], owners: false, grants: true };
    const objects = [{ ...object, definition: first }];
    await Bun.write(path, formatSnapshot({ scope, objects, declaredIn: new Map() }));
    expect((await openSnapshot(path)).objects).toEqual([
      { ...object, definition: "CHECK ((a = ANY (ARRAY[('x'::character varying)::text])))" },
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
