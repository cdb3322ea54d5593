/** Starts the cluster in a process of its own, where waiting for it holds nobody up: folder and port are its arguments. */
import { startEmbedded } from "../../scripts/embedded-postgres.ts";

const [dataDir = "", port] = process.argv.slice(2);
const { url } = await startEmbedded({ dataDir, ...(port && { port: Number(port) }) });
console.log(url);
