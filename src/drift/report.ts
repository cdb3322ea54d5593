/** The result of a check, before it has a format. */
import { type Difference, objectOf } from "./diff.ts";
import { keyOf } from "./object.ts";

export type Finding = {
  change: Difference["change"];
  kind: string;
  schema: string;
  name: string;
  /** Key of the object that this one belongs to, or empty. */
  parent: string;
  expected: string | null;
  actual: string | null;
  /** The file that declares the object; null when no file does. */
  declaredIn: string | null;
};

export type Report = {
  database: string;
  /** What live was compared with: the declared schema, or the migrations that are applied while others are pending. */
  expected: "declared" | "applied migrations";
  findings: Finding[];
  /** Migrations of the folder that are not applied yet. */
  pending: string[];
  /** Number of objects that were expected. */
  objects: number;
  /** What the reader must know to trust the result. */
  warnings: string[];
  /** True when the check says no: findings, or pending migrations that are counted as drift. */
  drift: boolean;
};

/** A difference with all that the formats show of it. */
export function toFinding(difference: Difference, declaredIn: Map<string, string>): Finding {
  const { kind, schema, name, parent } = objectOf(difference);
  return {
    change: difference.change,
    kind,
    schema,
    name,
    parent,
    expected: "expected" in difference ? difference.expected.definition : null,
    actual: "actual" in difference ? difference.actual.definition : null,
    declaredIn: declaredIn.get(keyOf({ kind, schema, name })) ?? null,
  };
}
