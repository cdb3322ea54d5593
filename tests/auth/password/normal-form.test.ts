/** One password is one password, whichever keyboard types it (SP 800-63B-4, 3.1.1.2), and no limit counts its typing. */
import { expect, test } from "bun:test";
import { hash } from "@node-rs/argon2";
import { createSuperAdmin, logIn, randomName, registerOwner, testApp } from "../../support/app.ts";

const app = testApp();
const TOKEN = /#token=([\w.-]+)/;

/** Korean syllables without a row or a repetition in them: typed decomposed each is two or three characters. */
const syllables = (count: number, from: number) =>
  Array.from({ length: count }, (_, n) =>
    String.fromCodePoint(0xac00 + ((from + n * n * 7919 + n * 104_729) % 11_172)),
  ).join("");
const forms = (password: string) => [password.normalize("NFD"), password.normalize("NFC")] as const;

test("180 syllables typed decomposed are taken wherever a password is, and are the composed ones", async () => {
  const [typed, composed] = forms(syllables(180, 1));
  expect(typed.length).toBeGreaterThan(512);
  const name = randomName();
  const email = `owner@${name}.example`;
  const registered = await app.call("POST /v1/auth/register", {
    json: { email, password: typed, tenant: { name, slug: name } },
  });
  expect(registered.status).toBe(201);
  for (const password of [typed, composed]) await logIn(app, email, password);
  const { accessToken: token } = await logIn(app, email, typed);
  const again = await app.call("POST /v1/auth/reauthenticate", {
    token,
    json: { password: typed },
  });
  expect(again.status).toBe(200);

  const [nextTyped, nextComposed] = forms(syllables(180, 5000));
  const change = { currentPassword: typed, newPassword: nextTyped };
  expect(
    (
      await app.call("POST /v1/auth/change-password", {
        token: again.body.accessToken,
        json: change,
      })
    ).status,
  ).toBe(204);
  await logIn(app, email, nextComposed);

  await app.call("POST /v1/auth/forgot-password", { json: { email } });
  const { text } = await app.lastMailTo(email);
  const reset = { token: TOKEN.exec(text)?.[1], newPassword: typed };
  expect((await app.call("POST /v1/auth/reset-password", { json: reset })).status).toBe(204);
  await logIn(app, email, composed);

  const created = await app.call("POST /v1/users", {
    token: (await logIn(app, email, composed)).accessToken,
    json: { email: `m@${name}.example`, password: nextTyped },
  });
  expect(created.status).toBe(201);
  await logIn(app, `m@${name}.example`, nextComposed);
});

test("a limit is one of characters: 256 decomposed pass, one more is one fault", async () => {
  const owner = await registerOwner(app);
  for (const [count, status] of [
    [256, 201],
    [257, 422],
  ] as const) {
    const json = { email: `u${count}@x.example`, password: syllables(count, 9).normalize("NFD") };
    const answer = await app.as(owner, "POST /v1/users", json);
    expect([count, answer.status, answer.body.errors?.length ?? 0]).toEqual([
      count,
      status,
      status === 201 ? 0 : 1,
    ]);
  }
});

test("a hash of another system is found by the text that it was made of, and from then on by either", async () => {
  const owner = await registerOwner(app);
  const root = await createSuperAdmin(app);
  for (const given of forms("Größtes Übel: Öltürme am Äquator")) {
    const email = `${randomName()}@x.example`;
    const made = await app.as(root, "POST /v1/users", {
      email,
      tenantId: owner.tenantId,
      passwordHash: await hash(given, {
        algorithm: 2,
        memoryCost: 19_456,
        timeCost: 3,
        parallelism: 1,
      }),
    });
    expect(made.status).toBe(201);
    for (const typed of [given, ...forms(given)]) await logIn(app, email, typed);
  }
});
