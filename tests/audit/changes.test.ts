/** What of a change its audit row tells. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { changesBetween } from "../../src/audit/changes.ts";

const before = {
  status: "active",
  roles: ["a", "b"],
  email: "old@x.example",
  note: null,
  n: { a: 1, b: 2 },
};

test("fields that differ, with values for those that may be seen", () => {
  const after = { ...before, status: "disabled", email: "new@x.example" };
  const options = { fields: ["status", "roles", "email"], shown: ["status", "roles"] };
  expect(changesBetween(before, after, options)).toEqual({
    changes: { status: { before: "active", after: "disabled" }, email: { masked: true } },
  });
});

test("nothing where nothing differs: neither by order, nor by absence instead of null", () => {
  const after = { status: "active", roles: ["b", "a"], email: before.email, n: { b: 2, a: 1 } };
  const fields = Object.keys(before);
  expect(changesBetween(before, after, { fields, shown: fields })).toEqual({});
  expect(changesBetween(before, { ...after, n: { a: 1 } }, { fields, shown: ["n"] })).toEqual({
    changes: { n: { before: { a: 1, b: 2 }, after: { a: 1 } } },
  });
});

test("what is not shown is not there, whatever it is", () => {
  const value = fc.oneof(
    fc.string({ minLength: 6 }),
    fc.dictionary(fc.string(), fc.string({ minLength: 6 })),
  );
  fc.assert(
    fc.property(value, value, (a, b) => {
      const made = changesBetween({ secret: a }, { secret: b }, { fields: ["secret"], shown: [] });
      expect([{}, { changes: { secret: { masked: true } } }]).toContainEqual(made);
    }),
  );
});
