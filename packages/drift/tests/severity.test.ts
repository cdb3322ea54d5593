/** How bad a difference is. What weakens a rule or a protection is critical, however small the change looks. */
import { expect, test } from "bun:test";
import type { Difference } from "../src/model/diff.ts";
import { isAtLeast, type Severity, severityOf } from "../src/model/severity.ts";

const object = (kind: string, definition: string, name = "x") => ({
  ...{ kind, definition, schema: "public", name, parent: "" },
});
const missing = (kind: string, definition = "", name?: string): Difference => ({
  ...{ change: "missing", expected: object(kind, definition, name) },
});
const unexpected = (kind: string, definition = "", name?: string): Difference => ({
  ...{ change: "unexpected", actual: object(kind, definition, name) },
});
const changed = (kind: string, expected: string, actual: string): Difference => ({
  ...{ change: "changed", expected: object(kind, expected), actual: object(kind, actual) },
});

test.each<[Severity, string, Difference]>([
  [
    "critical",
    "row-level security switched off",
    changed("table", "TABLE; ENABLE ROW LEVEL SECURITY", "TABLE"),
  ],
  [
    "critical",
    "row-level security no longer forced",
    changed(
      "table",
      "TABLE; ENABLE ROW LEVEL SECURITY; FORCE ROW LEVEL SECURITY",
      "TABLE; ENABLE ROW LEVEL SECURITY",
    ),
  ],
  [
    "major",
    "row-level security switched on",
    changed("table", "TABLE", "TABLE; ENABLE ROW LEVEL SECURITY"),
  ],
  ["critical", "a policy widened", changed("policy", "USING (a)", "USING (true)")],
  ["critical", "a policy gone", missing("policy")],
  ["critical", "a policy more", unexpected("policy")],
  [
    "critical",
    "a grant to everybody",
    unexpected("grant", "SELECT", "on table public.a to PUBLIC"),
  ],
  ["major", "a grant to somebody", unexpected("grant", "SELECT", "on table public.a to app")],
  [
    "major",
    "a grant to everybody that is gone",
    missing("grant", "SELECT", "on table public.a to PUBLIC"),
  ],
  ["critical", "a CHECK gone", missing("constraint", "CHECK (a > 0)")],
  ["critical", "a CHECK weaker", changed("constraint", "CHECK (a > 0)", "CHECK (true)")],
  [
    "critical",
    "a key not validated",
    changed("constraint", "FOREIGN KEY", "FOREIGN KEY NOT VALID"),
  ],
  ["major", "a CHECK more", unexpected("constraint", "CHECK (a > 0)")],
  ["critical", "a unique index gone", missing("index", "CREATE UNIQUE INDEX x")],
  [
    "critical",
    "a unique index no longer unique",
    changed("index", "CREATE UNIQUE INDEX x", "CREATE INDEX x"),
  ],
  [
    "critical",
    "an index that failed to build",
    changed("index", "CREATE INDEX x", "CREATE INDEX x; INVALID"),
  ],
  ["major", "an index gone", missing("index", "CREATE INDEX x")],
  ["minor", "an index more", unexpected("index", "CREATE INDEX x")],
  ["critical", "a trigger gone", missing("trigger")],
  [
    "critical",
    "a trigger switched off",
    changed("trigger", "CREATE TRIGGER x", "CREATE TRIGGER x; DISABLE"),
  ],
  ["critical", "a column gone", missing("column")],
  ["critical", "NOT NULL lost", changed("column", "text NOT NULL", "text")],
  ["major", "another type", changed("column", "text NOT NULL", "integer NOT NULL")],
  ["minor", "another storage", changed("column", "text; SET STORAGE EXTERNAL", "text")],
  [
    "major",
    "another storage and another type",
    changed("column", "text; SET STORAGE EXTERNAL", "integer"),
  ],
  ["minor", "another statistics target", changed("column", "text; SET STATISTICS 100", "text")],
  ["minor", "other storage options", changed("table", "TABLE WITH (fillfactor=70)", "TABLE")],
  [
    "minor",
    "other storage options of a key",
    changed("constraint", "UNIQUE (a)", "UNIQUE (a); INDEX WITH (fillfactor=50)"),
  ],
  ["major", "a unique index more", unexpected("index", "CREATE UNIQUE INDEX x")],
  [
    "critical",
    "a trigger that fires on replicas alone",
    changed("trigger", "CREATE TRIGGER x", "CREATE TRIGGER x; ENABLE REPLICA"),
  ],
  [
    "critical",
    "a default that everybody gets",
    unexpected("default privilege", "GRANT SELECT", "on tables to PUBLIC"),
  ],
  [
    "critical",
    "a role that evades row-level security and is not declared",
    unexpected("role", "ROLE MEMBER OF owner"),
  ],
  [
    "major",
    "what a publication sends",
    changed(
      "publication",
      "FOR TABLE a WITH (publish = 'insert')",
      "FOR TABLE a WITH (publish = 'update')",
    ),
  ],
  ["minor", "a comment", changed("comment", "a", "b")],
  [
    "critical",
    "a function that runs as its owner",
    changed("function", "AS x", "SECURITY DEFINER AS x"),
  ],
  ["major", "another body", changed("function", "AS x", "AS y")],
  [
    "critical",
    "a role that row-level security does not hold",
    changed("role", "ROLE LOGIN", "ROLE BYPASSRLS LOGIN"),
  ],
  ["major", "anything that no rule names", unexpected("sequence")],
])("%s: %s", (severity, _, difference) => expect(severityOf(difference)).toBe(severity));

test("what is worse counts too", () => {
  expect(isAtLeast("critical", "major")).toBe(true);
  expect(isAtLeast("major", "major")).toBe(true);
  expect(isAtLeast("minor", "major")).toBe(false);
});
