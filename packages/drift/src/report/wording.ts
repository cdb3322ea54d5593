/** Sentences that several formats share. */

import type { Finding } from "../model/finding.ts";
import { qualifiedName } from "../model/object.ts";
import { count, oneLine } from "../model/words.ts";
import type { Report } from "./report.ts";

export function titleOf(finding: Pick<Finding, "change" | "kind" | "schema" | "name">): string {
  return `${finding.change} ${finding.kind} ${qualifiedName(finding)}`;
}

/** File and line, as editors open it; null when no file declares the object. */
export function placeOf({ declaredIn, line }: Finding): string | null {
  if (declaredIn === null) return null;
  return line === null ? declaredIn : `${declaredIn}:${line}`;
}

/** What was compared, as in "6 objects of the declared schema compared with shop". */
export function comparison({ database, objects, expected }: Report): string {
  const sides = {
    declared: "the declared schema",
    "applied migrations": "the applied migrations",
    snapshot: "the snapshot",
  };
  return `${count(objects, "object")} of ${sides[expected]} compared with ${database}`;
}

/** The result in two parts: "no drift", and how much of what. */
export function verdict({ findings, pending, staleExceptions, allowed, faults, drift }: Report): {
  result: string;
  counts: string;
} {
  const number = (change: Finding["change"]) =>
    findings.filter((finding) => finding.change === change).length;
  const counts = [
    [number("missing"), "missing"],
    [number("unexpected"), "unexpected"],
    [number("changed"), "changed"],
    [number("renamed"), "renamed"],
    [staleExceptions.length, "stale exception", "s"],
    [drift ? pending.length : 0, "pending"],
    [drift ? faults.length : 0, "history fault", "s"],
    [allowed.length, "allowed"],
  ] as const;
  const shown = counts
    .filter(([number]) => number > 0)
    .map(([number, noun, plural = ""]) => `${number} ${noun}${number === 1 ? "" : plural}`);
  return { result: drift ? "drift" : "no drift", counts: shown.join(", ") };
}

/** What mends a finding, one entry a statement or remark; what destroys is said before it. No name in a remark ends it. */
export function repairOf({ repair, destroys, unrepaired }: Finding): string[] {
  return [
    ...(destroys === null ? [] : [`-- DESTRUCTIVE: ${oneLine(destroys)}`]),
    ...repair.map((sql) => `${sql};`),
    ...(unrepaired === null ? [] : [`-- ${oneLine(unrepaired)}`]),
  ];
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
