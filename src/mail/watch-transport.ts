/** What is counted and traced of mails on their way out: of whom to, and of what stands in them, nothing. */
import { PermanentFailure } from "../jobs/jobs.ts";
import type { Metrics } from "../watch/metrics.ts";
import type { Traces } from "../watch/traces.ts";
import type { Transport } from "./transport.ts";

type Watching = { metrics: Metrics | null; traces: Traces | null };

export function watchTransport(transport: Transport, { metrics, traces }: Watching): Transport {
  async function counted(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      metrics?.mails.add("sent");
    } catch (err) {
      metrics?.mails.add(err instanceof PermanentFailure ? "refused" : "failed");
      throw err;
    }
  }

  return {
    ...transport,
    send(mail) {
      const send = () => counted(() => transport.send(mail));
      if (!traces) return send();
      const attributes = { "tenantry.mail.template": mail.template };
      return traces.within({ name: "mail send", kind: "client", attributes }, send);
    },
  };
}
