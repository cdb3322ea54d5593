/** A request that is tried once: what gets lost is seen. */
import { type Agent, request } from "node:http";

export type Answer = { status: number; body: Record<string, unknown> };

/** One request, tried once: `fetch` would try again by itself where a live connection ends. */
export function ask(
  { port }: { port: number },
  agent: Agent,
  route: string,
  { json, token }: { json?: unknown; token?: string } = {},
): Promise<Answer> {
  const [method = "GET", path = "/"] = route.split(" ");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = json === undefined ? "" : JSON.stringify(json);
  const sent = request(
    {
      ...{ host: "127.0.0.1", port, method, path, agent },
      headers: {
        ...(json !== undefined && {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    },
    (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const isJson = /json/.test(response.headers["content-type"] ?? "");
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : {} });
      });
    },
  );
  sent.on("error", reject);
  sent.end(body);
  return promise;
}
