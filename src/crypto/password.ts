/** Password hashing in a bounded queue: ours, and that of imported hashes until the next log-in. */
import { availableParallelism } from "node:os";
import { hash, type Options, verify } from "@node-rs/argon2";
import { ApiError } from "../errors.ts";
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

export type Passwords = {
  /** @throws ApiError `overloaded` when the queue is full. */
  hash(password: string): Promise<string>;
  /**
   * True when the password belongs to the hash. With no hash (unknown account, account without a password) it works as
   * long and answers false: the time must not tell whether an account exists.
   * @throws ApiError `overloaded` when the queue is full.
   */
  verify(passwordHash: string | null, password: string): Promise<boolean>;
};

/**
 * @param queueLimit how many hashes may wait. Each takes 19 MiB and some 10 ms of a core, so no more run at once than
 * there are cores, and a flood is told to come back rather than kept waiting.
 */
export async function createPasswords(queueLimit: number): Promise<Passwords> {
  const enqueue = createQueue(availableParallelism(), queueLimit);
  const dummyHash = await hash(crypto.randomUUID(), PARAMETERS);
  return {
    hash: (password) => enqueue(() => hash(normalise(password), PARAMETERS)),
    verify: (passwordHash, password) =>
      enqueue(async () => {
        const matches = await matchesInAnyForm(passwordHash ?? dummyHash, password);
        return matches && passwordHash !== null;
      }),
  };
}

/**
 * True for a hash made with less memory or fewer passes than ours, which the next login replaces. Only its text is
 * looked at: asking costs nothing.
 */
export function isWeak(passwordHash: string): boolean {
  const [, memory, passes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(passwordHash) ?? [];
  // What does not match (another algorithm, another version) gives NaN, which is no less weak.
  return !(Number(memory) >= PARAMETERS.memoryCost && Number(passes) >= PARAMETERS.timeCost);
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

function createQueue(workers: number, queueLimit: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async function enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (running >= workers) {
      if (waiting.length >= queueLimit) {
        throw new ApiError("overloaded", "Too many log-ins at once. Try again in a moment.", {
          retryAfterSeconds: 1,
        });
      }
      // The one that finishes hands its place over, so `running` does not change.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
