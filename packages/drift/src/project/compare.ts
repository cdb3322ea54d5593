/** Two catalogs become findings: what differs, how bad it is, and what of it is allowed. */
import { unmodelledWarnings } from "../catalog/objects.ts";
import { type Finding, toFinding } from "../model/finding.ts";
import type { CatalogObject } from "../model/object.ts";
import { paired } from "../model/pairs.ts";
import { rank } from "../model/severity.ts";
import { type Allowed, applyExceptions, type StaleException } from "./exceptions.ts";
import { withoutIgnored } from "./ignore.ts";
import type { Rules } from "./project.ts";

export type Compared = {
  /** Both sides without what is ignored. */
  expected: CatalogObject[];
  actual: CatalogObject[];
  /** The worst first. */
  findings: Finding[];
  allowed: Allowed[];
  stale: StaleException[];
  warnings: string[];
};

export function compare(
  wanted: CatalogObject[],
  found: CatalogObject[],
  { ignored, exceptions }: Rules,
): Compared {
  const expected = withoutIgnored(wanted, ignored);
  const actual = withoutIgnored(found, ignored);
  const all = paired(expected, actual)
    .differences.map(toFinding)
    .sort((one, other) => rank(other.severity) - rank(one.severity));
  const warnings = unmodelledWarnings(actual);
  return { expected, actual, warnings, ...applyExceptions(all, exceptions) };
}
