/** A client as it should be: it asks again until it knows, with the same Idempotency-Key, at whichever server answers. */
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

const PATIENCE_MILLIS = 15_000;
const AGAIN_MILLIS = 250;
/** So long a request is asked again: a used refresh token is answered for a minute. */
const GIVE_UP_MILLIS = 55_000;
/** With a key longer: that of a request whose server died is free again after a minute. */
const GIVE_UP_WITH_KEY_MILLIS = 100_000;

// biome-ignore lint/suspicious/noExplicitAny: whoever asks names the fields, and breaks where they are not there
export type Answer = { status: number; body: any; server: string };
export type Asked = { json?: unknown; token?: string; key?: string; server?: number };

export type Caller = {
  /** One try. Null when no answer came. */
  once(route: string, asked?: Asked): Promise<Answer | null>;
  /**
   * Again and again until there is an answer that says what was done. `unsure` hears of each try that may have done
   * something. Null when there was none in time.
   */
  surely(route: string, asked?: Asked, unsure?: () => void): Promise<Answer | null>;
};

export function createCaller(world: World, ledger: Ledger, random: Random): Caller {
  const ip = `198.18.${random.below(256)}.${random.below(256)}`;

  async function once(route: string, asked: Asked = {}): Promise<Answer | null> {
    const { json, token, key } = asked;
    const [method = "GET", path = "/"] = route.split(" ");
    const { url, name } = world.instances[asked.server ?? random.below(2)] ?? world.instances[0];
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          "x-forwarded-for": ip,
          ...(json !== undefined && { "content-type": "application/json" }),
          ...(token && { authorization: `Bearer ${token}` }),
          ...(key && { "idempotency-key": `"${key}"` }),
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        signal: AbortSignal.timeout(PATIENCE_MILLIS),
      });
      const text = await response.text();
      count(`${response.status}`);
      const answer = { status: response.status, body: text ? JSON.parse(text) : {}, server: name };
      if (answer.status === 500)
        ledger.breaches.push(`500 at ${route} (${name}): ${text} ${new Date().toISOString()}`);
      return answer;
    } catch {
      count("none");
      return null;
    }
  }

  function count(what: string): void {
    ledger.statuses.set(what, (ledger.statuses.get(what) ?? 0) + 1);
  }

  return {
    once,
    async surely(route, asked = {}, unsure = () => {}) {
      const patience = asked.key ? GIVE_UP_WITH_KEY_MILLIS : GIVE_UP_MILLIS;
      for (const end = Date.now() + patience; Date.now() < end; ) {
        const answer = await once(route, asked);
        if (answer && answer.status < 500 && !isUnderWay(answer)) return answer;
        // 503 is said before anything was written, or of a commit whose answer was lost.
        unsure();
        await Bun.sleep(AGAIN_MILLIS + random.below(AGAIN_MILLIS));
      }
      return null;
    },
  };
}

function isUnderWay({ status, body }: Answer): boolean {
  return status === 409 && body.code === "idempotency_key_in_use";
}
