/** The manifests of deploy/kubernetes, and what Kubernetes' own API description says of such a thing. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Deployment, type IDeployment } from "kubernetes-models/apps/v1";
import { type IJob, Job } from "kubernetes-models/batch/v1";
import { type INetworkPolicy, NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { type IPodDisruptionBudget, PodDisruptionBudget } from "kubernetes-models/policy/v1";
import {
  ConfigMap,
  type IConfigMap,
  type INamespace,
  type IService,
  Namespace,
  Service,
} from "kubernetes-models/v1";

const ROOT = join(import.meta.dir, "..", "..");
export const FOLDER = join(ROOT, "deploy", "kubernetes");

/** The model that checks values, and the module and the type that know every field. */
const KINDS = {
  Namespace: [Namespace, "v1"],
  ConfigMap: [ConfigMap, "v1"],
  Service: [Service, "v1"],
  Deployment: [Deployment, "apps/v1"],
  Job: [Job, "batch/v1"],
  PodDisruptionBudget: [PodDisruptionBudget, "policy/v1"],
  NetworkPolicy: [NetworkPolicy, "networking.k8s.io/v1"],
} as const;

export type Manifest =
  | INamespace
  | IConfigMap
  | IService
  | IDeployment
  | IJob
  | IPodDisruptionBudget
  | INetworkPolicy;

/** All documents of all files, by the file's name. */
export function readManifests(): Map<string, Manifest[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
  return new Map(
    files.map((name) => [
      name,
      [Bun.YAML.parse(readFileSync(join(FOLDER, name), "utf8"))].flat() as Manifest[],
    ]),
  );
}

/**
 * What is wrong with these, in the words of the two checkers: one compares values and what must be there with the
 * schemas that Kubernetes publishes, which allow any other field; the compiler knows every field, and so finds a misspelt one.
 */
export async function faultsOf(manifests: unknown[]): Promise<string[]> {
  const faults: string[] = [];
  const lines: string[] = [];
  for (const [index, manifest] of manifests.entries()) {
    const { kind, apiVersion } = Object(manifest);
    const [model, version] = KINDS[kind as keyof typeof KINDS] ?? [];
    if (!model || apiVersion !== version) {
      faults.push(`${apiVersion} ${kind} is no kind that is known here`);
      continue;
    }
    try {
      new model(Object(manifest)).validate();
    } catch (err) {
      faults.push(String(err));
    }
    lines.push(
      `import type { I${kind} as Kind${index} } from "kubernetes-models/${version}";`,
      `export const manifest${index}: Kind${index} = ${JSON.stringify(manifest, null, 1)};`,
    );
  }
  return [...faults, ...(await compile(lines.join("\n")))];
}

async function compile(source: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-kubernetes-"));
  try {
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "manifests.ts"), source);
    const compilerOptions = {
      ...{ target: "ESNext", module: "Preserve", moduleResolution: "bundler", types: [] },
      ...{ strict: true, skipLibCheck: true, noEmit: true },
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, include: ["*.ts"] }),
    );
    const tsc = Bun.spawn([process.execPath, "x", "tsc", "-p", folder], {
      cwd: ROOT,
      stdout: "pipe",
    });
    const output = await tsc.stdout.text();
    return (await tsc.exited) === 0
      ? []
      : output.split("\n").filter((line) => line.includes("error TS"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
