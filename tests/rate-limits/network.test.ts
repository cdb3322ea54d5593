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

/** The groups of an IPv4 address. */
const halves = (ipv4: string): number[] => {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split(".").map(Number);
  return [(a << 8) | b, (c << 8) | d];
};

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
        const groups = [0, 0, 0, 0, 0, 0xffff, ...halves(ip)];
        expect(addressOf(spell(groups, spelling))).toBe(ip);
        expect(networkOf(spell(groups, spelling))).toBe(ip);
        expect(networkOf(ip)).toBe(ip);
      }),
      { numRuns: 500 },
    );
  });

  test("RFC 6052: a client of NAT64 is its IPv4 address, however that is written", () => {
    fc.assert(
      fc.property(IPv4, Spelling, (ip, spelling) => {
        const written = spell([0x64, 0xff9b, 0, 0, 0, 0, ...halves(ip)], spelling);
        expect([addressOf(written), networkOf(written)]).toEqual([ip, ip]);
      }),
      { numRuns: 500 },
    );
    expect(networkOf("64:ff9b::192.0.2.33")).toBe("192.0.2.33");
    // Its neighbours are no part of it.
    expect(networkOf("64:ff9b:0:0:0:1:c000:221")).toBe("64:ff9b:0:0::/64");
    expect(networkOf("64:ff9a::192.0.2.33")).toBe("64:ff9a:0:0::/64");
  });

  test("RFC 8215: so is one of a local NAT64, and each is a caller of its own behind a prefix of any length", () => {
    // The examples of RFC 6052, section 2.4, below the local prefix.
    for (const address of [
      "64:ff9b:1::192.0.2.33",
      "64:ff9b:1:fffe::192.0.2.33",
      "64:ff9b:1:abcd:0:5431:192.0.2.33",
    ])
      expect([address, networkOf(address)]).toEqual([address, "192.0.2.33"]);
    for (const [one, other] of [
      ["64:ff9b:1:c000:2:2100::", "64:ff9b:1:c000:2:2200::"],
      ["64:ff9b:1:3c0:0:221::", "64:ff9b:1:3c0:0:222::"],
      ["64:ff9b:1:344:c0:2:2100::", "64:ff9b:1:344:c0:2:2200::"],
    ] as const) {
      expect(networkOf(one)).not.toBe(networkOf(other));
      expect(networkOf(one)).toBe(networkOf(one.toUpperCase()));
    }
  });

  test("RFC 3056 and 4380: a site of 6to4 is one caller, and a client of Teredo too, whatever server and port it has", () => {
    expect(networkOf("2002:c000:221:1::1")).toBe("2002:c000:221::/48");
    expect(networkOf("2002:c000:221:ffff::1")).toBe(networkOf("2002:c000:221::9"));
    expect(networkOf("2002:c000:222::1")).not.toBe(networkOf("2002:c000:221::1"));
    // A client 192.0.2.45 behind port 40000: both stand inverted.
    expect(networkOf("2001:0:4136:e378:8000:63bf:3fff:fdd2")).toBe("192.0.2.45");
    expect(networkOf("2001:0:1:2:0:1:3fff:fdd2")).toBe("192.0.2.45");
    expect(networkOf("2001:0:4136:e378:8000:63bf:3fff:fdd3")).toBe("192.0.2.44");
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
