import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** @throws Error when there is none on this machine. */
export function launchChromium(): Promise<Browser> {
  const executablePath = PLACES.find(existsSync);
  if (!executablePath) throw new Error("There is no Chromium: apt-get install chromium");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}
