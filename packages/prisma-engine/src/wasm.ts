import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";

let started: Promise<void> | undefined;

/** Once a process: a second start would take the memory from under the engines of the first. */
export async function loadSchemaEngine(): Promise<typeof glue.SchemaEngine> {
  started ??= start();
  await started;
  return glue.SchemaEngine;
}

/**
 * `onPanic` hears what the engine died of: the promise of the call that it was at never settles, and it must not be
 * called again. To be called before the engine is loaded.
 */
export function listenForPanic(onPanic: (err: Error) => void): void {
  const registry = { set_message: (message: string) => onPanic(new Error(message)) };
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: registry });
  process.on("uncaughtException", onPanic);
}

/** Puts the module together by hand, for Bun does not link WebAssembly imports. */
async function start(): Promise<void> {
  const path = fileURLToPath(import.meta.resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
  const bytes = await readFile(path.replace(/\.js$/, ".wasm"));
  const { instance } = await WebAssembly.instantiate(bytes, {
    "./schema_engine_bg.js": { ...glue },
  });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
}
