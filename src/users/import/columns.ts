/** Which column of a file is which field, as people head them. */
import type { Columns } from "../../fields.ts";
import { User } from "../public-user.ts";

const FIELDS = {
  email: ["emailaddress", "mail", "mailaddress"],
  firstName: ["givenname", "forename"],
  lastName: ["surname", "familyname"],
  roles: ["role"],
  passwordHash: [],
  emailVerified: ["isemailverified"],
  emailVerifiedAt: [],
  status: [],
} as const;

/** What an export has and an import does not take over: the file is taken as it is. */
export const LEFT_ASIDE = Object.keys(User.shape).filter((name) => !(name in FIELDS));

const COLUMNS = new Map<string, string | null>([
  ...Object.entries(FIELDS).flatMap(([field, others]): [string, string][] =>
    [field, ...others].map((name) => [simplified(name), field]),
  ),
  ...LEFT_ASIDE.map((name): [string, null] => [simplified(name), null]),
]);
const NAMES = Object.keys(FIELDS).join(", ");

/**
 * The fields that the header line names: `E-mail`, ` first_name` and `First Name` are what they are meant to be. What it
 * names besides is one fault of the file, and not one of each row.
 */
function readHeader(cells: string[]): (string | null)[] | { fault: string } {
  const fields: (string | null)[] = [];
  for (const cell of cells) {
    const field = fieldOf(cell);
    const name = JSON.stringify(cell.slice(0, 50));
    if (cell === "") return { fault: `Column ${fields.length + 1} of the header line has no name` };
    if (field === undefined)
      return { fault: `The header line has a column ${name}, and an import takes ${NAMES}` };
    if (field !== null && fields.includes(field))
      return { fault: `The header line names a column twice: ${name}` };
    fields.push(field);
  }
  return fields.includes("email")
    ? fields
    : { fault: `The header line names no column email; an import takes ${NAMES}` };
}

function fieldOf(name: string): string | null | undefined {
  return COLUMNS.get(simplified(name));
}

export const IMPORT_COLUMNS: Columns = { readHeader, fieldOf };

function simplified(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}
