/** What can be told of the Dockerfile, compose.yaml and the workflows without running them. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");
const dockerfile = read("Dockerfile");
const compose = read("compose.yaml");
const services: Record<string, Service> = Object(Bun.YAML.parse(compose)).services;
const workflows = readdirSync(join(ROOT, ".github/workflows")).map((name) =>
  read(join(".github/workflows", name)),
);

type Service = {
  image: string;
  environment?: Record<string, string>;
  ports?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
};

test("the image runs the Bun that the project is developed and tested with", () => {
  const { packageManager } = JSON.parse(read("package.json"));
  expect(dockerfile).toContain(`\nARG BUN_VERSION=${packageManager.replace("bun@", "")}\n`);
});

test("whichever way the server is started, its garbage collector has the same settings", () => {
  const { start } = JSON.parse(read("package.json")).scripts;
  const settingsIn = (text: string) => text.match(/BUN_JSC_\w+=[\d.]+/g);
  expect(settingsIn(start)).toHaveLength(2);
  expect(settingsIn(dockerfile)).toEqual(settingsIn(start));
  expect(settingsIn(read("docs/guides/operations.md"))).toEqual(settingsIn(start));
});

test("the Dockerfile builds without BuildKit", () => {
  expect(dockerfile).not.toMatch(/^# *syntax=|--mount|--chmod|--link|<</m);
});

test("what passes .dockerignore is copied by the Dockerfile, itself or with its folder, and all that is copied passes", () => {
  const allowed = read(".dockerignore").match(/(?<=^!).+/gm) ?? [];
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    ([, sources = ""]) => sources.split(" "),
  );
  const holds = (folder: string, path: string) => `${path}/`.startsWith(`${folder}/`);
  expect(allowed.filter((path) => !copied.some((folder) => holds(folder, path)))).toEqual([]);
  const passes = (path: string) => allowed.some((one) => holds(path, one) || holds(one, path));
  expect(copied.filter((path) => !passes(path))).toEqual([]);
});

test("no secret stands in compose.yaml: each comes from outside", () => {
  const secrets = Object.values(services)
    .flatMap(({ environment = {} }) => Object.entries(environment))
    .filter(([name]) => /PASSWORD|SECRET|URL/.test(name));
  expect(secrets.length).toBeGreaterThanOrEqual(3);
  for (const [, value] of secrets)
    expect(value).toMatch(/\$\{(POSTGRES_PASSWORD|APP_PASSWORD|SECRET_KEY)[:}]/);
});

test("R60: the server's login has a secret of its own, and the server gets no other", () => {
  const { postgres, migrate, roles, api } = Object(services);
  const named = (text: unknown) =>
    [...JSON.stringify(text).matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  expect(named(postgres.environment)).toEqual(["POSTGRES_PASSWORD"]);
  expect(named(migrate.environment)).toEqual(["POSTGRES_PASSWORD"]);
  expect(named(roles.environment).sort()).toEqual(["APP_PASSWORD", "POSTGRES_PASSWORD"]);
  expect(named(api.environment).sort()).toEqual(["APP_PASSWORD", "PORT", "SECRET_KEY"]);
});

test("compose.yaml opens ports to this machine alone", () => {
  const ports = Object.values(services).flatMap(({ ports: opened = [] }) => opened);
  expect(ports).toHaveLength(1);
  for (const port of ports) expect(port).toStartWith("127.0.0.1:");
});

test("what compose.yaml runs of ours is locked down as the image is tested", () => {
  const ours = Object.entries(services).filter(([, { image }]) => image.startsWith("tenantry"));
  expect(ours.map(([name]) => name)).toEqual(["migrate", "roles", "api"]);
  for (const [name, { read_only, cap_drop, security_opt }] of ours)
    expect([name, read_only, cap_drop, security_opt]).toEqual([
      ...[name, true, ["ALL"]],
      ["no-new-privileges:true"],
    ]);
});

test("the runtime's image is built last, which is what a build without a target makes", () => {
  const stages = dockerfile.match(/^FROM .+$/gm) ?? [];
  expect(stages.filter((stage) => stage.endsWith(" AS migrate"))).toHaveLength(1);
  expect(stages.at(-1)).toBe("FROM base");
});

test("compose.yaml and the guide make every secret that compose.yaml asks for", () => {
  const wanted = [...compose.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
  for (const text of [compose, read("docs/operations/deploy.md")])
    for (const name of wanted) expect(text).toContain(`${name}=%s\\n`);
});

test.each(workflows)(
  "a workflow may read the repository and no more, and pins what it uses to commits",
  (workflow) => {
    expect(Object(Bun.YAML.parse(workflow)).permissions).toEqual({ contents: "read" });
    const uses = workflow.match(/(?<=uses: ).+/g) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d/);
  },
);

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
