/** Mails that prove two things lie side by side in a mailbox: each is good until it was used or is old. */
import { expect, test } from "bun:test";
import { type Account, randomName, registerOwner, testApp } from "../../support/app.ts";
import { codeIn, otherCode, tokenIn } from "../mails/mails.ts";
import { addressOf, prove } from "./proofs.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });

const ORDERS = ["registration first", "change first"] as const;

/** The mails of an address that is yet to be proved, and of a change that waits, in this order. */
async function both(order: (typeof ORDERS)[number]) {
  const account = await registerOwner(app);
  const email = `${randomName()}@new.example`;
  const change = async () => {
    expect((await app.as(account, "POST /v1/auth/me/email", { email })).status).toBe(202);
    return app.lastMailTo(email);
  };
  const resend = async () => {
    expect((await app.as(account, "POST /v1/auth/me/email/verification")).status).toBe(202);
    return app.lastMailTo(account.email);
  };
  const early = await app.lastMailTo(account.email);
  const changing = await change();
  const proving = order === "change first" ? await resend() : early;
  return { account, email, changing, proving };
}

for (const order of ORDERS)
  for (const by of ["code", "token"] as const) {
    const shown = (mail: Parameters<typeof codeIn>[0]) =>
      by === "code" ? { code: codeIn(mail) } : { token: tokenIn(mail) };

    test(`the ${by} proves the address that the account has, and then the one that waits: ${order}`, async () => {
      const { account, email, changing, proving } = await both(order);
      expect(await prove(app, account, shown(proving))).toBe(204);
      expect(await addressOf(app, account)).toEqual({ email: account.email, verified: true });
      expect(await prove(app, account, shown(changing))).toBe(204);
      expect(await addressOf(app, account)).toEqual({ email, verified: true });
      for (const mail of [proving, changing])
        expect(await prove(app, account, shown(mail))).toBe(400);
    });

    test(`the ${by} completes the change, after which the former address is proved no more: ${order}`, async () => {
      const { account, email, changing, proving } = await both(order);
      expect(await prove(app, account, shown(changing))).toBe(204);
      expect(await prove(app, account, shown(proving))).toBe(400);
      expect(await addressOf(app, account)).toEqual({ email, verified: true });
    });
  }

test("R22: a wrong code counts at both, so that two mails are no more guesses than one", async () => {
  const { account, changing, proving } = await both("registration first");
  const codes = [codeIn(changing), codeIn(proving)];
  for (let n = 1, tried = 0; tried < 5; n++) {
    const code = otherCode(codes[0] ?? "", n);
    if (code === codes[1]) continue;
    tried += 1;
    expect(await prove(app, account, { code })).toBe(400);
  }
  expect(await Promise.all(codes.map((code) => prove(app, account, { code })))).toEqual([400, 400]);
});

test("each code sent four times at once does its own once, and leaves the other good", async () => {
  const { account, email, changing, proving } = await both("registration first");
  const answers = async (code: string) =>
    Promise.all(Array.from({ length: 4 }, () => prove(app, account as Account, { code })));
  const proved = await answers(codeIn(proving));
  const changed = await answers(codeIn(changing));
  for (const statuses of [proved, changed])
    expect(statuses.filter((status) => status === 204)).toHaveLength(1);
  expect(await addressOf(app, account)).toEqual({ email, verified: true });
});
