/** The ratios as a picture: one bar each, its goal a stroke. By hand, for a chart library would be larger than the bench. */
import type { Ratio } from "./measure.ts";

const WIDTH = 720;
const LABEL = 300;
const LINE = 26;
const TOP = 34;
/** Left of the right edge, for the number. */
const NUMBER = 60;
/** Of the scale: bars beyond it are cut off, and their number says how long they were. */
const LONGEST = 2;

/** An SVG that can be read on light and on dark pages. */
export function toChart(ratios: readonly Ratio[]): string {
  const height = TOP + ratios.length * LINE + 8;
  const bars = ratios.map((ratio, at) => bar(ratio, TOP + at * LINE));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Tenantry's rate to that of others, and the goals">
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .bar { fill: #0a7f5a; } .short { fill: #b35900; } .goal { stroke: #1f2328; stroke-width: 2; } .even { stroke: #8c959f; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .bar { fill: #3fb98b; } .short { fill: #e0913c; } .goal { stroke: #e6edf3; } .even { stroke: #6e7681; }
  }
</style>
<text x="${LABEL}" y="18">Tenantry's requests a second to those of …; | is the goal</text>
<line class="even" x1="${xOf(1)}" x2="${xOf(1)}" y1="${TOP - 6}" y2="${height - 4}"/>
${bars.join("\n")}
</svg>
`;
}

function bar({ key, against, ratio, goal }: Ratio, y: number): string {
  const shown = ratio.toFixed(2);
  const end = xOf(ratio);
  const aim = goal === undefined ? end : xOf(goal);
  return [
    `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escaped(`${key} / ${against}`)}</text>`,
    `<rect class="${goal === undefined || ratio >= goal ? "bar" : "short"}" x="${LABEL}" y="${y}" width="${end - LABEL}" height="18" rx="2"/>`,
    goal === undefined
      ? ""
      : `<line class="goal" x1="${aim}" x2="${aim}" y1="${y - 2}" y2="${y + 20}"/>`,
    `<text x="${Math.max(end, aim) + 6}" y="${y + 13}">${shown}</text>`,
  ].join("");
}

function xOf(ratio: number): number {
  const share = Math.min(Math.max(ratio, 0), LONGEST) / LONGEST;
  return Math.round(LABEL + share * (WIDTH - LABEL - NUMBER));
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
