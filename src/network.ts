/** Addresses of the network, and who stands behind them. */
import { isIP } from "node:net";

/**
 * An address as it is kept. IPv4 in IPv6 clothes is IPv4 (RFC 4291, section 2.5.5.2), and a zone (fe80::1%eth0) means
 * nothing outside this machine. Null for what is no address.
 */
export function addressOf(text: string): string | null {
  const address = text.replace(/%.*$/s, "");
  if (isIP(address) === 0) return null;
  if (isIP(address) === 4) return address;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 6).every((group, at) => group === (at < 5 ? 0 : 0xffff));
  return isMapped ? groups.slice(6).flatMap(bytesOf).join(".") : address.toLowerCase();
}

/** What attempts are counted by: one IPv4 address, or the /64 that one IPv6 subscriber has. "unknown" is one caller too. */
export function networkOf(ip: string | null): string {
  const address = ip === null ? null : addressOf(ip);
  if (address === null) return "unknown";
  if (isIP(address) === 4) return address;
  const prefix = groupsOf(address).slice(0, 4);
  return `${prefix.map((group) => group.toString(16)).join(":")}::/64`;
}

/** The eight numbers of an IPv6 address: "::" stands for those that are missing, and the last two may look like IPv4. */
function groupsOf(ipv6: string): number[] {
  const [head = [], tail = []] = ipv6.split("::").map((half) =>
    half
      .split(":")
      .filter((part) => part !== "")
      .flatMap((part) => (part.includes(".") ? fromDotted(part) : Number.parseInt(part, 16))),
  );
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function fromDotted(ipv4: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split(".").map(Number);
  return [a * 256 + b, c * 256 + d];
}

function bytesOf(group: number): number[] {
  return [group >> 8, group & 0xff];
}
