import { readFile } from "node:fs/promises";

/** The SECRET_KEYs in a file, one a line. @throws Error when it cannot be read, or a line is no key. */
export async function secretKeysIn(path: string): Promise<Buffer[]> {
  const lines = (await readFile(path, "utf8")).split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .map((line, index) => {
      const key = Buffer.from(line, "base64");
      if (key.length < 32) throw new Error(`line ${index + 1} of ${path} is no SECRET_KEY.`);
      return key;
    });
}
