/** The page /docs in Chromium, as narrow as a telephone: bun test ./tests/browser/docs.ts */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { type Served, serve } from "../guides/serve.ts";
import { launchChromium } from "./chromium.ts";

setDefaultTimeout(120_000);

let served: Served;
let browser: Browser;
beforeAll(async () => {
  served = await serve({ DOCS: "on" });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await served?.stop();
});

test("nothing at /docs is wider than a telephone, whatever is opened", async () => {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
  // Each step may take as long as the test has: Swagger UI keeps a machine busy.
  page.setDefaultTimeout(110_000);
  await page.goto(`${served.url}/docs`);
  await page.waitForSelector(".opblock");
  expect(await beyond(page)).toEqual([]);

  await page.click("button.authorize");
  await page.waitForSelector(".dialog-ux");
  expect(await beyond(page)).toEqual([]);
  await page.click(".close-modal");

  // A few of them: Swagger UI takes a minute to draw all.
  const operations = page.locator(".opblock");
  const count = await operations.count();
  expect(count).toBeGreaterThan(100);
  for (let index = 0; index < count; index += 40) {
    const operation = operations.nth(index);
    await operation.locator(".opblock-summary-control").click();
    await operation.locator(".try-out__btn").click();
    await operation.locator(".tablinks:text-is('Schema')").last().click();
  }
  for (const width of [320, 390, 767]) {
    await page.setViewportSize({ width, height: 844 });
    expect([width, await beyond(page)]).toEqual([width, []]);
  }
});

/** When the page scrolls sideways: how wide it is, and what reaches past its right edge. */
function beyond(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("body *")]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 1)
      .map((element) => element.outerHTML.slice(0, 80));
    return ["the page is " + scrollWidth + " wide", ...wide].slice(0, 12);
  })()`);
}
