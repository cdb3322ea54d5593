/** Who asks, from where, and with what: what the head of a request tells. */
import type { Context as HonoContext } from "hono";
import type { Deps } from "../context.ts";
import { newId } from "../db/id.ts";
import { addressOf, isAmong } from "../network.ts";
import type { RequestOrigin } from "../principal.ts";
import { faultOfVisibleText } from "../visible-text.ts";
import { devicesOf } from "./device-cookie.ts";

const CALLERS_ID = /^[A-Za-z0-9._-]{8,64}$/;
/** The longest address with a zone and a port has some eighty characters. */
const LONGEST_ADDRESS = 128;
/** As many languages as anybody reads. */
const LONGEST_LANGUAGES = 200;
const LANGUAGE_RANGE =
  /^([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,8})[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?$/;
/** Each of the 120 characters of a name may be four bytes, and each byte three characters. */
const LONGEST_DEVICE = 120 * 12;

/** Answers how to read it, behind the proxies of this installation. */
export function originReader({ config, keyring }: Deps): (c: HonoContext) => RequestOrigin {
  const { trustedProxyHops, trustedProxies } = config;
  const isProxy = isAmong(trustedProxies);

  /**
   * The caller's address. X-Forwarded-For is believed only as far as our own proxies wrote it: with n of them, the n-th
   * entry from the right. Anything further left is the caller's invention, and all of it is where it comes from no proxy
   * of ours (ASVS 5.0, 4.1.3).
   */
  function clientIp(c: HonoContext): string | null {
    const peer = () => plainAddress(serverOf(c).requestIP?.(c.req.raw)?.address);
    if (trustedProxyHops === 0) return peer();
    if (trustedProxies.length > 0 && !isProxy(peer() ?? "")) return peer();
    const forwarded = c.req.header("x-forwarded-for")?.split(",") ?? [];
    return plainAddress(forwarded.at(-trustedProxyHops)?.trim());
  }

  return function originOf(c) {
    const given = c.req.header("x-request-id");
    const devices = devicesOf(c, keyring.device);
    return {
      requestId: given && CALLERS_ID.test(given) ? given : newId(),
      ip: clientIp(c),
      userAgent: userAgent(c),
      language: language(c),
      device: device(c),
      ...(devices && { devices }),
    };
  };
}

/** Some proxies write the port too: 192.0.2.1:4711, [2001:db8::1]:4711. Without it all of their clients would be one. */
function plainAddress(given: string | undefined): string | null {
  if (given === undefined || given.length > LONGEST_ADDRESS) return null;
  const address = /^\[(.+)\](?::\d+)?$/.exec(given)?.[1] ?? given.replace(/^([\d.]+):\d+$/, "$1");
  return addressOf(address);
}

/** Bun.serve passes its server as the environment. A test that calls the application itself has none. */
export function serverOf({ env }: HonoContext): Partial<Bun.Server<unknown>> {
  return env ?? {};
}

function userAgent(c: HonoContext): string | null {
  const header = c.req
    .header("user-agent")
    ?.slice(0, 512)
    .replace(/[^\x20-\x7e]/g, "?");
  return header || null;
}

/**
 * The languages of Accept-Language, the most wanted first (RFC 9110, section 12.5.4); of equals the one that stands first.
 * What is not acceptable at all is none of them, nor is `*`, which names none (RFC 4647, section 3.4).
 */
function language(c: HonoContext): string | null {
  const given = c.req.header("accept-language");
  if (!given) return null;
  // Up to a comma: cut within a range, what is left of it could be another one.
  const header =
    given.length > LONGEST_LANGUAGES
      ? given.slice(0, LONGEST_LANGUAGES).replace(/,[^,]*$/, "")
      : given;
  const wanted = header.split(",").flatMap((range) => {
    // `de_DE` is what Android and POSIX call a locale, and some clients send.
    const [, tag = "", weight = "1"] = LANGUAGE_RANGE.exec(range.trim().replace(/_/g, "-")) ?? [];
    return tag && Number(weight) > 0 ? [{ tag, weight: Number(weight) }] : [];
  });
  const sorted = wanted.sort((one, other) => other.weight - one.weight);
  return sorted.map(({ tag }) => tag).join(",") || null;
}

/** The header Tenantry-Device, percent-encoded where it is not ASCII. What cannot be read is no name. */
function device(c: HonoContext): string | null {
  const header = c.req.header("tenantry-device");
  if (!header || header.length > LONGEST_DEVICE) return null;
  try {
    const name = decodeURIComponent(header).trim();
    return /^.{1,120}$/u.test(name) && faultOfVisibleText(name) === null ? name : null;
  } catch {
    return null;
  }
}
