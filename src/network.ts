/** Addresses of the network, and who stands behind them. */
import { BlockList, isIP } from "node:net";
import type { Prefix } from "./config/networks.ts";

/**
 * An address as it is kept. One of IPv4 that a translator has put into IPv6 is IPv4, and a zone (fe80::1%eth0) means
 * nothing outside this machine. Null for what is no address.
 */
export function addressOf(text: string): string | null {
  // Most are: a request asks this twice.
  if (isIP(text) === 4) return text;
  const address = text.replace(/%.*$/s, "");
  if (isIP(address) === 0) return null;
  if (isIP(address) === 4) return address;
  return embeddedIn(groupsOf(address)) ?? address.toLowerCase();
}

/**
 * What attempts are counted by, as PostgreSQL's inet takes it: one IPv4 address, or the /64 that one IPv6 subscriber has.
 * "unknown" is one caller too.
 */
export function networkOf(ip: string | null): string {
  const address = ip === null ? null : addressOf(ip);
  if (address === null) return "unknown";
  if (isIP(address) === 4) return address;
  const groups = groupsOf(address);
  // Each is one of IPv4, wherever its bits stand: see `embeddedIn`.
  if (isLocalNat64(groups)) return hexOf(groups);
  // A site of 6to4 has one IPv4 address and 65,536 networks (RFC 3056, section 2).
  if (groups[0] === 0x2002) return `${hexOf(groups.slice(0, 3))}::/48`;
  return `${hexOf(groups.slice(0, 4))}::/64`;
}

/**
 * The IPv4 address that an IPv6 one stands for, or null: of ::ffff:0:0/96 (RFC 4291, section 2.5.5.2), of the well-known
 * prefix of NAT64, 64:ff9b::/96 (RFC 6052, section 2.1), and of Teredo, which writes the client's upside down
 * (RFC 4380, section 4). All of NAT64's clients, or of a Teredo server's, have one /64: counted by that they would be one
 * caller.
 */
function embeddedIn(groups: number[]): string | null {
  const last = groups.slice(6);
  if (startsWith(groups, [0, 0, 0, 0, 0, 0xffff]) || startsWith(groups, [...NAT64, 0, 0, 0, 0]))
    return dotted(last);
  if (startsWith(groups, TEREDO)) return dotted(last.map((group) => group ^ 0xffff));
  // The local prefix may have any length of RFC 6052, section 2.2, each with its own place for the address. Behind all but
  // /96 the last 24 bits are zero, and no host has an address that ends with these.
  const [high = 0, low = 0] = last;
  return isLocalNat64(groups) && ((high & 0xff) !== 0 || low !== 0) ? dotted(last) : null;
}

const NAT64 = [0x64, 0xff9b];
const TEREDO = [0x2001, 0];

/** 64:ff9b:1::/48 (RFC 8215). */
function isLocalNat64(groups: number[]): boolean {
  return startsWith(groups, [...NAT64, 1]);
}

function startsWith(groups: number[], prefix: number[]): boolean {
  return prefix.every((group, at) => group === groups[at]);
}

/** Answers whether an address is within one of these. What is no address is within none. */
export function isAmong(prefixes: readonly Prefix[]): (address: string) => boolean {
  const list = new BlockList();
  for (const { address, length, family } of prefixes) list.addSubnet(address, length, family);
  return function isWithin(address) {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}

/**
 * Whom attempts at an account are counted by: the device, where the account knows it; else all who share the network, and
 * hold each other off.
 */
export function callerOf({ ip, knownDevice }: { ip: string | null; knownDevice?: string }): string {
  return knownDevice === undefined ? networkOf(ip) : `device ${knownDevice}`;
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

function dotted(groups: number[]): string {
  return groups.flatMap((group) => [group >> 8, group & 0xff]).join(".");
}

function hexOf(groups: number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}
