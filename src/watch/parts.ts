/** What is counted and traced of parts that need not know of it. */
import type { Passwords } from "../crypto/password.ts";
import type { Begin } from "../db/statement-watch.ts";
import type { Metrics } from "./metrics.ts";
import type { Traces } from "./traces.ts";

type Watching = { metrics: Metrics | null; traces: Traces | null };

/** What begins a transaction goes out with the first statement in it (scoped-client.ts), and is none by itself. */
const BEGINS = "BEGIN";
const nothing = () => {};

export function countStatements({ statements }: Metrics): Begin {
  return (text) => {
    if (text === BEGINS) return nothing;
    const begun = performance.now();
    return (err) => statements.observe(secondsSince(begun), err ? "failed" : "ok");
  };
}

/** With their text, which holds no values: those travel beside it. */
export function traceStatements(traces: Traces): Begin {
  return (text) => {
    if (text === BEGINS) return nothing;
    const [operation = "statement"] = /[A-Za-z]+/.exec(text) ?? [];
    return traces.begin({
      name: operation.toUpperCase(),
      kind: "client",
      attributes: { "db.system.name": "postgresql", "db.query.text": text.trim() },
    });
  };
}

/** From being asked for to being there, the wait for a core included. */
export function watchPasswords(passwords: Passwords, watching: Watching): Passwords {
  const within = <T>(kind: "hash" | "verify", work: () => Promise<T>) =>
    timed(watching, `password ${kind}`, work, ({ hashes }, seconds, outcome) =>
      hashes.observe(seconds, kind, outcome),
    );
  return {
    ...passwords,
    hash: (...args) => within("hash", () => passwords.hash(...args)),
    verify: (...args) => within("verify", () => passwords.verify(...args)),
  };
}

async function timed<T>(
  { metrics, traces }: Watching,
  name: string,
  work: () => Promise<T>,
  count: (metrics: Metrics, seconds: number, outcome: "ok" | "failed") => void,
): Promise<T> {
  const begun = performance.now();
  let outcome: "ok" | "failed" = "failed";
  try {
    const answer = await (traces ? traces.within({ name, kind: "internal" }, work) : work());
    outcome = "ok";
    return answer;
  } finally {
    if (metrics) count(metrics, secondsSince(begun), outcome);
  }
}

export function secondsSince(begun: number): number {
  return (performance.now() - begun) / 1000;
}
