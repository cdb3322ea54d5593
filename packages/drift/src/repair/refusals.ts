/** Why no statements were found for a difference, in words for whoever has to find them. */
import { codeOf, detailOf, messageOf } from "../model/errors.ts";

export const HELPLESS =
  "The kind is not one that can be repaired, or its definition hides a secret that only you know.";
export const ELSEWHERE = "The role of the trial may do little; --shadow-url names a server for it.";
const LACKS_RIGHT = "42501";

/** Whom the trial's role lacks a right for finds where it can be had. What the copy has not got says nothing by its error. */
export function refusal(error: unknown, isAssumed: boolean): string {
  if (isAssumed)
    return `It could not be put into the copy, and so nothing could be tried. ${ELSEWHERE}`;
  const [message, detail] = [messageOf(error), detailOf(error)];
  if (codeOf(error) === LACKS_RIGHT) return `${message}. ${ELSEWHERE}`;
  return detail === null ? message : `${message}: ${detail}`;
}

/** @param sql what could be used by then. */
export function afterCommit(sql: string, error: string): string {
  return `What is new here is used by the same repair, which PostgreSQL allows only after a commit: run ${sql}; by itself, then repair again. Making it anew fails: ${error}`;
}
