import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../context.ts";
import type { RateState } from "../errors.ts";
import { networkOf } from "../network.ts";
import type { PolicyName } from "../rate-limits/policies.ts";

/**
 * 429 for an address that tries too often; else its answer tells how many attempts are left. Stands after `validate`:
 * what is not even a request is no attempt, and needs no database. To find that out is cheap: until the caller is known a
 * body is small (body.ts), and every length is looked at before any pattern (`text` in fields.ts).
 */
export function rateLimit(policy: PolicyName): MiddlewareHandler<AppEnv> {
  return async function rateLimit(c, next) {
    const { rateLimits, origin, config, log } = c.var.ctx;
    const address = networkOf(origin.ip);
    const state = await rateLimits.consume(policy, address);
    if (config.rateLimits !== "off")
      for (const [name, value] of rateLimitFields(state)) c.header(name, value);
    await next();
    // Not awaited: the answer is ready, and an attempt too many that is counted harms nobody.
    if (c.res.status < 400)
      rateLimits
        .refund(policy, address)
        .catch((err) => log("warn", "an attempt was not given back", { error: String(err) }));
  };
}

/** The fields of draft-ietf-httpapi-ratelimit-headers-10. Without a partition key: it would tell who is counted with whom. */
export function rateLimitFields(state: RateState): [name: string, value: string][] {
  const { policy, quota, windowSeconds, remaining, resetSeconds } = state;
  return [
    ["ratelimit-policy", `"${policy}";q=${quota};w=${windowSeconds}`],
    ["ratelimit", `"${policy}";r=${remaining};t=${resetSeconds}`],
  ];
}
