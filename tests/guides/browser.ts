/**
 * As much of a browser as the pages of the guides need: `fetch` with cookies, CORS and preflights (the Fetch standard,
 * sections 4.8 and 4.10; RFC 6265bis, sections 4.1.3 and 5.6). It is stricter than one where that is shorter: every
 * request to another origin has its preflight.
 */

export type Browser = {
  fetch: typeof fetch;
  /** What was sent so far, preflights left out: "POST /v1/auth/refresh 200". 0: no answer, or none that a page may read. */
  sent: string[];
  /** By name. What is here no script can read. */
  cookies: Map<string, string>;
  /** The next answers on this path are lost on their way. */
  lose(path: string, times: number): void;
};

/** Taken now: a test puts the browser's in its place. */
const send = globalThis.fetch;
const SAFELISTED = ["cache-control", "content-language", "content-length", "content-type"];

/** @param origin of the page. */
export function createBrowser(origin: string): Browser {
  const sent: string[] = [];
  const cookies = new Map<string, string>();
  const lost = new Map<string, number>();

  async function browse(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const url = new URL(String(input), origin);
    const request = new Request(url.href, init);
    const isCross = url.origin !== origin;
    // Bun's Request has no idea of a page: "include" would be the default of an answer that nobody asked for.
    const isCredentialed = init.credentials === "include" || (!isCross && !init.credentials);
    const line = `${request.method} ${url.pathname}`;
    try {
      if (isCross) await preflight(request, url, isCredentialed);
      const headers = new Headers(request.headers);
      if (isCross || request.method !== "GET") headers.set("origin", origin);
      // SameSite=Strict: ports do not count.
      const isSameSite = url.hostname === new URL(origin).hostname;
      if (isCredentialed && isSameSite && cookies.size > 0)
        headers.set("cookie", [...cookies].map((pair) => pair.join("=")).join("; "));
      const answer = await send(url, {
        method: request.method,
        headers,
        redirect: "manual",
        ...(request.body && { body: await request.text() }),
      });
      const times = lost.get(url.pathname) ?? 0;
      lost.set(url.pathname, times - 1);
      if (times > 0) throw new TypeError("Failed to fetch");
      if (isCross) assertReadable(answer, isCredentialed);
      if (isCredentialed) keepCookies(answer);
      sent.push(`${line} ${answer.status}`);
      return isCross ? withExposed(answer) : answer;
    } catch (err) {
      sent.push(`${line} 0`);
      throw err;
    }
  }

  async function preflight({ method, headers }: Request, url: URL, isCredentialed: boolean) {
    const names = [...headers.keys()].sort();
    const answer = await send(url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": names.join(","),
      },
    });
    assertReadable(answer, isCredentialed);
    const [methods, allowed] = ["methods", "headers"].map((what) => list(answer, `allow-${what}`));
    if (!methods?.includes(method.toLowerCase()) || names.some((name) => !allowed?.includes(name)))
      throw new TypeError("Failed to fetch");
  }

  function assertReadable({ headers }: Response, isCredentialed: boolean): void {
    const isAllowed = headers.get("access-control-allow-origin") === origin;
    const mayBe = headers.get("access-control-allow-credentials") === "true";
    if (!isAllowed || (isCredentialed && !mayBe)) throw new TypeError("Failed to fetch");
  }

  function keepCookies({ headers }: Response): void {
    for (const cookie of headers.getSetCookie()) {
      const [pair = "", ...attributes] = cookie.split("; ");
      const [name = "", value = ""] = pair.split("=");
      const isHost = attributes.includes("Secure") && attributes.includes("Path=/");
      if (!isHost || /; Domain=/i.test(cookie)) continue;
      if (attributes.includes("Max-Age=0")) cookies.delete(name);
      else cookies.set(name, value);
    }
  }

  return {
    fetch: Object.assign(browse, { preconnect: send.preconnect }),
    sent,
    cookies,
    lose: (path, times) => void lost.set(path, times),
  };
}

function list({ headers }: Response, name: string): string[] {
  return (headers.get(`access-control-${name}`) ?? "").toLowerCase().split(/ *, */);
}

/** What a page of another origin may read of an answer. */
function withExposed(answer: Response): Response {
  const exposed = [...SAFELISTED, ...list(answer, "expose-headers")];
  const headers = [...answer.headers].filter(([name]) => exposed.includes(name));
  return new Response(answer.body, { status: answer.status, headers });
}
