/** An owner at work: makes, changes and deletes what is theirs, and writes down what they were told. */
import { decodeJwt } from "jose";
import { type Answer, type Asked, type Caller, createCaller } from "./caller.ts";
import type { Ledger, Made, Person } from "./ledger.ts";
import { createRandom, type Random } from "./random.ts";
import { readBack } from "./read-back.ts";
import type { World } from "./world.ts";

const PASSWORD = "correct horse battery staple";
/** After so long every server refuses what was ended at one (R36), and then some. */
const REVOKED_MILLIS = 1500;
const MOST_REFUSALS = 3;
/** What is done how often, of the sum of all. */
const SHARES = {
  makeUser: 5,
  change: 5,
  remove: 1,
  makeMachine: 2,
  invite: 2,
  forget: 1,
  renew: 3,
  logInAndOut: 1,
  look: 3,
};

export type Client = { work(until: number): Promise<void> };
type Self = { email: string; tenantId: string; sid: string; token: string };

export async function createClient(
  world: World,
  ledger: Ledger,
  seed: number,
  name: string,
): Promise<Client> {
  const random = createRandom(seed);
  const caller = createCaller(world, ledger, random);
  const self = await register(caller, ledger, name);
  const mine: string[] = [];
  let made = 0;

  /** With the access token of now; a new one when it is over. */
  async function ask(
    route: string,
    asked: Asked = {},
    unsure?: () => void,
  ): Promise<Answer | null> {
    const answer = await caller.surely(route, { token: self.token, ...asked }, unsure);
    if (answer?.status !== 401) return answer;
    await acts.renew();
    return caller.surely(route, { ...asked, token: self.token }, unsure);
  }

  async function make(
    kind: Made["kind"],
    route: string,
    entry: string,
    json: unknown,
  ): Promise<Answer | null> {
    const noted: Made = { kind, name: entry, tenantId: self.tenantId, id: null, made: "no" };
    ledger.made.set(`${kind} ${entry}`, noted);
    const answer = await ask(route, { json, key: crypto.randomUUID() }, () => {
      noted.made = "perhaps";
    });
    if (answer?.status === 201) Object.assign(noted, { made: "yes", id: answer.body.id });
    // It was done, and the answer got lost with the server.
    else if (answer?.body.code === "answer_not_kept") noted.made = "yes";
    else if (answer) complain(`${route} ${entry}`, answer);
    return answer?.status === 201 ? answer : null;
  }

  function complain(what: string, { status, body, server }: Answer): void {
    // What a limit refuses was not done.
    if (status === 429) return;
    const text = JSON.stringify(body);
    ledger.breaches.push(`${what}: ${status} ${text} (${server}, ${new Date().toISOString()})`);
  }

  async function seeAgain(id: string): Promise<void> {
    const person = ledger.people.get(id);
    if (person) await readBack({ ledger, random, ask, complain }, person);
  }

  const acts = {
    async makeUser() {
      const email = `p${made++}@${name}.example`;
      const answer = await make("user", "POST /v1/users", email, { email });
      if (!answer) return;
      const { id } = answer.body;
      mine.push(id);
      ledger.people.set(id, {
        ...{ id, email, changes: 0, perhapsChanges: 0 },
        ...{ names: [null], deleted: "no" },
      });
      await seeAgain(id);
    },
    async change() {
      const person = somebody(ledger, mine, random);
      if (!person) return;
      // With an end, so that a search for one finds no other.
      const lastName = `n${made++}z`;
      const answer = await ask(`PATCH /v1/users/${person.id}`, { json: { lastName } }, () => {
        person.perhapsChanges += 1;
        if (!person.names.includes(lastName)) person.names.push(lastName);
      });
      if (answer?.status === 200) {
        person.changes += 1;
        person.names = [lastName];
        await seeAgain(person.id);
      } else if (answer) complain("PATCH of a user", answer);
    },
    async remove() {
      const person = somebody(ledger, mine, random);
      if (!person) return;
      mine.splice(mine.indexOf(person.id), 1);
      const answer = await ask(`DELETE /v1/users/${person.id}`, {}, () => {
        person.deleted = "perhaps";
      });
      if (answer?.status === 204 || (answer?.status === 404 && person.deleted === "perhaps")) {
        person.deleted = "yes";
        await seeAgain(person.id);
      } else if (answer) complain("DELETE of a user", answer);
    },
    async makeMachine() {
      const label = `m${made++} of ${name}`;
      const machine = await make("service account", "POST /v1/service-accounts", label, {
        name: label,
        roles: ["auditor"],
      });
      if (!machine) return;
      const json = { name: label, scopes: ["user:read"], userId: machine.body.id };
      await make("api key", "POST /v1/api-keys", label, json);
    },
    async invite() {
      const email = `i${made++}@${name}.example`;
      await make("invitation", "POST /v1/invitations", email, { email });
      if (ledger.made.get(`invitation ${email}`)?.made === "yes") ledger.mails.add(email);
    },
    async forget() {
      const email = `p${random.below(made + 1)}@${name}.example`;
      if (ledger.made.get(`user ${email}`)?.made !== "yes") return;
      const answer = await caller.surely("POST /v1/auth/forgot-password", { json: { email } });
      if (answer?.status !== 202 && answer) complain("forgot-password", answer);
    },
    async renew() {
      const session = ledger.sessions.get(self.sid);
      if (!session) return;
      const json = { refreshToken: session.refreshToken };
      const answer = await caller.surely("POST /v1/auth/refresh", { json });
      if (answer?.status === 200) {
        ledger.refreshes += 1;
        self.token = answer.body.accessToken;
        session.refreshToken = answer.body.refreshToken;
      } else if (answer) complain("a refresh of a session that nobody ended", answer);
      // Another one to go on with; what was promised of this one is looked at in the end.
      if (answer?.status !== 200) Object.assign(self, await logIn(caller, ledger, self.email));
    },
    async logInAndOut() {
      const { sid, token } = await logIn(caller, ledger, self.email);
      const session = ledger.sessions.get(sid);
      if (!session || random.below(2) === 0) return;
      const answer = await caller.surely("POST /v1/auth/logout", { token }, () => {
        session.ended = "perhaps";
      });
      // Without an answer nobody knows; a token that is refused then is one that was ended.
      const isEnded =
        answer?.status === 204 || (answer?.status === 401 && session.ended === "perhaps");
      if (!isEnded) return;
      session.ended = "yes";
      await Bun.sleep(REVOKED_MILLIS);
      for (const server of [0, 1]) {
        const me = await caller.once("GET /v1/auth/me", { token, server });
        if (me?.status === 200) complain(`a session that was ended ${REVOKED_MILLIS} ms ago`, me);
      }
    },
    async look() {
      const person = somebody(ledger, mine, random);
      if (!person) return;
      const answer = await ask(`GET /v1/users/${person.id}`);
      if (answer?.status !== 200 && answer) complain("GET of a user that was made", answer);
      else if (answer && !person.names.includes(answer.body.lastName))
        complain(`GET of somebody who is called ${person.names.join(" or ")}`, answer);
    },
  };
  const deck = Object.entries(SHARES).flatMap(([act, times]) =>
    Array.from({ length: times }, () => act as keyof typeof SHARES),
  );

  return {
    async work(until) {
      try {
        while (Date.now() < until) {
          await acts[random.pick(deck)]();
          await Bun.sleep(random.below(60));
        }
      } catch (err) {
        ledger.breaches.push(`${name} cannot go on: ${err}`);
      }
    },
  };
}

function somebody(ledger: Ledger, mine: string[], random: Random): Person | undefined {
  return mine.length === 0 ? undefined : ledger.people.get(random.pick(mine));
}

async function register(caller: Caller, ledger: Ledger, name: string): Promise<Self> {
  const email = `owner@${name}.example`;
  const json = { email, password: PASSWORD, tenant: { name, slug: name } };
  const answer = await caller.surely("POST /v1/auth/register", { json, key: crypto.randomUUID() });
  if (answer?.status !== 201) throw new Error(`no ${name}: ${JSON.stringify(answer)}`);
  ledger.logins.set(email, { answered: 1, perhaps: 0 });
  const { sid, token } = note(ledger, email, answer);
  return { email, tenantId: answer.body.user.tenantId, sid, token };
}

/** @throws Error when it is refused again and again: nobody has locked the account. */
async function logIn(
  caller: Caller,
  ledger: Ledger,
  email: string,
): Promise<Omit<Self, "email" | "tenantId">> {
  const logins = ledger.logins.get(email) ?? { answered: 0, perhaps: 0 };
  for (let refused = 0; refused < MOST_REFUSALS; ) {
    // It takes no key: each try that got no answer may have begun a session.
    const answer = await caller.surely(
      "POST /v1/auth/login",
      { json: { email, password: PASSWORD } },
      () => (logins.perhaps += 1),
    );
    if (answer?.status === 200) {
      logins.answered += 1;
      return note(ledger, email, answer);
    }
    if (answer && answer.status !== 429) {
      refused += 1;
      ledger.breaches.push(`a log-in with the right password: ${JSON.stringify(answer)}`);
    }
    await Bun.sleep(1000);
  }
  throw new Error(`${email} cannot log in`);
}

function note(ledger: Ledger, account: string, { body }: Answer): { sid: string; token: string } {
  const sid = String(decodeJwt(body.accessToken).sid);
  ledger.sessions.set(sid, { account, ended: "no", refreshToken: body.refreshToken });
  return { sid, token: body.accessToken };
}
