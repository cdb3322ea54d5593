import { expect, test } from "bun:test";
import { randomName, testApp } from "../support/app.ts";

const app = testApp();

async function registerWith(password: string) {
  const name = randomName();
  const email = `${name}@example.com`;
  const { status, body } = await app.call("POST /v1/auth/register", {
    json: { email, password, tenant: { name, slug: name } },
  });
  const logIn = async (attempt: string) =>
    (await app.call("POST /v1/auth/login", { json: { email, password: attempt } })).status;
  return { status, fields: body.errors?.map(({ path }: { path: string }) => path), logIn };
}

const OWL = "🦉"; // One code point, two UTF-16 units, four bytes.
const BEASTS = "🦉🐢🦊🐙🦔🐝🦋🐳🦜🐞🦩🐌🦚🐘🦒"; // Fifteen of the kind.

test("R1: fifteen characters are enough, fourteen are not", async () => {
  expect(await registerWith("unrelated word")).toMatchObject({ status: 422, fields: ["password"] });
  expect(await registerWith("unrelated words")).toMatchObject({ status: 201 });
});

test("R2: length is counted in code points, not in UTF-16 units or bytes", async () => {
  const fourteen = BEASTS.slice(2);
  expect(await registerWith(fourteen)).toMatchObject({ status: 422, fields: ["password"] });
  expect(await registerWith(BEASTS)).toMatchObject({ status: 201 });
});

test("R2: 256 code points are accepted, 257 are refused rather than cut", async () => {
  expect(await registerWith(OWL.repeat(257))).toMatchObject({ status: 422, fields: ["password"] });
  expect(await registerWith("a".repeat(257))).toMatchObject({ status: 422, fields: ["password"] });
  const longest = await registerWith(`${OWL.repeat(255)}x`);
  expect(longest.status).toBe(201);
  expect(await longest.logIn(`${OWL.repeat(255)}y`)).toBe(401);
  expect(await longest.logIn(`${OWL.repeat(255)}x`)).toBe(200);
});

test("R3: spaces, controls and any script are accepted, with no rule of composition", async () => {
  for (const password of [
    "    \u00a0    \u3000     ",
    "onlylowercaseletters",
    "83920174650283917",
    "パスワードは長いほうがいいですよね",
    "tab\tand\nnewline in it",
  ]) {
    const user = await registerWith(password);
    expect([password, user.status, await user.logIn(password)]).toEqual([password, 201, 200]);
  }
});

test("R4: a password is compared as it was given: no trim, no case fold", async () => {
  const user = await registerWith(" Correct Horse Battery ");
  expect(await user.logIn("Correct Horse Battery")).toBe(401);
  expect(await user.logIn(" correct horse battery ")).toBe(401);
  expect(await user.logIn(" Correct Horse Battery ")).toBe(200);
});

test("R4: e + U+0301 and U+00E9 are one password, whichever was set", async () => {
  const decomposed = "cafe\u0301 au lait, s'il vous plai\u0302t";
  const composed = decomposed.normalize("NFC");
  expect(composed).not.toBe(decomposed);
  expect(await (await registerWith(decomposed)).logIn(composed)).toBe(200);
  expect(await (await registerWith(composed)).logIn(decomposed)).toBe(200);
});

test("R2: the length is that of the normalised password", async () => {
  expect(await registerWith("e\u0301".repeat(14))).toMatchObject({ status: 422 });
  expect(await registerWith(`${"e\u0301".repeat(255)}x`)).toMatchObject({ status: 201 });
});
