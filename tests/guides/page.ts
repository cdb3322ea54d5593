/** A page of the guides on Tenantry's own origin: its browser, and its modules. */
import { type Browser, createBrowser } from "./browser.ts";
import { type Client, type Guides, openGuides } from "./guide.ts";

const realFetch = globalThis.fetch;

export type Page = Pick<Guides, "load"> & {
  browser: Browser;
  client(): Promise<Client>;
  /** Loads the page anew, at a link of a mail or where it was. */
  go(link?: string): void;
  /** Takes the page away, and its globals. */
  close(): void;
};

/** Takes the place of `fetch` and `location` until it is closed. */
export function openPage(tenantry: string): Page {
  const guides = openGuides(tenantry);
  const browser = createBrowser(tenantry);
  globalThis.fetch = browser.fetch;
  Object.assign(globalThis, { location: new URL(tenantry) });
  return {
    browser,
    load: guides.load,
    client: () => guides.load<Client>("client.ts"),
    go(link) {
      if (link !== undefined) Object.assign(globalThis, { location: new URL(link) });
      guides.reload();
    },
    close() {
      globalThis.fetch = realFetch;
      Reflect.deleteProperty(globalThis, "location");
      guides.remove();
    },
  };
}

/** The link of a mail's text. */
export function linkIn({ text }: { text: string }): string {
  return /http\S+#token=\S+/.exec(text)?.[0] ?? "";
}
