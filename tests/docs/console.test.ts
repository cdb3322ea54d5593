/** The commands that pages show, typed into bash as they stand there, against a running server: the output is the page's. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Served, serve } from "../guides/serve.ts";
import { createSuperAdmin } from "../support/app.ts";
import { page } from "./pages.ts";

// Each command starts curl and jq anew, and waits for a password to be hashed.
setDefaultTimeout(60_000);

type Step = { command: string; output: string };

const NEXT = "== next ==";
/** Debian's minimal image has neither; machines for development and CI do. */
const canType = Bun.which("curl") !== null && Bun.which("jq") !== null;

const folder = mkdtempSync(join(tmpdir(), "tenantry-console-"));
let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true });
});

test.skipIf(!canType)("the tour of README.md", async () => {
  const steps = stepsOf(page("README.md").text);
  expect(steps.length).toBeGreaterThan(8);
  expect(await typed(steps)).toEqual(steps.map(({ output }) => told(output)));
});

test.skipIf(!canType)(
  "docs/operations/move-in.md, and the password of the old system",
  async () => {
    const { text } = page("docs/operations/move-in.md");
    const [, csv = ""] = /^```csv\n([\s\S]+?)^```$/m.exec(text) ?? [];
    writeFileSync(join(folder, "users.csv"), csv);
    const { accessToken } = await createSuperAdmin(served.app);
    const steps = stepsOf(text);
    expect(await typed(steps, { TOKEN: accessToken })).toEqual(
      steps.map(({ output }) => told(output)),
    );

    const { body: tenants } = await served.app.call("GET /v1/tenants", { token: accessToken });
    const { id } = tenants.items.find(({ slug }: { slug: string }) => slug === "shelley");
    const report = await served.app.call(`POST /v1/users/import?tenantId=${id}`, {
      token: accessToken,
      headers: { "content-type": "text/csv", "idempotency-key": "shelley-2" },
      body: csv.replace(/^percy.*\n/m, ""),
    });
    expect(text).toContain(`\n${JSON.stringify(report.body)}\n`);
    const json = { email: "mary@shelley.example", password: "the modern prometheus" };
    expect((await served.app.call("POST /v1/auth/login", { json })).status).toBe(200);
  },
);

/** What stands behind each "$ ", with the lines that go on with it, and what stands below. */
function stepsOf(text: string): Step[] {
  const blocks = [...text.matchAll(/^```console\n([\s\S]+?)^```$/gm)].map(
    ([, block = ""]) => block,
  );
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const lines = step.split("\n");
        const end = lines.findIndex((_, index) => isWhole(lines.slice(0, index + 1).join("\n")));
        return {
          command: lines.slice(0, end + 1).join("\n"),
          output: lines.slice(end + 1).join("\n"),
        };
      }),
  );
}

function isWhole(command: string): boolean {
  return !/[|\\]$/.test(command) && command.split("'").length % 2 === 1;
}

/** Types the commands into one shell. Answers the output of each. */
async function typed(steps: Step[], env: Record<string, string> = {}): Promise<string[]> {
  const script = steps.map(({ command }) => `${command}\necho '${NEXT}'`).join("\n");
  const { host } = new URL(served.url);
  const shell = Bun.spawn(["bash", "-c", script.replaceAll("localhost:3000", host)], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdout: "pipe",
  });
  return (await shell.stdout.text()).split(`${NEXT}\n`).slice(0, -1).map(told);
}

/** Without what is another one each time. */
function told(output: string): string {
  return output
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID")
    .replace(/"(accessToken|refreshToken)":"[^"]+"/g, '"$1":"…"')
    .trim();
}
