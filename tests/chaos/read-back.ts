/** What was acknowledged is looked for where a replica may answer: in lists, by search, in the audit log. */
import type { Answer } from "./caller.ts";
import type { Ledger, Person } from "./ledger.ts";
import type { Random } from "./random.ts";

const LIMIT = 100;

type Reader = {
  ledger: Ledger;
  random: Random;
  /** At whichever server. */
  ask(route: string): Promise<Answer | null>;
  complain(what: string, answer: Answer): void;
};
type Item = { id: string; lastName: string | null };
type AuditItem = { action: string };

/** At once after a write to this person: in one of the ways, by chance. */
export async function readBack(reader: Reader, person: Person): Promise<void> {
  await reader.random.pick([inList, inSearch, inAuditLog])(reader, person);
}

async function inList(reader: Reader, person: Person): Promise<void> {
  await find(reader, person, "list", `GET /v1/users?email=${encodeURIComponent(person.email)}`);
}

/** By the name that it was given last; by the address where it has none yet, or may have two. */
async function inSearch(reader: Reader, person: Person): Promise<void> {
  const [name, ...others] = person.names;
  const term = name && others.length === 0 ? name : person.email;
  const route = `GET /v1/users?limit=${LIMIT}&search=${encodeURIComponent(term)}`;
  await find(reader, person, "search", route);
}

async function find(reader: Reader, person: Person, how: string, route: string): Promise<void> {
  const answer = await read(reader, how, route);
  if (!answer) return;
  const item = answer.body.items.find(({ id }: Item) => id === person.id) as Item | undefined;
  const isThere = item !== undefined;
  if (person.deleted !== "perhaps" && isThere === (person.deleted === "yes"))
    reader.complain(`${route}: ${person.email}, deleted ${person.deleted}`, answer);
  else if (item && !person.names.includes(item.lastName))
    reader.complain(`${route}: ${person.email}, who is ${person.names.join(" or ")}`, answer);
}

async function inAuditLog(reader: Reader, person: Person): Promise<void> {
  const route = `GET /v1/audit-logs?limit=${LIMIT}&resourceId=${person.id}`;
  const answer = await read(reader, "audit log", route);
  if (!answer) return;
  const count = (action: string) =>
    answer.body.items.filter((row: AuditItem) => row.action === action).length;
  const changes = count("user.updated");
  const isWhole =
    count("user.created") === 1 &&
    changes >= person.changes &&
    changes <= person.changes + person.perhapsChanges &&
    (person.deleted === "perhaps" || count("user.deleted") === (person.deleted === "yes" ? 1 : 0));
  if (!isWhole) reader.complain(`${route}: ${JSON.stringify(person)}`, answer);
}

async function read(reader: Reader, how: string, route: string): Promise<Answer | null> {
  const answer = await reader.ask(route);
  if (answer?.status !== 200) {
    if (answer) reader.complain(route, answer);
    return null;
  }
  const { reads } = reader.ledger;
  reads.set(how, (reads.get(how) ?? 0) + 1);
  return answer;
}
