#!/usr/bin/env bun
/**
 * Stands in for Prisma's native `schema-engine`, so that no binary is ever downloaded: the same
 * command line and the same JSON-RPC over standard input and output, on top of the WebAssembly
 * build of the same engine. `prisma.config.ts` points the Prisma CLI here.
 */
import { parseArgs } from "node:util";
import { runCommand } from "./commands.ts";
import type { Datasource } from "./connection.ts";
import { serve } from "./server.ts";

const { values, positionals } = parseArgs({
  options: {
    datamodels: { type: "string", multiple: true, default: [] },
    datasource: { type: "string", default: "{}" },
    "enabled-preview-features": { type: "string" },
    "extension-types": { type: "string" },
  },
  allowPositionals: true,
});

const datasource: Datasource = JSON.parse(values.datasource);
const [group, command] = positionals;

if (group === "cli") process.exit(await runCommand(String(command), datasource));
await serve(datasource, values.datamodels);
process.exit();
