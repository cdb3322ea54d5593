/** Password hashing in a bounded queue that is fair by caller: ours, and that of imported hashes until the next log-in. */
import { availableParallelism } from "node:os";
import { hash, type Options, verify } from "@node-rs/argon2";
import { createFairQueue } from "../fair-queue.ts";
import { networkOf } from "../network.ts";
import { payerOf } from "../principal.ts";
import { verifierOf } from "./imported-hash.ts";

/** argon2id at OWASP's parameters (19 MiB, two passes, one lane), set here so that no upgrade changes them silently. */
const PARAMETERS = {
  algorithm: 2,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} satisfies Options;

/** More code points than this are refused, never cut off: cutting makes different passwords equal. */
export const PASSWORD_MAX_LENGTH = 256;

/** For whom something is hashed: turns go round among them. */
export type HashedFor = {
  /** A tenant; or the network of who has not logged in. */
  caller: string;
  /** Whose account it is, where there is one. What an imported hash costs is its tenant's doing, whoever asks. */
  tenantId: string | null;
};

export function hashedFor(
  { origin, principal }: { origin: { ip: string | null }; principal?: Asker },
  account?: { tenantId: string | null },
): HashedFor {
  const caller = principal ? payerOf(principal) : networkOf(origin.ip);
  return { caller, tenantId: account?.tenantId ?? principal?.tenantId ?? null };
}

/** The operator's own commands. */
const NOBODY: HashedFor = { caller: "", tenantId: null };

type Asker = { userId: string; tenantId: string | null };

export type Passwords = {
  /** @throws ApiError `overloaded` when the queue is full. */
  hash(password: string, who?: HashedFor): Promise<string>;
  /**
   * True when the password belongs to the hash. With no hash (unknown account, account without a password) it works as
   * long and answers false: the time must not tell whether an account exists.
   * @throws ApiError `overloaded` when the queue is full.
   */
  verify(passwordHash: string | null, password: string, who?: HashedFor): Promise<boolean>;
  /** How many are computed now, and how many wait for it. */
  load(): { running: number; waiting: number };
};

/**
 * What each of so many processes on this machine has, all of which hash: of the cores a part, so that together they take no
 * more than there are. Of the queue all, and of the cores that it does not have as many places more: connections are dealt
 * out by chance, and the process that gets all of them refuses nobody whom one alone would not.
 */
export function shareOfEach(
  queueLimit: number,
  processes: number,
): [queueLimit: number, cores: number] {
  const all = availableParallelism();
  const cores = Math.max(1, Math.floor(all / processes));
  return [queueLimit + all - cores, cores];
}

/**
 * Our hashes take 19 MiB and some 10 ms of a core, so no more run at once than there are cores, and a flood is told to
 * come back rather than kept waiting. Those that are not ours take up to forty times as long: they have a lane of their
 * own, half of the cores at most, so that a core is always there for the others.
 * @param queueLimit how many may wait in all, a quarter of them in that lane.
 */
export async function createPasswords(
  queueLimit: number,
  cores = availableParallelism(),
): Promise<Passwords> {
  const narrow = Math.max(1, Math.floor(cores / 2));
  const waitingInLane = Math.floor(queueLimit / 4);
  const queue = createFairQueue({
    turns: cores,
    turnsEach: cores,
    waiting: queueLimit - waitingInLane,
  });
  const lane = createFairQueue({ turns: narrow, turnsEach: narrow, waiting: waitingInLane });
  const dummyHash = await hash(crypto.randomUUID(), PARAMETERS);

  function enqueue<T>({ caller, tenantId }: HashedFor, work: () => Promise<T>): Promise<T> {
    // By both: neither keep the members of one tenant those of another waiting at an address that they share, nor do
    // strangers who ask for a tenant's accounts keep its members waiting elsewhere.
    return queue.run(`${caller} ${tenantId ?? ""}`, work);
  }

  return {
    hash: (password, who = NOBODY) => enqueue(who, () => hash(normalise(password), PARAMETERS)),
    async verify(passwordHash, password, who = NOBODY) {
      const work = async () => {
        const matches = await matchesInAnyForm(passwordHash ?? dummyHash, password);
        return matches && passwordHash !== null;
      };
      if (passwordHash === null || isOurs(passwordHash)) return enqueue(who, work);
      return lane.run(who.tenantId ?? who.caller, () => enqueue(who, work));
    },
    load() {
      const { running, waiting } = queue.load();
      return { running, waiting: waiting + lane.load().waiting };
    },
  };
}

/** Base64 of the 16 bytes of salt and 32 of hash that ours have. */
const OURS = new RegExp(
  `^\\$argon2id\\$v=19\\$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}\\$[A-Za-z0-9+/]{22}\\$[A-Za-z0-9+/]{43}$`,
);

/**
 * True for a hash as we make them. Any other one, weaker or dearer, the next log-in replaces: what a log-in costs is ours
 * to say. Only its text is looked at: asking costs nothing.
 */
export function isOurs(passwordHash: string): boolean {
  return OURS.test(passwordHash);
}

/**
 * Our own hashes are of NFC. Another system may have hashed the text as it came, so an imported one is tried with that as
 * well where it differs; which hash was imported its text does not always tell.
 */
async function matchesInAnyForm(passwordHash: string, password: string): Promise<boolean> {
  const matches = verifierOf(passwordHash) ?? ((text) => verify(passwordHash, text));
  const normal = normalise(password);
  return (await matches(normal)) || (normal !== password && (await matches(password)));
}

/** NFC at set and at verify alike: one password typed on two keyboards is one password (SP 800-63B-4, 3.1.1.2). */
function normalise(password: string): string {
  return password.normalize("NFC");
}
