/** Signs in a user or password that end it in a URL: the start says to percent-encode them, and shows nothing. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { faultOfCredentials } from "../../src/config/credentials.ts";
import { faultOfDatabaseUrl, SmtpUrl, StoreUrl } from "../../src/config/fields.ts";

const WORDS = "Percent-encode";
const urlOf = (password: string) => `postgresql://user:${password}@db.example:5432/tenantry`;

test("each of these signs in a password, wherever it stands, of a database, a mail server and a store", () => {
  for (const sign of ["#", "/", "?", "@", "%", " "])
    for (const password of [
      `pa${sign}ss`,
      `${sign}pass`,
      `pass${sign}`,
      `12${sign}x4`,
      `1${sign}`,
    ]) {
      expect([password, faultOfDatabaseUrl(urlOf(password))]).toEqual([
        password,
        expect.stringContaining(WORDS),
      ]);
      const { error } = SmtpUrl.safeParse(`smtps://user:${password}@mail.example`);
      expect(error?.issues[0]?.message).toContain(WORDS);
      const store = StoreUrl.safeParse(`rediss://:${password}@valkey.example:6379`);
      expect(store.error?.issues[0]?.message).toContain(WORDS);
    }
});

test("encoded they are right, whatever the password", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (password) => {
      const url = urlOf(encodeURIComponent(password));
      expect(faultOfDatabaseUrl(url)).toBeNull();
      expect(decodeURIComponent(new URL(url).password)).toBe(password);
    }),
  );
});

test("an @ in a query is a value, and what has no credentials is right", () => {
  for (const url of [
    "postgresql://db.example/tenantry?user=me@server&password=x",
    "postgresql:///tenantry?host=/run/postgresql@5",
    "postgresql://user@db.example/tenantry?options=-c%20a=b@c",
    "postgresql://user:p%40ss@[::1]:5432/tenantry",
    "postgresql://db.example/tenantry",
  ])
    expect([url, faultOfDatabaseUrl(url)]).toEqual([url, null]);
  expect(faultOfCredentials("localhost")).toBeNull();
});
