/** The login that the server runs as: it owns nothing, evades no policy, and may do what migrations-sql/096_grants.sql says. */
import pg from "pg";

/** In characters, of digits and signs alone. */
const SHORTEST = 20;

/** Without them a statement that waits for a lock waits as long as the lock is held. */
export const TIMEOUTS = ["statement_timeout", "idle_in_transaction_session_timeout"] as const;

export type Login = { user: string; password: string };

/** Outside of what the Prisma schema and migrations-sql declare: Prisma's own table and pg-boss's. */
const BESIDE = `
  GRANT SELECT ON _prisma_migrations TO tenantry_app;
  GRANT USAGE ON SCHEMA pgboss TO tenantry_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgboss TO tenantry_app;
  ALTER DEFAULT PRIVILEGES IN SCHEMA pgboss GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tenantry_app;`;

/**
 * Makes the login, or gives it this password, and what it may do in this database. To be run again after each migration:
 * it changes nothing that is right already.
 * @param ownerUrl of a role that may create roles and owns the tables.
 * @param timeoutSeconds how long its statements may run, and its transactions idle: DATABASE_TIMEOUT_SECONDS.
 * @throws Error when its secret is the owner's or no secret, or when the login is there and is a superuser, evades
 * row-level security or owns a table.
 */
export async function prepareRuntimeRole(
  ownerUrl: string,
  { user, password }: Login,
  timeoutSeconds = 10,
): Promise<void> {
  assertOwnSecret(ownerUrl, { user, password });
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const name = client.escapeIdentifier(user);
    await assertHarmless(client, user);
    const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [user]);
    // All or nothing: broken off, there is no login that lacks half of it.
    await client.query("BEGIN");
    await client.query(
      `${rowCount === 0 ? "CREATE" : "ALTER"} ROLE ${name} LOGIN PASSWORD ${client.escapeLiteral(password)}`,
    );
    // A pooler may drop what the server asks for when it connects; what the role has it cannot drop.
    for (const setting of TIMEOUTS)
      await client.query(`ALTER ROLE ${name} SET ${setting} = '${timeoutSeconds * 1000}ms'`);
    await client.query(`GRANT tenantry_app TO ${name}`);
    // The server says so too (client.ts), which a pooler in between does not carry to each connection.
    await client.query(`ALTER ROLE ${name} SET jit = off`);
    await client.query(BESIDE);
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

/** Whoever reads the server's secrets must not hold those of the owner too, who evades every policy. */
function assertOwnSecret(ownerUrl: string, { user, password }: Login): void {
  const owner = new URL(ownerUrl);
  if (user === decodeURIComponent(owner.username))
    throw new Error(`The server's login must be another user than ${user}, who owns the tables.`);
  if (password !== "" && password === decodeURIComponent(owner.password))
    throw new Error(`The login ${user} must have a password of its own, and not the owner's.`);
  if (letters(password) === "" ? password.length < SHORTEST : letters(password) === letters(user))
    throw new Error(`The password of ${user} can be guessed. Make one: openssl rand -hex 24`);
}

/** What is left of a name when digits and signs are added to it. */
function letters(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}]/gu, "");
}

/** What is wrong with a role (else that of the connection) as the server's, in words; null when nothing is. */
export async function faultOfRole(
  client: Pick<pg.Pool, "query">,
  user: string | null = null,
): Promise<string | null> {
  const { rows } = await client.query<{ super: boolean; bypass: boolean; owns: boolean }>(
    `SELECT rolsuper AS super, rolbypassrls AS bypass,
       EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid AND relnamespace = 'public'::regnamespace) AS owns
     FROM pg_roles WHERE rolname = coalesce($1, current_user)`,
    [user],
  );
  const [role] = rows;
  if (role?.super) return "is a superuser, whom row-level security does not hold";
  if (role?.bypass) return "has BYPASSRLS, and so is not held by row-level security";
  if (role?.owns) return "owns tables, and so could switch their row-level security off";
  return null;
}

async function assertHarmless(client: pg.Client, user: string): Promise<void> {
  const fault = await faultOfRole(client, user);
  if (fault)
    throw new Error(`The role ${user} ${fault}. Choose another name for the server's login.`);
}
