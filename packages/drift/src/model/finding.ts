/** A difference as people are told of it: how bad it is, where the object is declared, what mends it. */
import { type Difference, objectOf } from "./diff.ts";
import { keyOf, qualifiedName } from "./object.ts";
import { type Severity, severityOf } from "./severity.ts";

export type Finding = {
  change: Difference["change"];
  severity: Severity;
  kind: string;
  schema: string;
  name: string;
  /** Key of the object that this one belongs to, or empty. */
  parent: string;
  expected: string | null;
  actual: string | null;
  /** The file that declares the object; null when no file does. */
  declaredIn: string | null;
  /** The line in that file, from 1; null when it is not known for sure. */
  line: number | null;
  /** The statements that mend it, in order; none where they were not asked for or not found. */
  repair: string[];
  /** What they lose for good, in words. */
  destroys: string | null;
  /** Why it, or a part of it, has none. */
  unrepaired: string | null;
};

/** Where an object is declared. */
export type Place = { path: string; line: number | null };

/** The difference alone: the place and the repair are still to be found. */
export function toFinding(difference: Difference): Finding {
  const { kind, schema, name, parent } = objectOf(difference);
  const [expected, actual] = textsOf(difference);
  return {
    change: difference.change,
    severity: severityOf(difference),
    kind,
    schema,
    name,
    parent,
    expected,
    actual,
    declaredIn: null,
    line: null,
    repair: [],
    destroys: null,
    unrepaired: null,
  };
}

/** Of what has only another name the names are what differs; of what is kept in another way, also the way. */
function textsOf(difference: Difference): [expected: string | null, actual: string | null] {
  if (difference.change === "missing") return [difference.expected.definition, null];
  if (difference.change === "unexpected") return [null, difference.actual.definition];
  const { change, expected, actual } = difference;
  if (change === "renamed") return [qualifiedName(expected), qualifiedName(actual)];
  if (expected.kind === actual.kind) return [expected.definition, actual.definition];
  const [wanted = "", found = ""] = [expected, actual].map(({ kind, name, definition }) =>
    kind === "constraint"
      ? `CONSTRAINT ${name.slice(name.lastIndexOf(".") + 1)} ${definition}`
      : definition,
  );
  return [wanted, found];
}

/** The same findings, each with the place that one of the maps has under its key. */
export function withPlaces(findings: Finding[], ...maps: Map<string, Place>[]): Finding[] {
  return findings.map((finding) => {
    const place = maps.map((places) => places.get(keyOf(finding))).find((found) => found);
    return place ? { ...finding, declaredIn: place.path, line: place.line } : finding;
  });
}
