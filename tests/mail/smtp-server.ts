/** An SMTP server on a free port, which keeps what it took and refuses what it is told to. */
import { createServer } from "node:net";
import { SMTPServer } from "smtp-server";

export type Delivery = { from: string; to: string[]; raw: string };

export type TestSmtp = {
  url: string;
  port: number;
  deliveries: Delivery[];
  connections: number;
  /** How long a mail to this address takes, in milliseconds. */
  delayMillis(to: string): number;
  /** The answer to the next RCPT TO or DATA commands, first come first served. */
  refusals: { at: "rcpt" | "data" | "mail"; code: number; text: string }[];
  close(): Promise<void>;
};

export async function startSmtp(port = 0): Promise<TestSmtp> {
  const state = {
    deliveries: [] as Delivery[],
    connections: 0,
    delayMillis: (_: string): number => 0,
    refusals: [] as TestSmtp["refusals"],
  };
  const refusal = (at: "rcpt" | "data" | "mail"): Error | null => {
    if (state.refusals[0]?.at !== at) return null;
    const { code, text } = state.refusals.shift() ?? { code: 451, text: "" };
    return Object.assign(new Error(text), { responseCode: code });
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    logger: false,
    onConnect(_, done) {
      state.connections += 1;
      done();
    },
    onMailFrom: (_, __, done) => done(refusal("mail")),
    onRcptTo: ({ address }, _, done) => {
      setTimeout(() => done(refusal("rcpt")), state.delayMillis(address));
    },
    onData(stream, session, done) {
      let raw = "";
      stream.setEncoding("latin1");
      stream.on("data", (chunk) => (raw += chunk));
      stream.on("end", () => {
        const refused = refusal("data");
        if (refused) return done(refused);
        const { mailFrom, rcptTo } = session.envelope;
        state.deliveries.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          raw,
        });
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.server.address();
  const taken = typeof address === "object" && address ? address.port : 0;
  return Object.assign(state, {
    url: `smtp://127.0.0.1:${taken}`,
    port: taken,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}

/** A port where nothing listens for now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

/** Headers in lower case, and the parts by their media type, decoded. */
export function parseMail(raw: string): {
  headers: Map<string, string>;
  parts: Map<string, string>;
} {
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers.get("content-type") ?? "")?.[1];
  const sections = boundary ? body.split(`--${boundary}`).slice(1, -1) : [];
  const parts = new Map(
    sections.map((section) => {
      const part = split(section.replace(/^\r\n/, ""));
      const type = part.headers.get("content-type")?.split(";")[0] ?? "";
      return [type, decode(part.body, part.headers.get("content-transfer-encoding"))];
    }),
  );
  return { headers, parts };
}

function split(text: string): { headers: Map<string, string>; body: string } {
  const end = text.indexOf("\r\n\r\n");
  const lines = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { headers, body: text.slice(end + 4).replace(/\r\n$/, "") };
}

function decode(body: string, encoding = "7bit"): string {
  const bytes =
    encoding === "base64"
      ? Buffer.from(body, "base64")
      : encoding === "quoted-printable"
        ? Buffer.from(
            body
              .replace(/=\r\n/g, "")
              .replace(/=([0-9A-F]{2})/g, (_, hex) =>
                String.fromCharCode(Number.parseInt(hex, 16)),
              ),
            "latin1",
          )
        : Buffer.from(body, "latin1");
  return bytes.toString("utf8").replaceAll("\r\n", "\n");
}
