/** The environment, as far as each variable is usable by itself: one that is wrong keeps nothing else from being looked at. */
import { resolve } from "node:path";
import { Environment } from "../../config/environment.ts";
import type { Values } from "../../config/rules.ts";
import { withFiles } from "../../config/secret-files.ts";
import { ConfigError, doubtfulNames, parseConfig } from "../../config.ts";
import { faultOfTemplates } from "../../mail/templates.ts";
import { faultOfPermissionsFile } from "../../roles/permissions-file.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

export function usableVariables(given: NodeJS.ProcessEnv): Values {
  const { env } = withFiles(given, Object.keys(Environment.shape));
  const values = Object.entries(Environment.shape).flatMap(([name, schema]) => {
    const { success, data } = schema.safeParse(env[name] || undefined);
    return success ? [[name, data]] : [];
  });
  return Object.fromEntries(values);
}

/** As a start of the server sees them. */
export function* checkVariables(env: NodeJS.ProcessEnv, values: Values): Generator<Finding> {
  const faults = faultsOf(env);
  for (const { name, message } of faults)
    yield wrong("configuration", `${name} ${message}`, "see docs/reference/configuration.md");
  if (faults.length === 0)
    yield ok("configuration", `NODE_ENV=${values.NODE_ENV}, every variable is usable`);
  for (const { name, message } of doubtfulNames(env))
    yield note(
      "configuration",
      `${name} ${message}`,
      "or leave it, where another program reads it",
    );
  const { MAIL_TEMPLATES, PERMISSIONS_FILE } = values;
  const files = [
    MAIL_TEMPLATES ? faultOfTemplates(resolve(MAIL_TEMPLATES)) : null,
    PERMISSIONS_FILE ? faultOfPermissionsFile(resolve(PERMISSIONS_FILE)) : null,
  ];
  for (const fault of files)
    if (fault !== null) yield wrong("files", fault, "mend the file: no instance starts with it");
}

/** Each of those that ConfigError lists. */
function faultsOf(env: NodeJS.ProcessEnv): { name: string; message: string }[] {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...error.message.matchAll(/^ {2}([^\s:]+): (.+)$/gm)].map(
      ([, name = "", message = ""]) => ({ name, message }),
    );
  }
}
