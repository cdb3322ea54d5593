import { fileURLToPath } from "node:url";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";

/** Bun does not link WebAssembly imports, so that the module is put together by hand. */
export async function loadSchemaEngine(): Promise<typeof glue.SchemaEngine> {
  const path = fileURLToPath(import.meta.resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
  const bytes = await Bun.file(path.replace(/\.js$/, ".wasm")).arrayBuffer();
  const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": { ...glue } });
  const { __wbindgen_start: start } = instance.exports;

  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: die } });
  glue.__wbg_set_wasm(instance.exports);
  (start as () => void)();
  return glue.SchemaEngine;
}

/** After a panic the engine answers no more: the request that it was at would wait for ever. */
function die(message: string): never {
  process.stderr.write(`${JSON.stringify({ level: "ERROR", fields: { message } })}\n`);
  process.exit(1);
}
