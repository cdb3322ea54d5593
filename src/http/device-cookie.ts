/**
 * How a client is known again (crypto/device-token.ts; the "device cookies" of OWASP). It asks for that with the header
 * `Tenantry-Device-Token`: `cookie` for a page, whose token no script reads; for an app the token of its last log-in, or
 * any other word before there was one. What it buys is attempts of its own, and nothing else: who has it is nobody yet.
 */
import type { Context as HonoContext } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { AppEnv } from "../context.ts";
import { devicesIn } from "../crypto/device-token.ts";
import type { Keys } from "../crypto/secret.ts";
import { KNOWN_DAYS } from "../device.ts";

export const DEVICE_COOKIE = "__Host-tenantry_device";

/** The devices that the client has been to accounts; undefined where it does not ask to be known again. */
export function devicesOf(c: HonoContext, keys: Keys): string[] | undefined {
  const given = asked(c);
  if (given === undefined) return undefined;
  return devicesIn(keys, (given === "cookie" ? getCookie(c, DEVICE_COOKIE) : given) ?? "");
}

/** Moves the device token of an answer into the cookie where the page asked for that. */
export function deliverDevice<Env extends AppEnv, Answer extends object>(
  c: HonoContext<Env>,
  answer: Answer,
): Answer {
  if (asked(c) !== "cookie" || !("deviceToken" in answer)) return answer;
  const { deviceToken, ...rest } = answer;
  setCookie(c, DEVICE_COOKIE, String(deviceToken), {
    path: "/",
    secure: true,
    httpOnly: true,
    sameSite: "Strict",
    maxAge: KNOWN_DAYS * 86_400,
  });
  return rest as Answer;
}

function asked({ req }: Pick<HonoContext, "req">): string | undefined {
  return req.header("tenantry-device-token");
}
