/**
 * `bun run sbom`: what an image holds of packages, as a CycloneDX 1.7 document (ECMA-424), from bun.lock. The same lock,
 * installed, gives the same bytes: it has neither a time nor a random serial number.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  Builders,
  Factories as FromPackage,
} from "@cyclonedx/cyclonedx-library/Contrib/FromNodePackageJson";
import { Factories as FromLicense } from "@cyclonedx/cyclonedx-library/Contrib/License";
import { ComponentScope, ComponentType, HashAlgorithm } from "@cyclonedx/cyclonedx-library/Enums";
import { Bom, Component } from "@cyclonedx/cyclonedx-library/Models";
import { JSON as Json, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { Spec1dot7 } from "@cyclonedx/cyclonedx-library/Spec";
import { PackageURL } from "packageurl-js";
import parseLicense from "spdx-expression-parse";
import { type Locked, readProduction } from "./lockfile.ts";
import { ROOT } from "./prepare.ts";

/** The images of the Dockerfile, and the packages of this repository that each is made for. */
const IMAGES = new Map([
  ["tenantry", ["tenantry"]],
  ["tenantry-migrate", ["@tenantry/prisma-engine", "@tenantry/drift"]],
]);
const USAGE = `Usage: bun run sbom [--image tenantry|tenantry-migrate] [--output FILE]

Writes what the image holds of packages as a CycloneDX document, to the standard output or to FILE. What the base image
brings (Debian) is not in it. Ends with 0; with 2 when the call was wrong.
`;

const components = new Builders.ComponentBuilder(
  new FromPackage.ExternalReferenceFactory(),
  new FromLicense.LicenseFactory(parseLicense),
);

try {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      image: { type: "string", default: "tenantry" },
      output: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const names = IMAGES.get(values.image);
  if (!names) throw new Error(`There is no image ${values.image}.`);
  if (values.help) console.log(USAGE.trimEnd());
  else if (values.output) writeFileSync(values.output, write(values.image, names));
  else process.stdout.write(write(values.image, names));
} catch (err) {
  console.error(`${err instanceof Error ? err.message : err}\n\n${USAGE}`);
  process.exitCode = 2;
}

function write(image: string, names: string[]): string {
  const locked = readProduction(names);
  // One version may lie in two places.
  const made = new Map<string, Component>();
  const idOf = ({ name, version }: Locked) => `${name}@${version}`;
  for (const one of locked.toSorted((a, b) => Number(a.optional) - Number(b.optional)))
    if (!made.has(idOf(one))) made.set(idOf(one), componentOf(one));
  const refs = new Map(locked.map((one) => [one.place, made.get(idOf(one))?.bomRef]));
  const bom = new Bom();
  const whole = new Component(ComponentType.Container, image, { bomRef: image });
  for (const one of locked) {
    const dependencies = made.get(idOf(one))?.dependencies;
    for (const ref of one.needs.map((place) => refs.get(place))) if (ref) dependencies?.add(ref);
    const ref = refs.get(one.place);
    if (ref && names.includes(one.name)) whole.dependencies.add(ref);
  }
  bom.metadata.component = whole;
  for (const component of [...made.values(), bun()]) bom.components.add(component);
  const serializer = new JsonSerializer(new Json.Normalize.Factory(Spec1dot7));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function componentOf({ place, name, version, integrity, folder, optional }: Locked): Component {
  // What is for another processor than this one's is not installed here, and so tells no licence.
  const manifest = readManifest(folder ?? installedAt(place)) ?? { name, version };
  const component = components.makeComponent({ ...manifest, name, version });
  if (!component) throw new Error(`${name}@${version} has no name`);
  const [namespace, bare] = name.startsWith("@") ? name.split("/") : [null, name];
  component.purl = new PackageURL("npm", namespace, bare ?? name, version, null, null).toString();
  component.bomRef.value = component.purl;
  component.scope = optional ? ComponentScope.Optional : ComponentScope.Required;
  if (integrity?.startsWith("sha512-"))
    component.hashes.set(
      HashAlgorithm["SHA-512"],
      Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex"),
    );
  return component;
}

/** What all of it runs on. */
function bun(): Component {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const version = String(packageManager).replace("bun@", "");
  const purl = new PackageURL("github", "oven-sh", "bun", `bun-v${version}`, null, null).toString();
  return new Component(ComponentType.Platform, "bun", { version, purl, bomRef: purl });
}

function readManifest(folder: string): object | null {
  try {
    return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
  } catch {
    return null;
  }
}

/** @param place of another version that lies below a package, its names after each other. */
function installedAt(place: string): string {
  const names = place.match(/@[^/]+\/[^/]+|[^/]+/g) ?? [];
  return names.map((name) => `node_modules/${name}`).join("/");
}
