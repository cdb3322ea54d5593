/** The engine as a program: one JSON-RPC request a line, and what it prints comes as a request of its own. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { DriftError } from "../model/errors.ts";

type Message = {
  id?: number;
  method?: string;
  params?: { content?: string };
  error?: { message: string; data?: { message?: string } };
};

/**
 * The text that a `diff` prints.
 * @param url of the database that is read, where one is.
 * @throws Error with the engine's words, DriftError when it does not run.
 */
export async function diffByProgram(path: string, params: object, url?: string): Promise<string> {
  const args = url === undefined ? [] : ["--datasource", JSON.stringify({ url })];
  const program = spawn(path, args, {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, RUST_LOG: "error" },
  });
  const ended = new Promise<never>((_, reject) => {
    const fail = (what: string) =>
      reject(new DriftError(`Prisma's schema engine ${path} ${what}.`));
    program.once("error", (error) => fail(`cannot be started: ${error.message}`));
    program.once("close", () => fail("ended too early"));
  });
  const send = (message: object) =>
    program.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  program.stdin.on("error", () => {}); // It is gone: `ended` tells.
  try {
    return await Promise.race([ended, answer()]);
  } finally {
    program.kill();
  }

  async function answer(): Promise<string> {
    send({ id: 1, method: "diff", params });
    let printed = "";
    for await (const line of createInterface(program.stdout)) {
      const message = parse(line);
      if (message?.method === "print") {
        printed += message.params?.content ?? "";
        send({ id: message.id, result: {} });
      } else if (message?.error) {
        throw new Error(message.error.data?.message ?? message.error.message);
      } else if (message?.id === 1) {
        return printed;
      }
    }
    return ended;
  }
}

/** Lines that are no JSON are its log. */
function parse(line: string): Message | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
