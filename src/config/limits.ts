/** How often what may be tried: the variables RATE_LIMIT_… and LOCKOUT_…, and the numbers where they are not set. */
import { z } from "zod";

export type Limit = {
  /** Attempts in a window. */
  quota: number;
  windowSeconds: number;
  /** Whoever goes on is held off twice as long each time, up to this. Without it the window is all there is. */
  longestSeconds?: number;
};

/** What each counts, and of whom, stands in rate-limits/policies.ts; of `links`, in auth/mails/mailed-token.ts. */
export const LIMITS = {
  login: { quota: 50, windowSeconds: 300, longestSeconds: 3600 },
  guess: { quota: 10, windowSeconds: 60, longestSeconds: 900 },
  logins: { quota: 1000, windowSeconds: 60 },
  account_logins: { quota: 300, windowSeconds: 3600 },
  password: { quota: 30, windowSeconds: 3600 },
  proof: { quota: 30, windowSeconds: 600, longestSeconds: 3600 },
  register: { quota: 20, windowSeconds: 3600 },
  mail: { quota: 500, windowSeconds: 3600 },
  links: { quota: 5, windowSeconds: 3600 },
  invitation: { quota: 200, windowSeconds: 3600 },
  mailbox: { quota: 5, windowSeconds: 3600 },
  proof_mail: { quota: 10, windowSeconds: 3600 },
  unasked_mail: { quota: 30, windowSeconds: 86_400 },
  notice_mail: { quota: 5, windowSeconds: 3600 },
  challenge: { quota: 60, windowSeconds: 60 },
  set_passwords: { quota: 10_000, windowSeconds: 3600 },
  new_users: { quota: 200_000, windowSeconds: 86_400 },
  new_machines: { quota: 500, windowSeconds: 3600 },
  kept_answers: { quota: 100_000, windowSeconds: 86_400 },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;
export type Limits = Record<LimitName, Limit>;
type Variable<Name extends LimitName> = `RATE_LIMIT_${Uppercase<Name>}`;
type Variables = { [Name in LimitName as Variable<Name>]: string };

const NAMES = Object.keys(LIMITS) as LimitName[];

const MOST = 10_000_000;
/** Of what is counted in rows that are kept no longer, and the time for which a hold-off is remembered. */
const LONGEST_SECONDS = 86_400;

/** RATE_LIMIT_LOGIN=50/300 and the like; where a hold-off grows, a third number may say how long it gets. */
export const LIMIT_VARIABLES = Object.fromEntries(
  NAMES.map((name) => [variableOf(name), field(LIMITS[name])]),
) as { [Name in keyof Variables]: ReturnType<typeof field> };

/** What the variables say. */
export function limitsOf(values: Variables): Limits {
  const entries = NAMES.map((name) => [name, read(values[variableOf(name)], LIMITS[name])]);
  return Object.fromEntries(entries);
}

function variableOf<Name extends LimitName>(name: Name): Variable<Name> {
  return `RATE_LIMIT_${name.toUpperCase() as Uppercase<Name>}`;
}

function field(fallback: Limit) {
  const grows = fallback.longestSeconds !== undefined;
  const form = grows
    ? "attempts/seconds, or attempts/seconds/seconds of the longest hold-off,"
    : "attempts/seconds";
  const example = Object.values(fallback).join("/");
  return z
    .string()
    .refine((text) => {
      const [quota, seconds, longest, ...more] = text.split("/");
      return (
        more.length === 0 &&
        isCount(quota, MOST) &&
        isCount(seconds, LONGEST_SECONDS) &&
        (longest === undefined ||
          (grows && isCount(longest, LONGEST_SECONDS) && Number(longest) >= Number(seconds)))
      );
    }, `must be ${form} in digits alone, such as ${example}: at most ${MOST} attempts, and ${LONGEST_SECONDS} seconds`)
    .default(example);
}

function isCount(text: string | undefined, most: number): boolean {
  return text !== undefined && /^[1-9]\d{0,7}$/.test(text) && Number(text) <= most;
}

function read(text: string, fallback: Limit): Limit {
  const [quota = 0, windowSeconds = 0, longest] = text.split("/").map(Number);
  const { longestSeconds } = fallback;
  if (longestSeconds === undefined) return { quota, windowSeconds };
  return {
    quota,
    windowSeconds,
    longestSeconds: longest ?? Math.max(longestSeconds, windowSeconds),
  };
}

/** When an account is locked out, and for how long: auth/guessing.ts. */
export const LOCKOUT = {
  attempts: 50,
  mostAttempts: 100,
  deviceAttempts: 10,
  seconds: 30,
  longestSeconds: 900,
} as const;
