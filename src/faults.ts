/**
 * What a schema found wrong, in words for people: no word of the library's own, one fault a field, the first. What a schema
 * says itself goes before it.
 */
import { z } from "zod";
import type { FieldError } from "./errors.ts";

/** A caller has use for the first few; a body made of nothing but faults shall not come back many times as long. */
const MAX_ERRORS = 50;
/** More are no help in a sentence; the document has them. */
const MOST_VALUES = 12;

const TYPES = new Map([
  ["string", "text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "an object"],
  ["record", "an object"],
  ["null", "null"],
  ["date", "a date"],
]);

const FORMS = new Map([
  ["email", "an e-mail address, such as ada@example.com"],
  ["url", "a URL"],
  ["uuid", "an id, as answers have them"],
  ["datetime", "a moment with its zone, such as 2026-01-31T12:00:00Z"],
  ["date", "a date, such as 2026-01-31"],
  ["base64url", "base64url"],
  ["base64", "base64"],
  ["ipv4", "an IP address"],
  ["ipv6", "an IP address"],
]);

/** How the sentence begins, where a schema says nothing itself. */
const UNKNOWN = "Unknown: ";

z.config({ customError: inWords });

function inWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? "Is required"
        : `Must be ${TYPES.get(issue.expected) ?? "of another type"}`;
    case "invalid_value":
      return ofValues(issue.values.map(String), issue.expected === "stringbool");
    case "invalid_format":
      return FORMS.has(issue.format) ? `Must be ${FORMS.get(issue.format)}` : "Has the wrong form";
    case "too_small":
      return tooSmall(issue.origin, Number(issue.minimum));
    case "too_big":
      // Of no limit of ours: what is no exact number any more.
      if (issue.maximum === Number.MAX_SAFE_INTEGER) return "Is too large";
      return `May ${sizeOf(issue.origin, Number(issue.maximum))} at most`;
    case "not_multiple_of":
      return `Must be a multiple of ${issue.divisor}`;
    // Of several together; callers are told of each in its place.
    case "unrecognized_keys":
      return `${UNKNOWN}${issue.keys.join(", ")}`;
    case "invalid_union":
      return issue.discriminator && Array.isArray(issue.options)
        ? ofValues(issue.options.map(String))
        : "Has the wrong form";
    default:
      return "Is not valid";
  }
}

function ofValues(values: string[], isFlag = false): string {
  if (isFlag) return "Must be true or false";
  if (values.length === 1) return `Must be ${values[0]}`;
  if (values.length > MOST_VALUES) return "Is not one of the values that there are";
  return `Must be one of: ${values.join(", ")}`;
}

function tooSmall(origin: string, least: number): string {
  const isSized = origin === "string" || origin === "array" || origin === "set";
  if (isSized && least === 1) return "May not be empty";
  return isSized ? `Must ${sizeOf(origin, least)} at least` : `Must be ${least} or more`;
}

function sizeOf(origin: string, size: number): string {
  if (origin === "string") return `have ${size} characters`;
  return origin === "array" || origin === "set" ? `have ${size} entries` : `be ${size}`;
}

/** What a schema found, as callers are told it. */
export function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const first = new Map<string, FieldError>();
  for (const { path, message } of issues.slice(0, MAX_ERRORS).flatMap((issue) => flat(issue, [])))
    if (!first.has(path)) first.set(path, { path, message });
  return [...first.values()].slice(0, MAX_ERRORS);
}

/** Of alternatives the one that was meant: that which knows most of what is there, and misses least. */
function flat(issue: z.core.$ZodIssue, above: PropertyKey[]): FieldError[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    // Unless the schema knows better.
    const message = issue.message.startsWith(UNKNOWN) ? "Unknown field" : issue.message;
    return issue.keys.map((key) => ({ path: toPath([...path, key]), message }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const [meant = []] = issue.errors.toSorted((one, other) => weightOf(one) - weightOf(other));
    return meant.flatMap((each) => flat(each, path));
  }
  return [{ path: toPath(path), message: issue.message }];
}

function weightOf(issues: readonly z.core.$ZodIssue[]): number {
  const unknown = issues.flatMap((issue) => ("keys" in issue ? issue.keys : []));
  return 100 * unknown.length + issues.length;
}

function toPath(path: PropertyKey[]): string {
  return path.map(String).join(".");
}
