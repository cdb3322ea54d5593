import { fileURLToPath } from "node:url";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";

/**
 * Puts the module together by hand, for Bun does not link WebAssembly imports. `onPanic` hears what the engine died of:
 * the promise of the call that it was at never settles, and it must not be called again.
 */
export async function loadSchemaEngine(
  onPanic: (err: Error) => void,
): Promise<typeof glue.SchemaEngine> {
  const path = fileURLToPath(import.meta.resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
  const bytes = await Bun.file(path.replace(/\.js$/, ".wasm")).arrayBuffer();
  const { instance } = await WebAssembly.instantiate(bytes, {
    "./schema_engine_bg.js": { ...glue },
  });
  const { __wbindgen_start: start } = instance.exports;

  const registry = { set_message: (message: string) => onPanic(new Error(message)) };
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: registry });
  process.on("uncaughtException", onPanic);
  glue.__wbg_set_wasm(instance.exports);
  (start as () => void)();

  return glue.SchemaEngine;
}
