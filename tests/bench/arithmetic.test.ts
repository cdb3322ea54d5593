/** The bench is believed because its arithmetic is right. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { belowFloors, faultsOfMachine, median, percentile, ratioOf, spread } from "./arithmetic.ts";
import floors from "./floors.json";
import { ROWS } from "./rows/all.ts";

const numbers = fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1 });

test("the median is the middle one, or between the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test("as many values are above the median as below it, in whatever order they come", () => {
  fc.assert(
    fc.property(numbers, (values) => {
      const middle = median(values);
      const above = values.filter((value) => value > middle).length;
      const below = values.filter((value) => value < middle).length;
      expect(Math.max(above, below)).toBeLessThanOrEqual(values.length / 2);
      expect(median(values.toReversed())).toBe(middle);
    }),
  );
});

test("a percentile is a value that was measured, which that share does not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)]).toEqual([
    50, 99, 100,
  ]);
  expect(percentile([5], 0.01)).toBe(5);
  fc.assert(
    fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const at = percentile(values, share);
      expect(values).toContain(at);
      expect(values.filter((value) => value <= at).length).toBeGreaterThanOrEqual(
        share * values.length,
      );
    }),
  );
});

test("the spread is what lies between the outermost, as a share of the median", () => {
  expect(spread([90, 100, 120])).toBeCloseTo(0.3);
  expect(spread([5, 5, 5])).toBe(0);
});

test("a ratio is taken round by round: a machine that slows down for both changes nothing", () => {
  expect(ratioOf([80, 40, 8], [100, 50, 10])).toBe(0.8);
  // The medians alone would say 40 / 100.
  expect(ratioOf([40, 90, 10], [50, 100, 100])).toBe(0.8);
});

describe("noise", () => {
  const quiet = { loadAtStart: 0.1, bareSpread: 0.1, foreignShare: 0.02 };

  test("a quiet machine has no fault", () => expect(faultsOfMachine(quiet)).toEqual([]));

  for (const name of ["loadAtStart", "bareSpread", "foreignShare"] as const)
    test(`${name} alone is reason enough to mistrust all`, () => {
      const [fault, ...others] = faultsOfMachine({ ...quiet, [name]: 0.9 });
      expect(fault).toContain("0.90");
      expect(others).toEqual([]);
    });
});

describe("floors", () => {
  test("what is below its floor is named with both; what is on it, or has none, is not", () => {
    const ratios = new Map([
      ["check", 0.49],
      ["me", 0.9],
      ["list", 0.1],
      ["new", 0.1],
    ]);
    expect(belowFloors(ratios, { check: 0.5, me: 0.9, list: null })).toEqual([
      "check: 0.490, and its floor is 0.5",
    ]);
  });

  test("a ratio that is no number is below every floor", () => {
    expect(belowFloors(new Map([["me", Number.NaN]]), { me: 0.1 })).toHaveLength(1);
  });

  test("each committed one is of a ratio that there is", () => {
    const known = ROWS.flatMap(({ ratios = [] }) => ratios.map(({ key }) => key));
    expect(Object.keys(floors).filter((key) => !known.includes(key))).toEqual([]);
  });
});
