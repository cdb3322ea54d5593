/** `tenantry-drift allow`: the line that allows a finding, so that nobody has to work out a hash. */

import { DriftError } from "../model/errors.ts";
import { visibleLine } from "../model/words.ts";
import { exceptionLine, isDay, lineKeyOf } from "../project/exceptions.ts";
import { check } from "./check.ts";
import type { Options } from "./options.ts";

export type AllowInput = { key: string; until: string; reason: string };

export async function allowLine(
  { key, until, reason }: AllowInput,
  options: Options,
): Promise<string> {
  if (key === "" || reason.trim() === "" || !isDay(until))
    throw new DriftError(
      "An exception needs a key, a day and a reason: tenantry-drift allow 'index public.extra' --until 2027-01-31 --reason 'why'",
    );
  const { findings } = await check({ ...options, allowFile: null, repair: false });
  const found = findings.find((finding) => lineKeyOf(finding) === visibleLine(key));
  if (found) return exceptionLine(found, until, reason.trim());
  const keys = findings.map((finding) => `\n  ${lineKeyOf(finding)}`).join("");
  throw new DriftError(
    `There is no finding "${key}".${keys === "" ? " There is none at all." : ` There are:${keys}`}`,
  );
}
