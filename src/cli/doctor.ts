#!/usr/bin/env bun
import { examine } from "../operations/doctor/doctor.ts";
/** `bun run doctor`: what an instance would stumble over, and what to do about it. */
import type { Finding } from "../operations/doctor/finding.ts";
import { runCommand } from "./command.ts";
import { withoutSecrets } from "./secrets.ts";

const usage = `Looks at all that an instance needs: Bun, configuration, port, mail (EHLO, TLS and AUTH), the database with its TLS, login,
clock, migrations and drift, the keys, the archive of the write-ahead log and the age of the last backup. It says what is
wrong and what to do. Nothing is changed, and nothing is sent.

Usage: bun run doctor, with the environment of the server

  --backups FOLDER   where db:backup writes to; those of pgbackrest and barman are asked for where these are installed
  --json
  --help

Exit codes: 0 nothing is wrong, 1 something is, 2 cannot run.
`;

const MARKS = { ok: "ok   ", note: "note ", wrong: "WRONG" } as const;

process.exit(
  await runCommand({
    usage,
    flags: { backups: { type: "string" } },
    async run({ values: { backups }, io }) {
      const examined = await examine({ ...io, backups });
      // What a driver or a mail server says is not ours.
      const findings = examined.map((finding) => ({
        ...finding,
        what: withoutSecrets(finding.what, io.env),
      }));
      const faults = findings.filter(({ state }) => state === "wrong").length;
      const summary =
        faults === 0
          ? "Nothing is wrong."
          : `${faults} ${faults === 1 ? "thing is" : "things are"} wrong.`;
      return {
        found: faults > 0,
        json: { findings },
        text: [...findings.map(line), summary].join("\n"),
      };
    },
  }),
);

function line({ name, state, what, advice }: Finding): string {
  const told = `${MARKS[state]}  ${name.padEnd(14)} ${what}`;
  return advice === undefined ? told : `${told}\n${" ".repeat(22)}→ ${advice}`;
}
