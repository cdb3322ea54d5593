/** Many users at once, made in the database. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { TestApp } from "../support/app.ts";

type Person = Prisma.UserCreateManyInput & { tenantId: string };

/** Each with an account of the tenant's own pool, as those have whom its people make. */
export async function insertPeople({ deps: { db } }: TestApp, people: Person[]): Promise<void> {
  const accounts = people.map(({ id, tenantId, email }) => ({ id, poolId: tenantId, email }));
  await db.account.createMany({ data: accounts });
  await db.user.createMany({ data: people.map((person) => ({ accountId: person.id, ...person })) });
}
