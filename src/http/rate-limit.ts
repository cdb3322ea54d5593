import type { Context as HonoContext, Input, MiddlewareHandler, Next } from "hono";
import type { AppEnv, AuthedEnv, Context } from "../context.ts";
import type { ServiceLimit } from "../errors.ts";
import { callerOf } from "../network.ts";
import type { PolicyName } from "../rate-limits/policies.ts";
import type { Attempt } from "../rate-limits/rate-limits.ts";
import { tells } from "./documented-headers.ts";

/** Whose attempts are counted together; null where nobody's are. */
type By<Ctx> = (ctx: Ctx) => string | null;

type Json<Input> = { in: { json: Input }; out: { json: Input } };

/**
 * 429 for whoever tries too often, a network or known device unless it is said otherwise; else the answer tells how many attempts are
 * left. Stands after `validate`: what is not even a request is no attempt, and needs no database. To find that out is
 * cheap: until the caller is known a body is small (body.ts), and every length is looked at before any pattern (`text` in
 * fields.ts).
 */
export function rateLimit(policy: PolicyName): MiddlewareHandler<AppEnv> {
  return limit<AppEnv>(policy, ({ origin }) => callerOf(origin));
}

/**
 * The same, with `others` that are counted in one statement with it, and settled in one when the answer is a right one.
 * @param others of the input that was validated.
 */
export function rateLimitBeside<Input>(
  policy: PolicyName,
  others: (ctx: Context, input: Input) => Attempt[],
): MiddlewareHandler<AppEnv, string, Json<Input>> {
  return limit<AppEnv, Json<Input>>(
    policy,
    ({ origin }) => callerOf(origin),
    (c) => others(c.get("ctx"), c.req.valid("json")),
  );
}

/** The same for who has authenticated, from wherever they come. */
export function rateLimitByUser(policy: PolicyName): MiddlewareHandler<AuthedEnv> {
  return limit<AuthedEnv>(policy, ({ principal }) => principal.userId);
}

/** The same for all of a tenant together. What the operator does is not limited. */
export function rateLimitByTenant(policy: PolicyName): MiddlewareHandler<AuthedEnv> {
  return limit<AuthedEnv>(policy, ({ principal }) => principal.tenantId);
}

function limit<Env extends AppEnv, Given extends Input = Input>(
  policy: PolicyName,
  by: By<Env["Variables"]["ctx"]>,
  others?: (c: HonoContext<Env, string, Given>) => Attempt[],
): MiddlewareHandler<Env, string, Given> {
  const says = `Attempts are counted (\`${policy}\`).`;
  return tells(
    { says, sends: ["RateLimit", "RateLimit-Policy"] },
    async function rateLimit(c: HonoContext<Env, string, Given>, next: Next) {
      const ctx = c.get("ctx");
      const { rateLimits, config, background, log }: Context = ctx;
      const who = by(ctx);
      if (who === null) return next();
      const attempts = [{ policy, who }, ...(others?.(c) ?? [])];
      const [limit] = await rateLimits.consumeAll(attempts);
      if (limit && config.rateLimits !== "off")
        for (const [name, value] of rateLimitFields(limit)) c.header(name, value);
      await next();
      if (c.res.status >= 400) return;
      const settling = background.run(
        rateLimits.settle(attempts, !ctx.seen?.sharesGuesser),
        (err) => log("warn", "an attempt was not given back", { error: err }),
      );
      // An attempt too many that is counted for a moment harms nobody. What begins anew has to before the next try.
      if (others) await settling;
    },
  );
}

/** The fields of draft-ietf-httpapi-ratelimit-headers-10. Without a partition key: it would tell who is counted with whom. */
export function rateLimitFields(limit: ServiceLimit): [name: string, value: string][] {
  const { policy, quota, windowSeconds, remaining, resetSeconds } = limit;
  return [
    ["ratelimit-policy", `"${policy}";q=${quota};w=${windowSeconds}`],
    ["ratelimit", `"${policy}";r=${remaining};t=${resetSeconds}`],
  ];
}
