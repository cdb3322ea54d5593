/** Storage options, `WITH (fillfactor=70)`: what to set and what to reset to come from one list to another. */
import { items } from "./clauses.ts";

/** The actions that follow `ALTER TABLE x`, `ALTER INDEX x` or `ALTER COLUMN c`. */
export function optionActions(expected?: string, actual?: string, prefix = ""): string[] {
  const wanted = items(expected);
  const found = items(actual);
  const nameOf = (option: string) => option.slice(0, option.indexOf("="));
  const set = wanted.filter((option) => !found.includes(option));
  const reset = found.map(nameOf).filter((name) => !wanted.map(nameOf).includes(name));
  return [
    ...(set.length > 0 ? [`SET (${set.map((option) => prefix + quoted(option)).join(", ")})`] : []),
    ...(reset.length > 0 ? [`RESET (${reset.map((name) => prefix + name).join(", ")})`] : []),
  ];
}

/** The list for CREATE, or nothing. */
export function withOptions(list: string | undefined): string {
  return list ? ` WITH (${items(list).map(quoted).join(", ")})` : "";
}

/** A value may be any text, which only a literal is sure to carry. */
function quoted(option: string): string {
  const split = option.indexOf("=") + 1;
  const value = option.slice(split);
  return (
    option.slice(0, split) + (/^-?[\w.]+$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`)
  );
}
