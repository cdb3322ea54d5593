/** What `bun run audit verify` says of what it found: in words, in JSON, and with which exit code. */
import type { FileVerification } from "../audit/archive-file.ts";
import type { UnknownKey } from "../audit/judge.ts";
import type { Verification } from "../audit/verify.ts";

export const EXIT = { intact: 0, failed: 1, broken: 2, key_missing: 3, restored: 4 } as const;

/** `state` is intact, broken, key_missing or restored, as `json.state` says it too. */
export type Report = { text: string; code: number; json: Record<string, unknown> };

/** @param atHand the id of the key that SECRET_KEY makes. */
export function reportOf(result: Verification, atHand: string): Report {
  const { intact: _, ...json } = result;
  return { text: `${inWords(result, atHand)}\n`, code: EXIT[result.state], json };
}

export function reportOfFile(result: FileVerification): Report {
  const { intact: _, ...json } = result;
  return { text: `${fileInWords(result)}\n`, code: EXIT[result.state], json };
}

function inWords(result: Verification, atHand: string): string {
  switch (result.state) {
    case "intact": {
      const { sealed, archived, unsealed, head, restores } = result;
      const counts = `${sealed} rows here, ${archived} archived, ${unsealed} not sealed yet.`;
      const last = head ? ` Last seal: ${head.seq}:${head.hash}` : "";
      const restored = restores.map(
        ({ at, seq, next }) =>
          `\nRestored: on ${at} the database was brought back to seal ${seq}. The numbers go on at ${next}.`,
      );
      return `Intact: ${counts}${last}${restored.join("")}`;
    }
    case "broken": {
      const { what, row } = result.breach;
      return `Broken. ${row ? `Row ${row.id} of ${row.createdAt}: ` : ""}${what}.`;
    }
    case "restored": {
      const { at, seq } = result.restore;
      const last = result.head ? ` Last seal: ${result.head.seq}:${result.head.hash}` : "";
      return `Restored, and not broken: on ${at} the database was brought back to seal ${seq}, and the seal that you name was made after that. What is here is as it was sealed.${last}`;
    }
    case "key_missing":
      return withoutKey(result, atHand);
  }
}

function withoutKey(
  { unknown, months, judged }: { unknown: UnknownKey[]; months: string[]; judged: number },
  atHand: string,
): string {
  return [
    "Cannot tell. This was sealed with a key that is not at hand, which says nothing of whether it was changed:",
    ...unknown.map(
      ({ keyId, seals, from, to }) =>
        `  ${keyId ?? "a key with no name"}: ${seals} rows, from ${from.createdAt} to ${to.createdAt}`,
    ),
    ...months.map((month) => `  the record of the archived month ${month}`),
    `The other ${judged} rows are as they were sealed. SECRET_KEY makes the key ${atHand}. Set the SECRET_KEY of this installation,`,
    "and while it is being replaced SECRET_KEY_PREVIOUS too; give older ones with --old-keys FILE.",
  ].join("\n");
}

function fileInWords(result: FileVerification): string {
  switch (result.state) {
    case "intact":
      return `Intact: ${result.rows} rows.`;
    case "key_missing":
      return "Cannot tell. Not one line of the file was made with a key that is at hand. Give the SECRET_KEY of its time with --old-keys FILE.";
    case "broken": {
      const { line, row, what } = result;
      return `Broken. Line ${line}${row ? `, row ${row.id} of ${row.createdAt}` : ""}: ${what}.`;
    }
  }
}
