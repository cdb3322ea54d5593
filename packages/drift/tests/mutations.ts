/** Changes of the shop schema, by family, each with the keys of all that the check must report, and nothing else. */
import { columns } from "./mutations/columns.ts";
import { constraints } from "./mutations/constraints.ts";
import { database } from "./mutations/database.ts";
import { indexes } from "./mutations/indexes.ts";
import type { Mutations } from "./mutations/mutation.ts";
import { operators } from "./mutations/operators.ts";
import { privileges } from "./mutations/privileges.ts";
import { routines } from "./mutations/routines.ts";
import { since18 } from "./mutations/since18.ts";
import { tables } from "./mutations/tables.ts";
import { triggers } from "./mutations/triggers.ts";
import { types } from "./mutations/types.ts";
import { views } from "./mutations/views.ts";

const always: Mutations = {
  ...database,
  ...tables,
  ...columns,
  ...constraints,
  ...indexes,
  ...triggers,
  ...views,
  ...routines,
  ...types,
  ...operators,
  ...privileges,
};

/** The mutations that a server of this version can express. */
export function mutationsFor(version: number): Mutations {
  return version >= 18 ? { ...always, ...since18 } : always;
}
