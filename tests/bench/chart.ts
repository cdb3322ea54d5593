/**
 * How far each ratio is on its way to its goal, as a picture: all goals are on one line. By hand, for a chart library would
 * be larger than the bench.
 */
import type { Ratio } from "./measure.ts";

const WIDTH = 760;
const LABEL = 350;
/** Where the goals are. */
const GOAL = 600;
/** Where bars end that went further. */
const END = 660;
const LINE = 26;
const TOP = 34;

/** An SVG that can be read on light and on dark pages. A ratio without a goal is held against 1. */
export function toChart(ratios: readonly Ratio[]): string {
  const height = TOP + ratios.length * LINE + 8;
  const bars = ratios.map((ratio, at) => bar(ratio, TOP + at * LINE));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="The ratios of Tenantry's rate to those of others, on their way to the goals">
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .met { fill: #0a7f5a; } .short { fill: #b35900; } .goal { stroke: #1f2328; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .met { fill: #3fb98b; } .short { fill: #e0913c; } .goal { stroke: #e6edf3; }
  }
</style>
<text x="${LABEL}" y="18">Tenantry's rate to that of …</text>
<text x="${GOAL}" y="18" text-anchor="middle">goal</text>
${bars.join("\n")}
<line class="goal" x1="${GOAL}" x2="${GOAL}" y1="${TOP - 8}" y2="${height - 4}"/>
</svg>
`;
}

function bar({ key, against, ratio, goal = 1 }: Ratio, y: number): string {
  const width = Math.min(Math.max(ratio, 0) / goal, (END - LABEL) / (GOAL - LABEL));
  const end = Math.round(LABEL + width * (GOAL - LABEL));
  return [
    `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escaped(`${key} / ${against}`)}</text>`,
    `<rect class="${ratio >= goal ? "met" : "short"}" x="${LABEL}" y="${y}" width="${end - LABEL}" height="18" rx="2"/>`,
    `<text x="${end + 6}" y="${y + 13}">${ratio.toFixed(2)} of ${goal}</text>`,
  ].join("");
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
