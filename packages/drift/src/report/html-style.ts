/** The style of the page, filters included: they are check boxes that the style looks at, so that it runs no script. */

export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8d8de, #3c3c44); --soft: light-dark(#5c5c66, #a6a6b0);
  --ground: light-dark(#fff, #18181b); --card: light-dark(#fafafb, #202024);
  --critical: light-dark(#c01c28, #ff7b72); --major: light-dark(#a05a00, #e3a34b); --minor: light-dark(#1a6ea8, #6cb6ff); }
:root:has(#light:checked) { color-scheme: light; } :root:has(#dark:checked) { color-scheme: dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; background: var(--ground); }
header { display: flex; flex-wrap: wrap; gap: .25rem 2rem; justify-content: space-between; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; } p { margin: .25rem 0; color: var(--soft); }
form { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin: 1rem 0; padding: .5rem 0; position: sticky; top: 0; background: var(--ground);
  border-bottom: 1px solid var(--line); z-index: 1; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .75rem; } legend { float: left; margin-right: .75rem; color: var(--soft); }
label { white-space: nowrap; cursor: pointer; } label small { color: var(--soft); }
article { border: 1px solid var(--line); border-left-width: 5px; border-radius: 6px; margin: 1rem 0; padding: .75rem 1rem; background: var(--card); }
article.critical { border-left-color: var(--critical); } article.major { border-left-color: var(--major); } article.minor { border-left-color: var(--minor); }
b.critical { color: var(--critical); } b.major { color: var(--major); } b.minor { color: var(--minor); }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: .5rem 1rem; }
figure { margin: .5rem 0 0; min-width: 0; } figcaption { font-size: .8rem; color: var(--soft); }
pre { overflow-x: auto; margin: 0; font: .85rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.lines pre { white-space: pre; } ins { background: light-dark(#c9f2cf, #204a2a); text-decoration: none; } del { background: light-dark(#ffd3d0, #5a2523); text-decoration: none; }
@media print { form { display: none; } article { break-inside: avoid; } }`;

/** What is not ticked is not shown. @param ids of boxes, and what each is about. */
export function filterRules(boxes: { id: string; about: string }[]): string {
  return boxes
    .map(({ id, about }) => `body:has(#${id}:not(:checked)) ${about} { display: none; }`)
    .join("\n");
}
