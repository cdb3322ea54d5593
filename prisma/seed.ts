/**
 * Demo data: two tenants, four of their users and a super admin. Safe to run again: what is there stays as it is.
 * The system roles and permissions come with the migrations, because production needs them too.
 */
import { createPasswords } from "../src/crypto/password.ts";
import { createDatabase, createPool, type Database } from "../src/db/client.ts";
import { newId } from "../src/db/id.ts";
import { acrossTenants } from "../src/db/scope.ts";
import { SYSTEM_ROLES } from "../src/roles/permissions.ts";

export const DEFAULT_DEMO_PASSWORD = "tenantry-demo-password";

const TENANTS = [
  { slug: "acme", name: "Acme Ltd" },
  { slug: "globex", name: "Globex Inc" },
];

export const DEMO_USERS = [
  {
    email: "super@tenantry.example",
    firstName: "Sam",
    lastName: "Super",
    tenant: null,
    role: "super_admin",
  },
  {
    email: "owner@acme.example",
    firstName: "Olivia",
    lastName: "Owner",
    tenant: "acme",
    role: "owner",
  },
  {
    email: "admin@acme.example",
    firstName: "Adam",
    lastName: "Admin",
    tenant: "acme",
    role: "admin",
  },
  {
    email: "member@acme.example",
    firstName: "Mia",
    lastName: "Member",
    tenant: "acme",
    role: "member",
  },
  {
    email: "owner@globex.example",
    firstName: "Omar",
    lastName: "Owner",
    tenant: "globex",
    role: "owner",
  },
] as const;

type Environment = Record<string, string | undefined>;

/** Seeds the database that `env` names. Answers the exit status, and says on the console what it did. */
export async function runSeed(env: Environment): Promise<number> {
  if (!env.DATABASE_URL) {
    console.error(
      "The seed needs DATABASE_URL. `bunx prisma db seed` sets it from prisma.config.ts.",
    );
    return 1;
  }
  if (env.NODE_ENV === "production" && !env.DEMO_PASSWORD) {
    console.error(
      "Demo accounts with a well-known password do not belong in production: set DEMO_PASSWORD to seed there.",
    );
    return 1;
  }
  const pool = createPool({
    databaseUrl: env.DATABASE_URL,
    databasePoolSize: 2,
    databaseTimeoutSeconds: 30,
  });
  const db = createDatabase(pool, 30);
  try {
    await acrossTenants(() => seed(db, env));
    const [roles, permissions] = await Promise.all([
      db.role.count({ where: { tenantId: null } }),
      db.permission.count(),
    ]);
    console.log(
      `Seeded ${TENANTS.length} demo tenants and ${DEMO_USERS.length} demo users; ${roles} system roles and ${permissions} permissions are there.`,
    );
    return 0;
  } catch (err) {
    console.error(`The seed failed: ${err instanceof Error ? err.message : err}`);
    return 1;
  } finally {
    await db.$disconnect();
    await pool.end();
  }
}

/** DEMO_PASSWORD also replaces what the demo users have; without it only new ones get the default. */
async function seed(db: Database, { DEMO_PASSWORD, EMAIL_SCOPE }: Environment): Promise<void> {
  const passwords = await createPasswords(DEMO_USERS.length);
  for (const tenant of TENANTS) {
    await db.tenant.upsert({
      where: { slug: tenant.slug },
      create: { id: newId(), ...tenant },
      update: {},
    });
  }
  for (const { tenant, role, ...user } of DEMO_USERS) {
    const home =
      tenant === null ? null : await db.tenant.findFirstOrThrow({ where: { slug: tenant } });
    const tenantId = home?.id ?? null;
    const found = await db.user.findFirst({
      where: { email: user.email, tenantId, isDeleted: false },
      include: { account: true },
    });
    if (!found) {
      const id = newId();
      await db.account.create({
        data: {
          id,
          poolId: EMAIL_SCOPE === "tenant" ? tenantId : null,
          email: user.email,
          emailVerifiedAt: new Date(),
          passwordHash: await passwords.hash(DEMO_PASSWORD || DEFAULT_DEMO_PASSWORD),
          passwordOrigin: "vouched",
        },
      });
      const roles = { create: { roleId: SYSTEM_ROLES[role], tenantId } };
      await db.user.create({ data: { id, accountId: id, ...user, tenantId, roles } });
    } else if (
      DEMO_PASSWORD &&
      found.account &&
      !(await passwords.verify(found.account.passwordHash, DEMO_PASSWORD))
    ) {
      await db.account.update({
        where: { id: found.account.id },
        data: { passwordHash: await passwords.hash(DEMO_PASSWORD), passwordOrigin: "vouched" },
      });
    }
  }
}

if (import.meta.main) process.exit(await runSeed(process.env));
