/** Requests as the bytes that go over the wire. All of ASCII, so that a character is a byte. */
import type { Call } from "./plan.ts";

/** By which the server knows the device again. */
export const USER_AGENT = "tenantry-bench";

export function toRequest(port: number, { route, headers = {}, body }: Call): string {
  const [method = "GET", path = "/"] = route.split(" ");
  const text = body === undefined ? "" : JSON.stringify(body);
  const fields = {
    host: `127.0.0.1:${port}`,
    accept: "application/json",
    "user-agent": USER_AGENT,
    ...headers,
    ...(text !== "" && { "content-type": "application/json", "content-length": text.length }),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`;
}

/** What is sent next by whoever exchanges refresh tokens. @throws Error for an answer without one. */
export function nextRefresh(port: number, call: Call, answer: Buffer): string {
  const [, refreshToken] = /"refreshToken":"([^"]+)"/.exec(answer.toString("latin1")) ?? [];
  if (refreshToken === undefined) throw new Error("an answer without a refresh token");
  return toRequest(port, { ...call, body: { refreshToken } });
}
