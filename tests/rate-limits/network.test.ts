import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addressOf, networkOf } from "../../src/network.ts";

const Group = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff }));
const Groups = fc.array(Group, { minLength: 8, maxLength: 8 });
const Byte = fc.integer({ min: 0, max: 255 });
const IPv4 = fc.array(Byte, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join("."));

type Spelling = {
  upper: boolean;
  padded: boolean;
  dotted: boolean;
  /** Where a run of zeros may be left out: the first at or after this group. */
  from: number;
  zone: string;
};
const Spelling = fc.record({
  upper: fc.boolean(),
  padded: fc.boolean(),
  dotted: fc.boolean(),
  from: fc.integer({ min: 0, max: 8 }),
  zone: fc.constantFrom("", "%eth0", "%1"),
});

/** One of the many ways to write an IPv6 address (RFC 4291, section 2.2). */
function spell(groups: readonly number[], { upper, padded, dotted, from, zone }: Spelling): string {
  const hex = groups.map((group) => group.toString(16).padStart(padded ? 4 : 1, "0"));
  const end = dotted
    ? [
        groups
          .slice(6)
          .flatMap((group) => [group >> 8, group & 255])
          .join("."),
      ]
    : [];
  const parts = dotted ? [...hex.slice(0, 6), ...end] : hex;
  const start = parts.findIndex((part, at) => at >= from && /^0+$/.test(part));
  let length = 0;
  while (start >= 0 && /^0+$/.test(parts[start + length] ?? "")) length += 1;
  const text =
    start < 0
      ? parts.join(":")
      : `${parts.slice(0, start).join(":")}::${parts.slice(start + length).join(":")}`;
  return (upper ? text.toUpperCase() : text) + zone;
}

const isMapped = (groups: readonly number[]) =>
  groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;

describe("R14: attempts are counted by network", () => {
  test("every spelling of every address of one /64 is one caller", () => {
    fc.assert(
      fc.property(Groups, Groups, Spelling, Spelling, (groups, others, one, another) => {
        const neighbour = [...groups.slice(0, 4), ...others.slice(4)];
        fc.pre(!isMapped(groups) && !isMapped(neighbour));
        const network = networkOf(spell(groups, one));
        expect(networkOf(spell(neighbour, another))).toBe(network);
        expect(network).toBe(
          `${groups
            .slice(0, 4)
            .map((group) => group.toString(16))
            .join(":")}::/64`,
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("another /64 is another caller", () => {
    fc.assert(
      fc.property(Groups, Groups, Spelling, Spelling, (groups, others, one, another) => {
        fc.pre(groups.slice(0, 4).join() !== others.slice(0, 4).join());
        expect(networkOf(spell(groups, one))).not.toBe(networkOf(spell(others, another)));
      }),
      { numRuns: 500 },
    );
  });

  test("IPv4 in IPv6 clothes is IPv4, however it is written", () => {
    fc.assert(
      fc.property(IPv4, Spelling, (ip, spelling) => {
        const [a = 0, b = 0, c = 0, d = 0] = ip.split(".").map(Number);
        const groups = [0, 0, 0, 0, 0, 0xffff, (a << 8) | b, (c << 8) | d];
        expect(addressOf(spell(groups, spelling))).toBe(ip);
        expect(networkOf(spell(groups, spelling))).toBe(ip);
        expect(networkOf(ip)).toBe(ip);
      }),
      { numRuns: 500 },
    );
  });

  test("the kept form means the same address, and is its own kept form", () => {
    fc.assert(
      fc.property(Groups, Spelling, (groups, spelling) => {
        const kept = addressOf(spell(groups, spelling));
        expect(kept).not.toBeNull();
        expect(addressOf(kept ?? "")).toBe(kept);
        expect(networkOf(kept)).toBe(networkOf(spell(groups, spelling)));
      }),
      { numRuns: 500 },
    );
  });

  test("what is no address is one caller together, and never an error", () => {
    expect(networkOf(null)).toBe("unknown");
    for (const text of [
      "",
      " ",
      "::1::",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "x",
      "%",
      "[::1]",
      "1:2",
    ])
      expect([text, addressOf(text), networkOf(text)]).toEqual([text, null, "unknown"]);
    fc.assert(fc.property(fc.string(), (text) => void networkOf(text)));
  });
});
