/** R68, R70: what the link of a change of address is worth, and what a change tells of other accounts. */
import { beforeAll, describe, expect, test } from "bun:test";
import { auditOf, resetToken, startChange, tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  proveAddress,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { change, follow, IN_SESSION, INVALID, newAddress, rowOf } from "./addresses.ts";

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

describe("R68: a link is worth nothing", () => {
  test("without the session that asked, where the owner did", async () => {
    const account = await createMember(app, owner);
    const { token } = await startChange(app, account);
    expect(await follow(app, token)).toEqual(INVALID);
    expect(await follow(app, token, IN_SESSION, account)).toEqual([204]);
  });

  test("once the old address was set again, also when it is asked for anew", async () => {
    const account = await createMember(app, owner);
    const email = newAddress();
    await change(app, owner.accessToken, account, email);
    const link = tokenIn(await app.lastMailTo(email));
    const { body } = await change(app, owner.accessToken, account, account.email);
    expect(body.pendingEmail).toBeNull();
    expect(await follow(app, link)).toEqual(INVALID);
    await change(app, owner.accessToken, account, email);
    expect(await follow(app, link)).toEqual(INVALID);
    expect(await auditOf(app, "user.email_change_called_off", account.id)).toHaveLength(1);
  });

  test("once another address was asked for, nor once it was sent again", async () => {
    const account = await createMember(app, owner);
    const [first, second] = [newAddress(), newAddress()];
    await change(app, owner.accessToken, account, first);
    const old = tokenIn(await app.lastMailTo(first));
    await change(app, owner.accessToken, account, second);
    expect(await follow(app, old)).toEqual(INVALID);
    const sent = tokenIn(await app.lastMailTo(second));
    await change(app, owner.accessToken, account, second);
    const again = tokenIn(await app.lastMailTo(second));
    expect(await follow(app, sent)).toEqual(INVALID);
    expect(await follow(app, again)).toEqual([204]);
  });

  test("once the user is disabled or deleted", async () => {
    for (const end of ["disabled", "deleted"]) {
      const account = await createMember(app, owner);
      const email = newAddress();
      await change(app, owner.accessToken, account, email);
      const link = tokenIn(await app.lastMailTo(email));
      const { accessToken: token } = owner;
      if (end === "deleted") await app.call(`DELETE /v1/users/${account.id}`, { token });
      else await app.call(`PATCH /v1/users/${account.id}`, { token, json: { status: "disabled" } });
      expect([end, ...(await follow(app, link))]).toEqual([end, ...INVALID]);
    }
  });

  test("for another purpose than its own", async () => {
    const { email } = await createMember(app, owner);
    expect(await follow(app, await resetToken(app, email))).toEqual(INVALID);
  });
});

describe("R70: whether an address has an account elsewhere", () => {
  test("is told to nobody: the same answer, the same row, and the same mail", async () => {
    const elsewhere = await registerOwner(app);
    await proveAddress(app, elsewhere);
    const [one, two] = [await createMember(app, owner), await createMember(app, owner)];
    const taken = await change(app, owner.accessToken, one, elsewhere.email);
    const email = newAddress();
    const free = await change(app, owner.accessToken, two, email);
    const shape = ({ status, body }: typeof taken) => [status, Object.keys(body).sort()];
    expect(shape(taken)).toEqual(shape(free));
    expect(taken.body.pendingEmail).toBe(elsewhere.email);
    for (const to of [elsewhere.email, email])
      expect((await app.lastMailTo(to)).subject).toBe("Confirm your new e-mail address");
  });

  test("is told where they may see it: in the tenant, and to a platform account", async () => {
    const [one, two] = [await createMember(app, owner), await createMember(app, owner)];
    const elsewhere = await registerOwner(app);
    const root = await createSuperAdmin(app);
    const here = await change(app, owner.accessToken, one, two.email);
    const there = await change(app, root.accessToken, one, elsewhere.email);
    for (const { status, body } of [here, there])
      expect([status, body.code]).toEqual([409, "email_taken"]);
    expect((await rowOf(app, one)).pendingEmail).toBeNull();
  });

  test("is no obstacle to whoever reads the mailbox: the user becomes one of that account", async () => {
    const account = await createMember(app, owner);
    const elsewhere = await registerOwner(app);
    await proveAddress(app, elsewhere);
    await change(app, owner.accessToken, account, elsewhere.email);
    const link = tokenIn(await app.lastMailTo(elsewhere.email));
    expect(await follow(app, link)).toEqual([204]);
    const { email, accountId } = await rowOf(app, account);
    expect([email, accountId]).toEqual([elsewhere.email, elsewhere.id]);
    // What the tenant has set is gone.
    expect(await app.deps.db.account.count({ where: { id: account.id } })).toBe(0);
  });
});
