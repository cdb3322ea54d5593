import type { MiddlewareHandler } from "hono";
import type { AppEnv, Context } from "../context.ts";

type Json<Input> = { in: { json: Input }; out: { json: Input } };

/**
 * Stands before `rateLimit`: where the account that a log-in is about knows the client's device, its attempts are counted
 * by that from here on, and not with those of whoever shares the network. For anybody else the budget is the network's, as
 * it was, and a token of an account of one's own buys no guess at another.
 * @param find the device by which the account knows the client, null for none; it takes the same statements whether there
 * is an account or not.
 */
export function knownDevice<Input>(
  find: (ctx: Context, input: Input) => Promise<string | null>,
): MiddlewareHandler<AppEnv, string, Json<Input>> {
  return async function knownDevice(c, next) {
    const { ctx } = c.var;
    if (ctx.origin.devices && ctx.origin.devices.length > 0) {
      const device = await find(ctx, c.req.valid("json"));
      if (device !== null) c.set("ctx", { ...ctx, origin: { ...ctx.origin, knownDevice: device } });
    }
    await next();
  };
}
