/** What the clients were told, to be held against the database when it is over. */

/** "perhaps": no answer came, or one that leaves it open. */
export type Certainty = "no" | "perhaps" | "yes";

/** What is made once, though it is asked for again: each has a name that nothing else has. */
export type Made = {
  kind: "user" | "service account" | "api key" | "invitation";
  name: string;
  tenantId: string;
  /** Null where the answer was lost, though it was told that it was done. */
  id: string | null;
  made: Certainty;
};

/** A user that was surely made, and what became of them. */
export type Person = {
  id: string;
  email: string;
  /** Answered with 200. Each change that perhaps was made counts one more. */
  changes: number;
  perhapsChanges: number;
  /** What they may be called: one name, and those of changes without an answer since. */
  names: (string | null)[];
  deleted: Certainty;
};

export type SessionEntry = { account: string; ended: Certainty; refreshToken: string };

export type Ledger = {
  made: Map<string, Made>;
  people: Map<string, Person>;
  /** By the id of the session. */
  sessions: Map<string, SessionEntry>;
  /** By account: how many log-ins were answered, and how many perhaps were. */
  logins: Map<string, { answered: number; perhaps: number }>;
  refreshes: number;
  /** How often what was written was looked for where a replica may answer, by the way. */
  reads: Map<string, number>;
  /** Addresses that a mail was promised to, one each. */
  mails: Set<string>;
  statuses: Map<string, number>;
  /** What broke a promise when it was seen. */
  breaches: string[];
};

export function createLedger(): Ledger {
  return {
    made: new Map(),
    people: new Map(),
    sessions: new Map(),
    logins: new Map(),
    refreshes: 0,
    reads: new Map(),
    mails: new Set(),
    statuses: new Map(),
    breaches: [],
  };
}
