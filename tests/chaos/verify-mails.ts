/** The ledger against what the SMTP server took, and what still waits in the queue. */
import pg from "pg";
import { decrypt, deriveKeyring } from "../../src/crypto/secret.ts";
import { parseMail } from "../mail/smtp-server.ts";
import type { Ledger } from "./ledger.ts";
import type { World } from "./world.ts";

const WAITING = "('created', 'retry', 'active')";
const POLL_MILLIS = 1000;

export type MailAccount = {
  breaches: string[];
  delivered: number;
  waiting: number;
  /** Mails that came twice, with one Message-ID: their server cannot know whether the first one arrived. */
  again: number;
};

/** @param millis how long to wait for the queue: a job whose server was killed is another's after two minutes. */
export async function verifyMails(
  world: World,
  ledger: Ledger,
  millis: number,
): Promise<MailAccount> {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  await client.connect();
  try {
    let waiting = await waitingFor(client, world);
    for (const end = Date.now() + millis; waiting.size > 0 && Date.now() < end; ) {
      await Bun.sleep(POLL_MILLIS);
      // What was put off because the mail server was away: hours are not waited for here.
      await client.query("UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'");
      waiting = await waitingFor(client, world);
    }
    const { rows } = await client.query<{ name: string; output: unknown }>(
      "SELECT name, output FROM pgboss.job WHERE state = 'failed' AND name IN ('mail', 'notice', 'mail_request')",
    );
    const taken = messageIds(world);
    const lost = [...ledger.mails].filter((email) => !taken.has(email) && !waiting.has(email));
    const doubled = [...taken].filter(
      ([email, { ids }]) => ledger.mails.has(email) && ids.size > 1,
    );
    return {
      breaches: [
        ...lost.map((email) => `the mail to ${email} is neither delivered nor in the queue`),
        ...doubled.map(([email, { ids }]) => `${ids.size} mails to ${email} instead of one`),
        ...rows.map(({ name, output }) => `a job of ${name} failed: ${JSON.stringify(output)}`),
        ...(millis > 0 ? [...waiting].map((email) => `the mail to ${email} still waits`) : []),
      ],
      delivered: taken.size,
      waiting: waiting.size,
      again: [...taken.values()].reduce((sum, { ids, count }) => sum + count - ids.size, 0),
    };
  } finally {
    await client.end();
  }
}

/** Addresses of what is queued: the data is sealed with the servers' key. */
async function waitingFor(client: pg.Client, { secretKey }: World): Promise<Set<string>> {
  const keyring = deriveKeyring(Buffer.from(secretKey, "base64"));
  const { rows } = await client.query<{ id: string; data: { sealed: string } }>(
    `SELECT id, data FROM pgboss.job WHERE name IN ('mail', 'notice', 'mail_request') AND state IN ${WAITING}`,
  );
  return new Set(
    rows.map(({ id, data }) => {
      const mail = JSON.parse(decrypt(keyring.data, Buffer.from(data.sealed, "base64"), id));
      return mail.to ?? mail.request.email;
    }),
  );
}

function messageIds({ smtp }: World): Map<string, { ids: Set<string>; count: number }> {
  const taken = new Map<string, { ids: Set<string>; count: number }>();
  for (const { to, raw } of smtp.deliveries) {
    const id = parseMail(raw).headers.get("message-id") ?? "none";
    for (const email of to) {
      const held = taken.get(email) ?? { ids: new Set<string>(), count: 0 };
      held.ids.add(id);
      held.count += 1;
      taken.set(email, held);
    }
  }
  return taken;
}
