/** The permissions of the file that PERMISSIONS_FILE names, declared at every start. */
import type { Deps } from "../context.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { acrossTenants } from "../db/scope.ts";
import { ApiError } from "../errors.ts";
import { type Declarer, insertPermission, updatePermission } from "./declare.ts";
import { findPermissions, listPermissions, lockDeclarations } from "./declared.ts";
import type { DeclarePermissionInput } from "./permission-schemas.ts";

/**
 * Makes all of these as the file says. What is in the database and not in the file stays: roles of tenants may hold it, and
 * an instance that starts with an older file must not take it from them. The log names it. Of two instances that start at
 * once the second one finds everything done. What cannot be done as the data is, is logged and keeps nobody from starting.
 */
export function declareAll(deps: Deps, file: readonly DeclarePermissionInput[]): Promise<void> {
  return acrossTenants(async () => {
    for (const declaration of file) await declareOne(deps, declaration);
    const { items } = await listPermissions(deps);
    const keys = new Set(file.map(({ key }) => key));
    const left = items.filter(({ key, application }) => application && !keys.has(key));
    if (left.length > 0)
      deps.log("info", "permissions that are declared and not in PERMISSIONS_FILE", {
        keys: left.map(({ key }) => key),
        advice: "DELETE /v1/permissions/<key> removes one that nothing uses",
      });
  });
}

const source = { source: "PERMISSIONS_FILE" } as const;

/** Each in a transaction of its own: what cannot be done undoes nothing, and no lock is held for long. */
async function declareOne(deps: Deps, declaration: DeclarePermissionInput): Promise<void> {
  const { key } = declaration;
  try {
    await commit(deps, async (tx) => {
      await lockDeclarations(tx);
      const before = (await findPermissions(tx, [key])).get(key);
      if (before) await updatePermission(tx, nobody(deps), before, declaration, source);
      else await insertPermission(tx, nobody(deps), declaration, source);
    });
  } catch (err) {
    if (!(err instanceof ApiError)) throw err;
    deps.log("error", "a permission is not as PERMISSIONS_FILE has it", {
      key,
      reason: err.message,
    });
  }
}

/** Nobody's request: the audit row has no actor and no address. */
function nobody(deps: Deps): Declarer {
  const origin = { requestId: newId(), ip: null, userAgent: null, language: null, device: null };
  return { ...deps, origin };
}
