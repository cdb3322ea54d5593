/** The command line of `bun run bench`. */
import { parseArgs } from "node:util";

export type Options = {
  users: number;
  tenants: number;
  auditRows: number;
  sessions: number;
  /** Keys of rows; all of them when none is named. */
  only: string[];
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  connections: number;
  /** How long memory is watched. */
  minutes: number;
  /** How many distinct tokens a server is shown. */
  tokens: number;
  durable: boolean;
  quick: boolean;
  check: boolean;
  growth: boolean;
  help: boolean;
};

type Sizes = Omit<Options, "only" | "durable" | "quick" | "check" | "growth" | "help">;

const FULL: Sizes = {
  users: 100_000,
  tenants: 100,
  auditRows: 1_000_000,
  sessions: 20_000,
  rounds: 5,
  seconds: 2,
  warmUpSeconds: 0.5,
  connections: 16,
  minutes: 10,
  tokens: 200_000,
};
/** Of the largest database; the others are smaller. */
const GROWN: Sizes = { ...FULL, users: 1_000_000 };
const QUICK: Sizes = {
  users: 10_000,
  tenants: 20,
  auditRows: 50_000,
  sessions: 3000,
  rounds: 3,
  seconds: 1,
  warmUpSeconds: 0.3,
  connections: 16,
  minutes: 0.2,
  tokens: 20_000,
};

export const HELP = `bun run bench [options]

  --only me,check     these rows alone (--help names them)
  --quick             a small database and short rounds: to see that all works
  --check             the short form; ends with 1 when a ratio is below tests/bench/floors.json
  --growth            two tables instead: the hot requests from 1,000 to 1,000,000 users (--users: to so
                      many), and from 10 to 10,000 tenants
  --users, --tenants, --audit-rows, --sessions, --rounds, --seconds, --minutes, --connections, --tokens
                      numbers in place of those of the form
  --durable           PostgreSQL waits for the disk, as it would in production

Exit codes: 0 measured, 1 slower than the floors on a quiet machine (--check), 2 something could not be measured.
`;

/** @throws Error for an option that there is not, or a number that is none. */
export function readOptions(argv: string[]): Options {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: argv,
    options: {
      only: { type: "string", default: "" },
      ...{ users: text, tenants: text, "audit-rows": text, sessions: text, rounds: text },
      ...{ seconds: text, minutes: text, connections: text, tokens: text },
      ...{ durable: flag, quick: flag, check: flag, growth: flag, help: flag },
    },
  });
  const { only, durable, quick, check, growth, help } = values;
  const full = growth ? GROWN : FULL;
  const form = quick || check ? QUICK : full;
  const sizes = {
    users: numberOf("users", values.users, form.users),
    tenants: numberOf("tenants", values.tenants, form.tenants),
    auditRows: numberOf("audit-rows", values["audit-rows"], form.auditRows),
    sessions: numberOf("sessions", values.sessions, form.sessions),
    rounds: numberOf("rounds", values.rounds, form.rounds),
    seconds: numberOf("seconds", values.seconds, form.seconds),
    minutes: numberOf("minutes", values.minutes, form.minutes),
    connections: numberOf("connections", values.connections, form.connections),
    tokens: numberOf("tokens", values.tokens, form.tokens),
    warmUpSeconds: form.warmUpSeconds,
  };
  const keys = only.split(",").filter((key) => key !== "");
  return { ...sizes, only: keys, durable, quick, check, growth, help };
}

function numberOf(name: string, given: string | undefined, otherwise: number): number {
  const number = Number(given ?? otherwise);
  if (!(number > 0)) throw new Error(`--${name} takes a number above 0, not ${given}`);
  return number;
}
