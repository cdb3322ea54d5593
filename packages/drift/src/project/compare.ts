/** Two states become a report: what differs, how bad it is, where it is declared, and what of it is allowed. */

import { unmodelledWarnings } from "../catalog/objects.ts";
import type { Options } from "../commands/options.ts";
import { diff } from "../model/diff.ts";
import type { CatalogObject } from "../model/object.ts";
import { isAtLeast, rank, type Severity } from "../model/severity.ts";
import { type Report, toFinding } from "../report/report.ts";
import { applyExceptions, type Exception, readExceptions } from "./exceptions.ts";
import { type Ignored, readIgnored, withoutIgnored } from "./ignore.ts";
import type { Place } from "./provenance.ts";

export type State = {
  objects: CatalogObject[];
  /** Where the objects are declared, by key. Asked only for what differs, since the answer costs another replay. */
  places(objects: CatalogObject[]): Promise<Map<string, Place>>;
};

/** For a state that no file declares. */
export const NOWHERE: State["places"] = async () => new Map();

export type Rules = { ignored: Ignored; exceptions: Exception[]; failOn: Severity };

export type Compared = Pick<
  Report,
  "findings" | "repair" | "allowed" | "staleExceptions" | "objects" | "warnings" | "drift"
>;

export async function compare(
  expected: State,
  actual: State,
  { ignored, exceptions, failOn }: Rules,
): Promise<Compared> {
  const wanted = withoutIgnored(expected.objects, ignored);
  const found = withoutIgnored(actual.objects, ignored);
  const differences = diff(wanted, found);
  const declared = differences.flatMap((one) => ("expected" in one ? [one.expected] : []));
  const extra = differences.flatMap((one) => (one.change === "unexpected" ? [one.actual] : []));
  const places = new Map([
    ...(declared.length > 0 ? await expected.places(declared) : []),
    ...(extra.length > 0 ? await actual.places(extra) : []),
  ]);
  const all = differences
    .map((difference) => toFinding(difference, places))
    .sort((one, other) => rank(other.severity) - rank(one.severity));
  const { findings, allowed, stale } = applyExceptions(all, exceptions);
  return {
    findings,
    repair: null,
    allowed,
    staleExceptions: stale,
    objects: wanted.length,
    warnings: unmodelledWarnings(found),
    drift: stale.length > 0 || findings.some(({ severity }) => isAtLeast(severity, failOn)),
  };
}

export async function readRules({
  ignoreFile,
  ignore,
  allowFile,
  failOn,
}: Pick<Options, "ignoreFile" | "ignore" | "allowFile" | "failOn">): Promise<Rules> {
  const [ignored, exceptions] = await Promise.all([
    readIgnored(ignoreFile, ignore),
    readExceptions(allowFile),
  ]);
  return { ignored, exceptions, failOn };
}
