/** Which test files run together in one process, and in which order the processes start. */
import { dirname } from "node:path";

/**
 * So few that a batch leaves no worker alone at the end, and so many that a process is worth its start. One that goes on
 * for hundreds of files grows by each of them.
 */
const FILES_A_BATCH = 8;

/** Every test file below the root whose path has one of these words, or simply every one. */
export function testFiles(root: string, words: readonly string[]): string[] {
  const glob = new Bun.Glob("{packages,scripts,src,tests}/**/*.test.ts");
  return [...glob.scanSync({ cwd: root })]
    .filter((file) => !file.includes("node_modules/"))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

/**
 * Files of one folder, which import the same, share a process and its modules: to import the application takes longer than
 * most files do. The same files are together each time, and the small batches come last, so that all workers end at once.
 */
export function batchesOf(files: readonly string[], size = FILES_A_BATCH): string[][] {
  const batches = [...Map.groupBy(files, dirname).values()].flatMap((folder) => {
    const count = Math.ceil(folder.length / size);
    return Array.from({ length: count }, (_, n) =>
      folder.slice((n * folder.length) / count, ((n + 1) * folder.length) / count),
    );
  });
  return batches.sort((one, other) => other.length - one.length);
}

/** What follows `bun run test`: words of paths, and flags for `bun test` from the first that looks like one. */
export function readArguments(given: readonly string[]): { words: string[]; flags: string[] } {
  const first = given.findIndex((word) => word.startsWith("-"));
  const end = first === -1 ? given.length : first;
  return { words: given.slice(0, end), flags: given.slice(end) };
}
