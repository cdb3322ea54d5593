/** R73: length before pattern, and no pattern worse than linear. Through the routes: patterns-routes.test.ts. */
import { expect, test } from "bun:test";
import { Glob } from "bun";
import { z } from "zod";
import { deviceName } from "../../src/device.ts";
import * as fields from "../../src/fields.ts";
import { jsonFault } from "../../src/http/json-fault.ts";
import { assertAcceptablePassword } from "../../src/users/password-policy.ts";
import { assertLinear, hostileTexts, millisOf, SIZE } from "./hostile.ts";

type Def = z.core.$ZodTypeDef & {
  checks?: z.core.$ZodCheck[];
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  options?: z.ZodType[];
  innerType?: z.ZodType;
  in?: z.ZodType;
  out?: z.ZodType;
  format?: string;
};

const defOf = (schema: z.ZodType) => schema.def as unknown as Def;
/** Of a form so short that their own pattern gives up at once. */
const SHORT_FORMS = ["uuid", "datetime", "ipv4", "ipv6"];

/** Every schema that something from outside is held against. */
const inputs: [name: string, schema: z.ZodType][] = [
  ["Email", fields.Email],
  ["Slug", fields.Slug],
  ["line", fields.line(120)],
  ["JsonObject", fields.JsonObject],
  ["Instant", fields.Instant],
];
for (const file of new Glob("src/**/*.ts").scanSync(".")) {
  if (
    !/schemas\.ts$|audit\/list\.ts$|export\/export\.ts$|tenant-settings\/settings\.ts$/.test(file)
  )
    continue;
  for (const [name, value] of Object.entries(await import(`../../${file}`)))
    if (
      value instanceof z.ZodType &&
      /Input|Query|Row$|^Code|Password|^Passkey|Settings/.test(name)
    )
      inputs.push([name, value]);
}

/** Everything within a schema, itself included. */
function within(schema: z.ZodType): z.ZodType[] {
  const { shape, element, options, innerType, in: input, out } = defOf(schema);
  const parts = [...Object.values(shape ?? {}), ...(options ?? []), element, innerType, input, out];
  return [schema, ...parts.filter((part) => part !== undefined).flatMap(within)];
}

/** An input of the schema's shape in which every text is this one, for each of the schema's alternatives. */
function filled(schema: z.ZodType, text: string): unknown[] {
  const { type, shape, element, options, innerType, in: input } = defOf(schema);
  if (shape) {
    const entries = Object.entries(shape).map(([key, part]) => [key, filled(part, text)[0]]);
    return [Object.fromEntries(entries)];
  }
  if (element) return [[filled(element, text)[0]]];
  if (options) return options.flatMap((option) => filled(option, text));
  if (innerType ?? input) return filled((innerType ?? input) as z.ZodType, text);
  return type === "literal" ? [[...(schema as z.ZodLiteral).values][0]] : [text];
}

test("the schemas of every request are among those looked at", () => {
  const names = inputs.map(([name]) => name);
  expect(names.length).toBeGreaterThan(45);
  for (const name of [
    "LoginInput",
    "CreateUserInput",
    "ImportTextRow",
    "PasskeyAssertion",
    "ListAuditQuery",
    "UpdateTenantSettings",
  ])
    expect(names).toContain(name);
});

test("R73: length comes before every pattern, trimming and change of case, and ends the matter", () => {
  const faults = inputs.flatMap(([name, schema]) =>
    within(schema).flatMap((part) => {
      const { type, checks = [], format, in: input } = defOf(part);
      const isText = type === "string" && !SHORT_FORMS.includes(format ?? "");
      const [first, ...others] = checks.map(
        ({ _zod }) => _zod.def as z.core.$ZodCheckDef & { maximum?: number },
      );
      const isBounded = first?.check === "max_length" && first.abort === true;
      const looks =
        format !== undefined ||
        [first, ...others].some((def) => def && !["max_length", "min_length"].includes(def.check));
      if (isText && looks && !isBounded)
        return [`${name}: ${JSON.stringify(checks.map(({ _zod }) => _zod.def.check))}`];
      // What transforms a text has its length checked, by stopping before the transform.
      const source = input && defOf(input);
      const isPiped =
        type === "pipe" &&
        source?.type === "string" &&
        !SHORT_FORMS.includes(source.format ?? "") &&
        // Of a query, which is short as a whole.
        !(part instanceof z.ZodCodec);
      return isPiped && source.checks?.[0]?._zod.def.check !== "max_length"
        ? [`${name}: a transform`]
        : [];
    }),
  );
  expect(faults).toEqual([]);
});

test("R73: no schema takes longer over hostile text than in proportion to it", async () => {
  const texts = new Map([SIZE, SIZE / 8].map((size) => [size, hostileTexts(size)]));
  for (const [name, schema] of inputs)
    for (const at of hostileTexts(1).keys()) {
      const run = (size: number) => {
        const values = filled(schema, texts.get(size)?.[at] ?? "");
        return () => values.map((value) => schema.safeParse(value));
      };
      await assertLinear(`${name} on text ${at}`, run);
    }
}, 120_000);

test("R73: the pattern of addresses is linear also without the length before it", async () => {
  for (const [at] of hostileTexts(1).entries())
    await assertLinear(`text ${at}`, (size) => {
      const text = hostileTexts(size)[at] ?? "";
      return () => fields.ADDRESS.test(text);
    });
});

test("R73: it takes the addresses that zod's own takes and a few more, and many spaces around one are no address", () => {
  // RFC 5321 and IDNA let in an apostrophe, `é` in a domain and a space behind it; no label ends with a hyphen.
  const less = /@b-\.co$/;
  const parts = ["a", "a.b", "a..b", ".a", "a.", "a'", "'a", "a+b", "-a", "a_", "", "é", "a b"];
  const hosts = [
    "b.co",
    "b",
    "-b.co",
    "b-.co",
    "b..co",
    ".b.co",
    "b.c",
    "b.co1",
    "b.-c.co",
    "1.co",
    "b.co ",
    "bé.co",
  ];
  for (const part of parts)
    for (const host of hosts) {
      const address = `${part}@${host}`;
      const theirs = z.email().safeParse(address.trim().replace("'@", "a@").replace("@bé", "@be"));
      const expected = theirs.success && !less.test(address);
      expect([address, fields.Email.safeParse(address).success]).toEqual([address, expected]);
    }
  expect(fields.Email.parse("Ada.Lovelace@Example.COM")).toBe("ada.lovelace@example.com");
  const spaces = " ".repeat(200 * 1024);
  for (const text of [spaces, `${spaces}ada@example.com`, `ada@example.com${spaces}`])
    expect(fields.Email.safeParse(text).success).toBe(false);
  expect(fields.line(120).safeParse(`${spaces}Ada`).success).toBe(false);
  expect(fields.line(120).parse("  Ada ")).toBe("Ada");
});

test("R73: what JSON.parse lets through is found in proportion to its length, whatever the body is made of", async () => {
  const bodies: Record<string, (size: number) => string> = {
    arrays: (size) => `[${"[],".repeat(size / 3)}[]]`,
    objects: (size) => `[${"{},".repeat(size / 3)}{}]`,
    numbers: (size) => `[${"1,".repeat(size / 2)}1]`,
    "open brackets": (size) => "[".repeat(size / 2) + "]".repeat(size / 2),
    backslashes: (size) => `["${"\\\\".repeat(size / 2)}"]`,
    "quoted quotes": (size) => `["${'\\"'.repeat(size / 2)}"]`,
    escapes: (size) => `["${"\\u0041".repeat(size / 6)}"]`,
    "short texts": (size) => `[${'"",'.repeat(size / 3)}""]`,
    "one text": (size) => `["${"a".repeat(size)}"]`,
    spaces: (size) => `[${" ".repeat(size)}]`,
    keys: (size) => `{${Array.from({ length: size / 14 }, (_, n) => `"k${n}":[]`).join()}}`,
  };
  for (const [name, make] of Object.entries(bodies))
    await assertLinear(name, (size) => {
      const text = make(size);
      JSON.parse(text);
      return () => jsonFault(text);
    });
});

test("R73: the policy of passwords takes no time at the longest password, nor naming a device at the longest header", async () => {
  const owner = {
    email: `${"a.".repeat(100)}a@example.com`,
    firstName: "a".repeat(120),
    lastName: "ab".repeat(60),
    tenant: { name: "a b ".repeat(30), slug: "a-".repeat(30) },
  };
  const policy = {
    passwordMinLength: 15,
    passwordMinLengthWithMfa: 8,
    mfa: "optional",
    productName: "ab ".repeat(21),
  } as const;
  await assertAcceptablePassword(policy, "unrelated words make a long one", owner);
  for (const text of [
    ...hostileTexts(512),
    ...hostileTexts(256),
    `${"a".repeat(255)}b`,
    `${"ab".repeat(127)}c`,
    "\u0958".repeat(256),
  ]) {
    const judge = () => assertAcceptablePassword(policy, text, owner).catch(() => {});
    expect(await millisOf(judge, 5)).toBeLessThan(25);
    const userAgent = text.slice(0, 512);
    const name = () =>
      deviceName({ requestId: "", ip: null, language: null, device: null, userAgent });
    expect(await millisOf(name, 5)).toBeLessThan(25);
  }
});
