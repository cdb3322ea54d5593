/** deploy/kubernetes, checked without a cluster. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IJob } from "kubernetes-models/batch/v1";
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import type { IConfigMap, IContainer, IPodSpec } from "kubernetes-models/v1";
import { Environment } from "../../src/config/environment.ts";
import { faultsOf, type Manifest, readManifests } from "./kubernetes.ts";

/** An instance's own: five not ready (DRAIN_SECONDS), twenty for what is under way; and five to spare. */
const ENDING_SECONDS = 30;
const ROOT = join(import.meta.dir, "..", "..");
const files = readManifests();
const manifests = [...files.values()].flat();
const guide = readFileSync(join(ROOT, "docs", "operations", "kubernetes.md"), "utf8");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

const deployment = find<IDeployment>("Deployment", "tenantry");
const job = find<IJob>("Job", "tenantry-migrate");
const settings = find<IConfigMap>("ConfigMap", "tenantry");
const pods = [deployment.spec?.template, job.spec?.template].flatMap((pod) => pod ?? []);

test("every manifest is what Kubernetes' API describes", async () => {
  expect(manifests.map(({ kind }) => String(kind)).toSorted()).toEqual([
    ...["ConfigMap", "Deployment", "Job", "Namespace"],
    ...["NetworkPolicy", "NetworkPolicy", "NetworkPolicy", "PodDisruptionBudget", "Service"],
  ]);
  expect(await faultsOf(manifests)).toEqual([]);
});

test("the check finds a misspelt field, a wrong type, what is missing, and an old version", async () => {
  const change = (edit: (copy: Record<string, never>) => void) => {
    const copy = structuredClone(deployment);
    edit(Object(copy));
    return copy;
  };
  const faults = await faultsOf([
    change(({ spec }) => Object.assign(Object(spec), { replicass: 2 })),
    change(({ spec }) => Object.assign(Object(spec), { replicas: "2" })),
    change(({ spec }) => delete Object(spec).selector),
    { ...deployment, apiVersion: "apps/v1beta1" },
  ]);
  for (const word of ["replicass", "/spec/replicas", "selector", "apps/v1beta1"])
    expect(faults.join("\n")).toContain(word);
});

describe.each(
  pods.map((pod) => [pod.metadata?.labels?.["app.kubernetes.io/component"], pod.spec] as const),
)("the pods of %s", (_component, spec) => {
  test("are as locked down as the images are tested", () => {
    expect(spec?.automountServiceAccountToken).toBe(false);
    expect(spec?.enableServiceLinks).toBe(false);
    expect(spec?.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const { securityContext, resources } of containersOf(spec)) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(resources?.requests).toContainAllKeys(["cpu", "memory"]);
      expect(resources?.limits).toContainKey("memory");
    }
  });

  test("run images that the Dockerfile makes, of this release", () => {
    const images = containersOf(spec).map(({ image }) =>
      image?.replace("registry.example.com/", ""),
    );
    expect(images.length).toBeGreaterThan(0);
    for (const image of images)
      expect([`tenantry:${version}`, `tenantry-migrate:${version}`]).toContain(image ?? "");
  });

  test("are told what there is, and secrets by files alone", () => {
    const known = [...Object.keys(Environment.shape), "APP_DATABASE_URL"];
    for (const { env = [], volumeMounts = [] } of containersOf(spec)) {
      for (const { name, value } of env) {
        expect(name).toEndWith("_FILE");
        expect(known).toContain(name.replace(/_FILE$/, ""));
        const mount = volumeMounts.find(({ mountPath }) => value?.startsWith(`${mountPath}/`));
        const secret = spec?.volumes?.find((volume) => volume.name === mount?.name)?.secret;
        const key = value?.slice(`${mount?.mountPath}/`.length) ?? "";
        // The guide makes each key of each secret.
        const made = new RegExp(
          `create secret generic ${secret?.secretName} [^\\n]*(\\\\\\n[^\\n]*)*--from-file=${key}`,
        );
        expect(guide).toMatch(made);
        if (secret?.items) expect(secret.items.map((item) => item.key)).toContain(key);
      }
    }
    for (const name of Object.keys(settings.data ?? {})) expect(known).toContain(name);
  });
});

test("the server's pods get no secret of the owner's", () => {
  const secrets = deployment.spec?.template.spec?.volumes?.map(({ secret }) => secret?.secretName);
  expect(secrets).toEqual(["tenantry-server"]);
});

test("what stops a pod waits for all that an instance does when it ends", () => {
  const spec = deployment.spec?.template.spec;
  const [server] = spec?.containers ?? [];
  const preStop = server?.lifecycle?.preStop?.sleep?.seconds ?? 0;
  expect(spec?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStop + ENDING_SECONDS);
  // A proxy looks at readiness once in that time at least.
  expect(preStop).toBeGreaterThanOrEqual(server?.readinessProbe?.periodSeconds ?? 10);
});

test("probes ask what they are there for, and a start has its time", () => {
  const [server] = deployment.spec?.template.spec?.containers ?? [];
  expect(server?.livenessProbe?.httpGet?.path).toBe("/health/live");
  expect(server?.readinessProbe?.httpGet?.path).toBe("/health/ready");
  const { periodSeconds = 0, failureThreshold = 0, httpGet } = server?.startupProbe ?? {};
  expect(httpGet?.path).toBe("/health/live");
  expect(periodSeconds * failureThreshold).toBeGreaterThan(60);
  expect(server?.ports).toEqual([{ name: "http", containerPort: 3000 }]);
});

test("two are there, a release adds before it takes, and each selector finds its pods", () => {
  expect(deployment.spec?.replicas).toBe(2);
  expect(deployment.spec?.strategy?.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  const labels = pods.map(({ metadata }) => metadata?.labels ?? {});
  const [server, migrate] = labels;
  const spread = deployment.spec?.template.spec?.topologySpreadConstraints ?? [];
  expect(spread.map(({ topologyKey }) => topologyKey)).toEqual([
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
  ]);
  const selectors = [
    deployment.spec?.selector.matchLabels,
    ...spread.map(({ labelSelector }) => labelSelector?.matchLabels),
    ...manifests.flatMap((manifest) => {
      if (manifest.kind === "Service") return Object(manifest.spec).selector;
      if (manifest.kind === "PodDisruptionBudget")
        return Object(manifest.spec).selector.matchLabels;
      return [];
    }),
  ];
  expect(selectors).toHaveLength(5);
  for (const selector of selectors) {
    expect(server).toMatchObject(Object(selector));
    // The Job's pods would get requests otherwise.
    expect(migrate).not.toMatchObject(Object(selector));
  }
});

test("the network is shut but for the ingress, names, the database and mail", () => {
  const policies = manifests.filter(({ kind }) => kind === "NetworkPolicy") as INetworkPolicy[];
  const [all, ...some] = policies.map(({ spec }) => spec);
  expect(all).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  expect(some.map((spec) => spec?.podSelector?.matchLabels)).toEqual(
    pods.map(({ metadata }) => metadata?.labels),
  );
  const [server, migrate] = some;
  expect(server?.ingress).toHaveLength(1);
  expect(migrate?.ingress).toBeUndefined();
  for (const { from, ports } of server?.ingress ?? []) {
    expect(from?.[0]?.namespaceSelector?.matchLabels).toBeDefined();
    expect(ports).toEqual([{ protocol: "TCP", port: "http" }]);
  }
  const open = (spec: INetworkPolicy["spec"]) =>
    spec?.egress?.flatMap(({ ports = [] }) =>
      ports.map(({ protocol, port }) => `${protocol} ${port}`),
    );
  expect(open(server)).toEqual(["UDP 53", "TCP 53", "TCP 5432", "TCP 465"]);
  expect(open(migrate)).toEqual(["UDP 53", "TCP 53", "TCP 5432"]);
});

test("the guide applies every file, in an order that works", () => {
  const applied = [
    ...guide.matchAll(/kubectl apply((?: -f deploy\/kubernetes\/[\w.-]+)+)/g),
  ].flatMap(([, list = ""]) => list.match(/[\w-]+\.yaml/g) ?? []);
  expect([...new Set(applied)].toSorted()).toEqual([...files.keys()].toSorted());
  expect(applied[0]).toBe("namespace.yaml");
  expect(applied.indexOf("migrate.yaml")).toBeLessThan(applied.indexOf("server.yaml"));
  for (const { kind, metadata } of manifests)
    if (kind !== "Namespace") expect([kind, metadata?.namespace]).toEqual([kind, "tenantry"]);
});

function find<Kind extends Manifest>(kind: Kind["kind"], name: string): Kind {
  const found = manifests.find((one) => one.kind === kind && one.metadata?.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found as Kind;
}

function containersOf(spec: IPodSpec | undefined): IContainer[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}
