import { expect, test } from "bun:test";
import { tokenIn, verify } from "../auth/mails/mails.ts";
import { createMember, createSuperAdmin, registerOwner, testApp } from "../support/app.ts";

const app = testApp();

test("R19: when a platform account changes somebody's address, the old one is told, and of nothing else", async () => {
  const owner = await registerOwner(app);
  const root = await createSuperAdmin(app);
  const member = await createMember(app, owner);
  await app.call("POST /v1/auth/me/email/verification", { token: member.accessToken });
  await verify(app, member);
  const change = (json: object) =>
    app.call(`PATCH /v1/users/${member.id}`, { token: root.accessToken, json });
  await change({ firstName: "Ada" });
  await change({ email: member.email });
  const before = (await app.mail()).filter(({ to }) => to === member.email).length;
  const email = `new.${member.email}`;
  await change({ email });
  // While it waits for its proof nothing has changed.
  expect((await app.mail()).filter(({ to }) => to === member.email).length).toBe(before);
  await app.call("POST /v1/auth/me/email/verify", {
    token: member.accessToken,
    json: { token: tokenIn(await app.lastMailTo(email)) },
  });
  const mail = await app.lastMailTo(member.email);
  expect(mail.subject).toBe("Your e-mail address was changed");
  expect((await app.mail()).filter(({ to }) => to === member.email).length).toBe(before + 1);
});

test("whoever has the address that somebody wants is told in their own language", async () => {
  const reader = await registerOwner(app);
  const { accessToken: token } = reader;
  await app.call("POST /v1/auth/me/email/verification", { token });
  await verify(app, reader);
  await app.call("PATCH /v1/auth/me/profile", { token, json: { language: "de" } });
  const other = await registerOwner(app);
  await app.call("POST /v1/auth/me/email", {
    token: other.accessToken,
    json: { email: reader.email },
    headers: { "accept-language": "en" },
  });
  expect((await app.lastMailTo(reader.email)).subject).toBe("Sie haben schon ein Konto");
});
