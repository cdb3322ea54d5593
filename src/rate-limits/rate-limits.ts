/** Counting attempts, for all instances together. On rate-limiter-flexible: one statement, or script, an attempt. */
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Config } from "../config.ts";
import { hashWithKey, type Keys } from "../crypto/secret.ts";
import { oldRows } from "../db/old-rows.ts";
import { ApiError, type ServiceLimit } from "../errors.ts";
import { GatheringLimiter, gather } from "./gathering-limiter.ts";
import { largeNetworks } from "./large-networks.ts";
import { POLICIES, type Policy, type PolicyName } from "./policies.ts";
import type { Counting } from "./store.ts";

export type RateLimits = {
  /** Counts an attempt of `who`, or several. @throws ApiError `rate_limited` with the seconds to wait. */
  consume(policy: PolicyName, who: string, points?: number): Promise<ServiceLimit>;
  /**
   * Counts attempts under several policies in one statement, all of them whichever is refused; but none where the first one
   * is refused without asking the database. @throws ApiError as `consume`, of the first refused.
   */
  consumeAll(attempts: Attempt[]): Promise<ServiceLimit[]>;
  /** Counts what is done already, so that the next attempt may be one too many. */
  charge(policy: PolicyName, who: string, points: number): Promise<void>;
  /**
   * Of attempts that were right, in one statement: takes back what counts under a policy of what fails, and has the others
   * begin anew that say so. @param isAnew false takes one attempt back from these too.
   */
  settle(attempts: Attempt[], isAnew?: boolean): Promise<void>;
  /** Begins anew, as after a right password: also the hold-off is as short as at the first time. */
  reset(policy: PolicyName, who: string): Promise<void>;
};

export type Attempt = { policy: PolicyName; who: string; points?: number };

/** How long it is remembered that somebody was held off before. */
const STRIKE_SECONDS = 24 * 3600;

/** Kept until their window ends, in milliseconds since 1970. */
export const OLD_COUNTERS = oldRows("rate_limits", "expire", "0", {
  key: "key",
  isOld: "expire < extract(epoch FROM now()) * 1000",
});

type Limiter = { limit: Policy; counter: RateLimiterAbstract; strikes: RateLimiterAbstract };

type Settings = Pick<Config, "rateLimits" | "limits" | "largeNetworks" | "largeNetworkFactor">;

/** @param keys for the names under which attempts are counted: the table holds no address and no e-mail address. */
export function createRateLimits(
  { rateLimits, limits, ...large }: Settings,
  counting: Counting,
  keys: Keys,
): RateLimits {
  const isLarge = largeNetworks(large.largeNetworks);
  const limitersWith = (factor: (policy: Policy) => number) =>
    new Map(
      Object.entries(POLICIES).map(([name, policy]: [string, Policy]): [string, Limiter] => {
        const given = limits[name as PolicyName];
        const limit = { ...policy, ...given, quota: given.quota * factor(policy) };
        const counter = makeLimiter(rateLimits, counting, name, limit.quota, limit.windowSeconds);
        const strikes = makeLimiter(
          rateLimits,
          counting,
          `${name}-strikes`,
          1_000_000,
          STRIKE_SECONDS,
        );
        return [name, { limit, counter, strikes }];
      }),
    );
  const usual = limitersWith(() => 1);
  const larger = limitersWith(({ ofNetwork }) => (ofNetwork ? large.largeNetworkFactor : 1));
  const limiterOf = (policy: PolicyName, who: string): Limiter => {
    const limiter = (isLarge(who) ? larger : usual).get(policy);
    if (!limiter) throw new Error(`there is no rate limit ${policy}`);
    return limiter;
  };
  const keyOf = (who: string) => hashWithKey(keys, who).toString("base64url");

  async function count(
    policy: PolicyName,
    { limit, counter, strikes }: Limiter,
    key: string,
    points = 1,
  ): Promise<ServiceLimit> {
    try {
      const { remainingPoints, msBeforeNext } = await counter.consume(key, points);
      return serviceLimitOf(policy, limit, remainingPoints, msBeforeNext);
    } catch (err) {
      if (!(err instanceof RateLimiterRes)) throw err;
      const millis = await holdOff(limit, key, err, counter, strikes);
      throw limited(serviceLimitOf(policy, limit, 0, millis));
    }
  }

  /** With their limiters and the names under which they are counted, of which the same people have one. */
  function named(attempts: Attempt[]) {
    const known = new Map<string, string>();
    return attempts.map((attempt) => {
      const key = known.get(attempt.who) ?? keyOf(attempt.who);
      known.set(attempt.who, key);
      return { ...attempt, limiter: limiterOf(attempt.policy, attempt.who), key };
    });
  }

  async function consume(policy: PolicyName, who: string, points = 1): Promise<ServiceLimit> {
    const limiter = limiterOf(policy, who);
    const { limit } = limiter;
    if (rateLimits === "off") return serviceLimitOf(policy, limit, limit.quota, 0);
    return count(policy, limiter, keyOf(who), points);
  }

  return {
    consume,
    async consumeAll(attempts) {
      if (rateLimits === "off")
        return Promise.all(attempts.map(({ policy, who }) => consume(policy, who)));
      const all = named(attempts);
      const [first] = all;
      const asked = first && isTurnedAway(first.limiter, first.key) ? [first] : all;
      const tries = gather(counting, () =>
        asked.map(({ policy, limiter, key, points }) => count(policy, limiter, key, points)),
      );
      return (await Promise.allSettled(tries)).map((counted) => {
        if (counted.status === "rejected") throw counted.reason;
        return counted.value;
      });
    },
    async charge(policy, who, points) {
      if (rateLimits !== "off" && points > 0)
        await limiterOf(policy, who).counter.penalty(keyOf(who), points);
    },
    async settle(attempts, isAnew = true) {
      if (rateLimits === "off") return;
      const isSettled = ({ policy }: Attempt) => {
        const { refund, anew }: Policy = POLICIES[policy];
        return refund || anew;
      };
      const work = gather(counting, () =>
        named(attempts.filter(isSettled)).flatMap(({ limiter, key }): Promise<unknown>[] => {
          const { limit, counter, strikes } = limiter;
          return limit.refund || !isAnew
            ? [giveBack(counter, key)]
            : [counter.delete(key), strikes.delete(key)];
        }),
      );
      await Promise.all(work);
    },
    async reset(policy, who) {
      if (rateLimits === "off") return;
      const { counter, strikes } = limiterOf(policy, who);
      const key = keyOf(who);
      await Promise.all(gather(counting, () => [counter.delete(key), strikes.delete(key)]));
    },
  };
}

function isTurnedAway({ counter }: Limiter, key: string): boolean {
  return counter instanceof GatheringLimiter && counter.isTurnedAway(key);
}

function makeLimiter(
  where: Config["rateLimits"],
  { pool, store }: Counting,
  keyPrefix: string,
  points: number,
  duration: number,
): RateLimiterAbstract {
  if (where !== "database") return new RateLimiterMemory({ keyPrefix, points, duration });
  return new GatheringLimiter({
    store,
    storeClient: pool,
    storeType: "pool",
    tableName: "rate_limits",
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix,
    points,
    duration,
    // Who has gone far beyond the quota is turned away without asking the database.
    inMemoryBlockOnConsumed: points * 2,
  });
}

/** Answers for how many milliseconds the caller is held off: at the first attempt too many, twice as long as last time. */
async function holdOff(
  { quota, windowSeconds, longestSeconds }: Policy,
  key: string,
  { consumedPoints, msBeforeNext }: RateLimiterRes,
  counter: RateLimiterAbstract,
  strikes: RateLimiterAbstract,
): Promise<number> {
  if (longestSeconds === undefined || consumedPoints !== quota + 1) return msBeforeNext;
  const { consumedPoints: times } = await strikes.penalty(key);
  const seconds = Math.min(windowSeconds * 2 ** (times - 1), longestSeconds);
  await counter.block(key, seconds);
  return seconds * 1000;
}

/** Nothing when the window of the attempt is over: a credit would be one attempt too many in the next one. */
async function giveBack(counter: RateLimiterAbstract, key: string): Promise<void> {
  if (counter instanceof GatheringLimiter) return counter.giveBack(key);
  const { consumedPoints } = await counter.reward(key);
  if (consumedPoints < 0) await counter.delete(key);
}

function serviceLimitOf(
  policy: PolicyName,
  { quota, windowSeconds }: Policy,
  remaining: number,
  millis: number,
): ServiceLimit {
  return {
    policy,
    quota,
    windowSeconds,
    remaining: Math.min(remaining, quota),
    resetSeconds: Math.ceil(millis / 1000),
  };
}

function limited(rateLimit: ServiceLimit): ApiError {
  return new ApiError("rate_limited", undefined, {
    retryAfterSeconds: Math.max(rateLimit.resetSeconds, 1),
    rateLimit,
  });
}
