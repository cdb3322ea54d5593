/** Judging seals by the keys that are at hand: as they were made, changed, or made by a key that is not here. */
import { type AuditJson, isMac, rowDigest, type Seal, sealHash, sealKeyId } from "./chain.ts";

/** A seal with the row that it is of, in JSON; null when that is not there. */
export type Link = Seal & { row: string | null };

/** What a key that is not at hand has sealed. `keyId` is null where the seals do not say which key it was. */
export type UnknownKey = { keyId: string | null; seals: number; from: Sealed; to: Sealed };
type Sealed = { id: string; seq: number; createdAt: string };

export type Judge = {
  /** What is wrong with the seal or its row; null also where that cannot be told, which is then noted. */
  breachOf(link: Link, previous: Pick<Seal, "hash" | "keyId"> | null): string | null;
  /** In the order of their first seals. */
  unknown(): UnknownKey[];
};

export function createJudge(keys: readonly Buffer[]): Judge {
  const byId = new Map(keys.map((key) => [sealKeyId(key), key]));
  const unknown = new Map<string | null, UnknownKey>();
  let knowsAny = false;

  function note({ keyId, auditId: id, seq, createdAt }: Link): null {
    const to = { id, seq, createdAt };
    const { seals, from } = unknown.get(keyId) ?? { seals: 0, from: to };
    unknown.set(keyId, { keyId, seals: seals + 1, from, to });
    return null;
  }

  return {
    breachOf(link, previous) {
      const key = byId.get(link.keyId ?? "");
      if (link.keyId !== null && !key) return note(link);
      const candidates = key ? [key] : keys;
      const row = link.row === null ? null : (JSON.parse(link.row) as AuditJson);
      const isRowSealed = row !== null && isMac(candidates, rowDigest(row), link.digest);
      if (isMac(candidates, sealHash(link, previous), link.hash)) {
        knowsAny = true;
        return row === null || isRowSealed ? null : "the row was changed";
      }
      // Seals from before they named their key: as long as not one was of a key at hand, they are another's.
      if (link.keyId === null && !knowsAny && !isRowSealed) return note(link);
      return `the seal of the row, number ${link.seq}, was changed or moved, or the one before it is missing`;
    },
    unknown: () => [...unknown.values()],
  };
}
