/** `bun run sbom`: the packages of the images, as bun.lock and the Dockerfile say. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";

const ROOT = join(import.meta.dir, "..", "..");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Its package.json says none; its LICENSE is that of MIT. A package that joins it is worth a look. */
const WITHOUT_LICENCE = ["pkg:npm/seq-queue@0.0.5"];

type Component = {
  name: string;
  group?: string;
  version: string;
  scope?: string;
  purl: string;
  "bom-ref": string;
  hashes?: { alg: string; content: string }[];
  licenses?: object[];
};
type Sbom = { components: Component[]; dependencies: { ref: string; dependsOn?: string[] }[] };

async function sbom(...args: string[]) {
  const child = Bun.spawn([process.execPath, "scripts/sbom.ts", ...args], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, status };
}

function namesIn({ components }: Sbom): string[] {
  return components.map(({ group, name }) => (group ? `${group}/${name}` : name));
}

describe.each(["tenantry", "tenantry-migrate"])("the SBOM of %s", (image) => {
  const written = sbom("--image", image);

  test("is valid CycloneDX 1.7, and the same a second time", async () => {
    const { stdout, status } = await written;
    expect(status).toBe(0);
    expect(await new JsonStrictValidator(Version.v1dot7).validate(stdout)).toBeNull();
    expect((await sbom("--image", image)).stdout).toBe(stdout);
  });

  test("names each package once, with the checksum that bun.lock has, and who needs it", async () => {
    const { components, dependencies }: Sbom = JSON.parse((await written).stdout);
    const lock = readFileSync(join(ROOT, "bun.lock"), "utf8");
    const refs = components.map((component) => component["bom-ref"]);
    expect(refs).toEqual([...new Set(refs)]);
    const foreign = components.filter(({ name, group }) => name !== "bun" && !isOurs(group, name));
    expect(foreign.length).toBeGreaterThan(80);
    for (const { purl, hashes = [], licenses, scope } of foreign) {
      expect(purl).toStartWith("pkg:npm/");
      const [{ alg, content } = { alg: "", content: "" }] = hashes;
      expect([purl, alg]).toEqual([purl, "SHA-512"]);
      expect(lock).toContain(`"sha512-${Buffer.from(content, "hex").toString("base64")}"`);
      if (scope === "required" && !WITHOUT_LICENCE.includes(purl))
        expect([purl, licenses?.length]).toEqual([purl, 1]);
    }
    const needed = new Set(dependencies.flatMap(({ dependsOn = [] }) => dependsOn));
    expect(refs.filter((ref) => !needed.has(ref) && !ref.includes("/bun@"))).toEqual([]);
  });
});

test("the server's has what production depends on, and no development dependency of the project", async () => {
  const parsed: Sbom = JSON.parse((await sbom()).stdout);
  const names = namesIn(parsed);
  for (const [name, version] of Object.entries<string>(manifest.dependencies)) {
    expect(names).toContain(name);
    if (version.includes(":")) continue;
    const found = parsed.components.find(({ purl }) =>
      decodeURIComponent(purl).endsWith(`/${name}@${version}`),
    );
    expect([name, found?.scope]).toEqual([name, "required"]);
  }
  // Prisma's command is in the other image, and the code of argon2 is in a package for each processor.
  for (const name of ["prisma", "typescript", "playwright-core", "@prisma/schema-engine-wasm"])
    expect(names).not.toContain(name);
  expect(names).toContain("@node-rs/argon2-linux-x64-gnu");
  expect(names.filter((name) => /^@node-rs\/.*(darwin|win32|android|musl)/.test(name))).toEqual([]);
});

test("writes to a file when asked to, and says how it is called when it was called wrong", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-sbom-"));
  try {
    const file = join(folder, "sbom.json");
    expect(await sbom("--output", file)).toEqual({ stdout: "", stderr: "", status: 0 });
    expect(readFileSync(file, "utf8")).toBe((await sbom()).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect((await sbom("--help")).stdout).toStartWith("Usage: bun run sbom");
  for (const args of [["--image", "nginx"], ["--nonsense"]]) {
    const { status, stderr } = await sbom(...args);
    expect([status, stderr.includes("Usage: bun run sbom")]).toEqual([2, true]);
  }
});

function isOurs(group: string | undefined, name: string): boolean {
  return group === "@tenantry" || name === manifest.name;
}
