/** Names: what people are called in every script, and nothing that is not seen (UTS #39, UTR #36). */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { line } from "../../src/fields.ts";
import { PASSWORD, registerOwner, testApp } from "../support/app.ts";

const app = testApp();
const name = line(120);

test("what people are called is taken as they write it", () => {
  const names = [
    ...[
      "Ada",
      "O'Brien",
      "D’Arcy",
      "Jean-Luc",
      "Müller & Söhne",
      "Núñez",
      "Đặng Thị Hồng",
      "李小龍",
    ],
    ...[
      "佐藤　花子",
      "Ἀθηνᾶ",
      "Владимир",
      "שָׁלוֹם",
      "محمد",
      "สมชาย",
      "김정은",
      "नीलम",
      "Łukasz",
      "ʻOkina",
    ],
    // Joiners where they are spelling: Persian, Sinhala, Malayalam, Devanagari.
    ...["علی‌رضا", "ශ්‍රී ලංකා", "മലയാളം ന്‍", "क्‍ष", "क्‌ष"],
    ...["Team 👩‍💻", "👨‍👩‍👧‍👦", "❤️", "☎︎", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 FC", "🇩🇪", "👍🏽", "🏳️‍🌈", "🏴"],
    // Which form of the character: a Japanese surname.
    ..."辻󠄀".split(" "),
  ];
  for (const each of names)
    expect([each, name.safeParse(each).data]).toEqual([each, each.normalize("NFC")]);
  expect(name.parse("  Jose\u0301\u00a0\n")).toBe("José");
});

/** Not seen, or seen to no good, by code point. */
const UNSEEN = [
  ...[
    0x202e, 0x202a, 0x202b, 0x202c, 0x202d, 0x2066, 0x2067, 0x2068, 0x2069, 0x200e, 0x200f, 0x61c,
  ],
  ...[
    0x13430, 0x1343a, 0x2028, 0x2029, 0x85, 0x7f, 0x1b, 0x200b, 0x200c, 0x200d, 0x2060, 0x2064,
    0xfeff, 0xad, 0x34f,
  ],
  ...[
    0x3164, 0x115f, 0x1160, 0xffa0, 0x17b4, 0x17b5, 0x180b, 0x180e, 0xfe0f, 0xfe0e, 0xfe00, 0x2800,
  ],
  ...[0xe0001, 0xe0041, 0xe007f, 0xe0100, 0xe01ef, 0xfff9, 0xfffc, 0xffff, 0xe000, 0x1d173, 0x206a],
];

test("what is not seen is refused, alone, within, before and behind, with one fault", () => {
  for (const point of UNSEEN) {
    const char = String.fromCodePoint(point);
    for (const each of [char, `Ac${char}me`, `${char}Acme`, `Acme${char}`, `Acme ${char} Bank`])
      if (each.trim() === each || /[\u2028\u2029\ufeff]/.test(each))
        expect([point.toString(16), name.safeParse(each).error?.issues.length]).toEqual([
          point.toString(16),
          1,
        ]);
  }
  for (const each of [
    "a\u200db",
    "م\u200d\u200dم",
    "م\u200cx",
    "🏴\u{e0061}\u{e007f}",
    `a${"\u0301".repeat(6)}`,
  ])
    expect([each, name.safeParse(each).success]).toEqual([each, false]);
});

test("no text that is taken has anything in it that is not seen, and taking it again changes nothing", () => {
  const unit = fc.oneof(
    fc.constantFrom(...UNSEEN.map((point) => String.fromCodePoint(point))),
    fc.constantFrom("a", " ", "م", "क", "्", "辻", "👩", "💻", "1", "é"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
      const { data } = name.safeParse(text);
      if (data === undefined) return;
      expect(name.parse(data)).toBe(data);
      expect(data).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029\u200b\u3164\u2060]/u);
    }),
    { numRuns: 2000 },
  );
});

test("all names that people type are held to it", async () => {
  const owner = await registerOwner(app);
  const bad = "Acme\u202e Bank";
  const email = "x@x.example";
  const requests: [route: string, json: object, path: string][] = [
    [
      "POST /v1/auth/register",
      { email, password: PASSWORD, tenant: { name: bad, slug: "bad" } },
      "tenant.name",
    ],
    ["POST /v1/users", { email, firstName: bad }, "firstName"],
    [`PATCH /v1/users/${owner.id}`, { lastName: bad }, "lastName"],
    ["POST /v1/roles", { name: "r1", description: bad, permissions: [] }, "description"],
    ["POST /v1/api-keys", { name: bad, scopes: ["user:read"] }, "name"],
    ["POST /v1/service-accounts", { name: bad, roles: [] }, "name"],
    [`PATCH /v1/tenants/${owner.tenantId}`, { name: bad }, "name"],
    [`PATCH /v1/auth/me/passkeys/${owner.id}`, { name: bad }, "name"],
  ];
  for (const [route, json, path] of requests) {
    const { status, body } = await app.as(owner, route, json);
    expect([route, status, body.errors?.map((each: { path: string }) => each.path)]).toEqual([
      route,
      422,
      [path],
    ]);
  }
});
