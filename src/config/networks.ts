/** Lists of networks: addresses, and prefixes of them (RFC 4632, RFC 4291 section 2.3). */
import { isIP } from "node:net";
import { z } from "zod";

export type Prefix = { address: string; length: number; family: "ipv4" | "ipv6" };

const SHORTEST = { ipv4: 8, ipv6: 16 };
type Longest = { ipv4: number; ipv6: number };

/** One subscriber of IPv6 has a /64, and is one network to us. */
export const Networks = prefixes({ ipv4: 32, ipv6: 64 });
/** Machines of one's own, each with an address of its own. */
export const ProxyAddresses = prefixes({ ipv4: 32, ipv6: 128 });

function prefixes(longest: Longest) {
  return z.string().transform((text, { addIssue }) => {
    const entries = text.split(/[\s,]+/).filter(Boolean);
    const found = entries.map((entry) => prefixOf(entry, longest));
    const wrong = found.indexOf(null);
    if (wrong !== -1)
      addIssue(
        `entry ${wrong + 1} must be an address such as 203.0.113.7, or a prefix such as 203.0.113.0/28 (/8 to /${longest.ipv4}) or 2001:db8:12::/48 (/16 to /${longest.ipv6})`,
      );
    return found.filter((prefix) => prefix !== null);
  });
}

function prefixOf(entry: string, longest: Longest): Prefix | null {
  const [, address = "", digits] = /^([0-9A-Fa-f.:]+)(?:\/([1-9]\d{0,2}))?$/.exec(entry) ?? [];
  if (isIP(address) === 0) return null;
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  const length = digits === undefined ? longest[family] : Number(digits);
  return length >= SHORTEST[family] && length <= longest[family]
    ? { address, length, family }
    : null;
}
