/**
 * How bad a difference is, as a table: the first rule that fits decides, and what no rule names is major.
 *
 * Critical is what lets wrong or foreign data in or out and shows nowhere else: a rule or a protection that is weaker
 * than declared. Minor is what no query's result depends on.
 */
import { type Difference, objectOf } from "./diff.ts";

/** From the least to the worst. */
export const severities = ["minor", "major", "critical"] as const;
export type Severity = (typeof severities)[number];

type Rule = {
  severity: Severity;
  kind?: RegExp;
  name?: RegExp;
  change?: Difference["change"][];
  /** Stands in the expected definition. */
  expected?: RegExp;
  /** Stands in the actual definition. */
  actual?: RegExp;
  /** Stands in the expected definition and no longer in the actual one. */
  lost?: RegExp;
  /** Stands in the actual definition and not in the expected one. */
  gained?: RegExp;
  /** Nothing but this differs between the two definitions. */
  only?: RegExp;
  /** Nothing but the order of these differs. */
  order?: RegExp;
};

/** What only costs time or space: how rows are stored, packed, ordered and counted. */
const COSTS =
  /(SET )?(STORAGE|COMPRESSION) \w+|(ALTER COLUMN \d+ )?SET STATISTICS -?\d+|(SET|INDEX WITH|WITH) \([^)]*\)|\bCLUSTER\b|CACHE \d+/g;

const rules: Rule[] = [
  // A query by the old name fails; that of a rule or a sequence stands in no query.
  { severity: "critical", kind: /^(table|column)$/, change: ["renamed"] },
  { severity: "minor", change: ["renamed"] },

  // Row-level security, policies and rights.
  { severity: "critical", lost: /ENABLE ROW LEVEL SECURITY/ },
  { severity: "critical", lost: /FORCE ROW LEVEL SECURITY/ },
  { severity: "critical", kind: /^policy$/ },
  { severity: "critical", kind: /^role$/, change: ["unexpected"] },
  { severity: "critical", kind: /^role$/, gained: /BYPASSRLS|SUPERUSER|MEMBER OF/ },
  { severity: "critical", kind: /^grant$/, name: / to PUBLIC$/, change: ["unexpected", "changed"] },
  { severity: "critical", kind: /^default privilege$/, name: / to PUBLIC$/ },
  { severity: "critical", kind: /^(function|procedure)$/, gained: /SECURITY DEFINER/ },
  { severity: "critical", kind: /^view$/, lost: /security_(barrier|invoker)=(true|on|1)/ },

  // The rule holds. Only ON CONFLICT ON CONSTRAINT tells that it is none.
  { severity: "minor", kind: /^index$/, change: ["changed"], actual: /^UNIQUE/ },
  { severity: "major", kind: /^constraint$/, change: ["changed"], actual: /^CREATE UNIQUE INDEX/ },

  // Rules that keep data right: gone, or there and switched off.
  { severity: "critical", kind: /^(schema|table|column)$/, change: ["missing"] },
  { severity: "critical", kind: /^(domain )?constraint$|^(trigger|rule)$/, change: ["missing"] },
  {
    severity: "critical",
    gained: /NOT VALID|NOT ENFORCED|\bDISABLED?\b|ENABLE REPLICA|\bINVALID\b/,
  },
  { severity: "minor", kind: /^(table|column|constraint|index|materialized view)$/, only: COSTS },
  { severity: "critical", kind: /constraint$/, change: ["changed"] },
  {
    severity: "critical",
    kind: /^index$/,
    change: ["missing", "changed"],
    expected: /^CREATE UNIQUE/,
  },
  { severity: "critical", kind: /^(column|domain)$/, lost: /NOT NULL/ },

  // Only what sorts or compares labels sees it, and Prisma itself adds them at the end.
  { severity: "minor", kind: /^enum$/, change: ["changed"], order: /'(?:[^']|'')*'/g },

  // What informs, and what is too much and keeps nothing out.
  { severity: "minor", kind: /^(comment|statistics object|not null)$/ },
  { severity: "minor", kind: /^index$/, change: ["unexpected"], gained: /^CREATE INDEX/ },
];

export function severityOf(difference: Difference): Severity {
  const expected = "expected" in difference ? difference.expected.definition : "";
  const actual = "actual" in difference ? difference.actual.definition : "";
  const { kind, name } = objectOf(difference);
  const fits = (rule: Rule) =>
    (rule.kind?.test(kind) ?? true) &&
    (rule.name?.test(name) ?? true) &&
    (rule.change?.includes(difference.change) ?? true) &&
    (rule.expected?.test(expected) ?? true) &&
    (rule.actual?.test(actual) ?? true) &&
    (!rule.lost || (rule.lost.test(expected) && !rule.lost.test(actual))) &&
    (!rule.gained || (rule.gained.test(actual) && !rule.gained.test(expected))) &&
    (!rule.order || isReordered(rule.order, expected, actual)) &&
    (!rule.only ||
      (difference.change === "changed" &&
        without(rule.only, expected) === without(rule.only, actual)));
  return rules.find(fits)?.severity ?? "major";
}

/** Whether a finding of severity `one` counts where `least` is the least that does. */
export function isAtLeast(one: Severity, least: Severity): boolean {
  return rank(one) >= rank(least);
}

export function rank(severity: Severity): number {
  return severities.indexOf(severity);
}

function isReordered(pattern: RegExp, expected: string, actual: string): boolean {
  const items = (text: string) => (text.match(pattern) ?? []).sort().join("\n");
  return items(expected) === items(actual);
}

function without(pattern: RegExp, text: string): string {
  return text
    .replace(pattern, "")
    .replace(/[\s;]+/g, " ")
    .trim();
}
