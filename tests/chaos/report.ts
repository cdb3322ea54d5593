/** What is printed in the end. */
import type { Ledger } from "./ledger.ts";
import type { MailAccount } from "./verify-mails.ts";

/**
 * In milliseconds: from the beginning until it was mended, and from then until every server wrote. `isRead`: before it the
 * replica was answering.
 */
export type Recovery = { name: string; lasted: number; recovered: number; isRead: boolean };

type Findings = {
  ledger: Ledger;
  mails: MailAccount;
  recoveries: Recovery[];
  breaches: string[];
};

export function printReport({ ledger, mails, recoveries, breaches }: Findings): void {
  const people = [...ledger.people.values()];
  const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);
  console.log("");
  table(
    ["what went wrong", "times", "lasted, s", "then until both write, s"],
    [...Map.groupBy(recoveries, ({ name }) => name)].map(([name, each]) => [
      name,
      String(each.length),
      range(each.map(({ lasted }) => lasted)),
      range(each.map(({ recovered }) => recovered)),
    ]),
  );
  console.log("");
  const kinds = ["user", "service account", "api key", "invitation"] as const;
  const made = [...ledger.made.values()];
  table(
    ["acknowledged", "surely", "perhaps"],
    [
      ...kinds.map((kind) => {
        const ofKind = made.filter((each) => each.kind === kind);
        const count = (certainty: string) =>
          String(ofKind.filter((each) => each.made === certainty).length);
        return [`${kind} made`, count("yes"), count("perhaps")];
      }),
      [
        "change of a user",
        String(sum(people.map(({ changes }) => changes))),
        String(sum(people.map(({ perhapsChanges }) => perhapsChanges))),
      ],
      [
        "user deleted",
        String(people.filter(({ deleted }) => deleted === "yes").length),
        String(people.filter(({ deleted }) => deleted === "perhaps").length),
      ],
      [
        "log-in",
        String(sum([...ledger.logins.values()].map(({ answered }) => answered))),
        String(sum([...ledger.logins.values()].map(({ perhaps }) => perhaps))),
      ],
      [
        "log-out",
        String([...ledger.sessions.values()].filter(({ ended }) => ended === "yes").length),
        "0",
      ],
      ["refresh", String(ledger.refreshes), "-"],
      ["mail", String(ledger.mails.size), "-"],
    ],
  );
  console.log("");
  const answers = [...ledger.statuses].sort(([one], [other]) => one.localeCompare(other));
  console.log(`Answers: ${answers.map(([status, count]) => `${status}: ${count}`).join(", ")}.`);
  console.log(
    `Mails: ${mails.delivered} addresses reached, ${mails.waiting} still queued, ${mails.again} delivered again under their Message-ID.`,
  );
  const reads = [...ledger.reads].map(([how, count]) => `${how}: ${count}`);
  console.log(`Looked for at once after it was written, by ${reads.join(", ")}.`);
  const answering = recoveries.filter(({ isRead }) => isRead).length;
  console.log(
    `The replica answered reads before ${answering} of the ${recoveries.length} things that went wrong.`,
  );
  for (const breach of breaches) console.log(`BROKEN ${breach}`);
  console.log(
    breaches.length === 0
      ? "The ledger is whole: nothing that was acknowledged is lost, and nothing is there twice."
      : `The ledger is broken in ${breaches.length} places.`,
  );
}

function range(millis: number[]): string {
  const seconds = millis
    .map((each) => (each / 1000).toFixed(1))
    .sort((a, b) => Number(a) - Number(b));
  const middle = seconds[Math.floor(seconds.length / 2)];
  return seconds.length === 1 ? String(middle) : `${middle} (${seconds[0]} to ${seconds.at(-1)})`;
}

function table(head: string[], rows: string[][]): void {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  console.log(
    [
      line(head),
      line(head.map((_, column) => "-".repeat(widths[column] ?? 0))),
      ...rows.map(line),
    ].join("\n"),
  );
}
