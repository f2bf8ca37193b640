// Bars as SVG. Every number is there as a text too, and no color says anything alone.
import { html, type Markup } from "../../../../html.ts";

/** `tone` is a class of report.css. */
interface Part {
  readonly name: string;
  readonly count: number;
  readonly tone: "fail" | "unknown" | "pass" | "neutral";
}

export interface Bar {
  readonly label: string;
  readonly parts: readonly Part[];
}

const [labelWidth, barWidth, numberWidth] = [120, 200, 80];
const width = labelWidth + barWidth + numberWidth;
const [rowHeight, thickness] = [30, 18];

/** @param format what stands behind a bar */
export function drawBars(caption: string, bars: readonly Bar[], format: (bar: Bar) => string): Markup {
  const most = Math.max(1, ...bars.map(countAll));
  const height = bars.length * rowHeight;
  const alternative = bars.map(({ label, parts }) => `${label}: ${describeParts(parts)}`).join("; ");
  return html`<figure><figcaption>${caption}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${caption}. ${alternative}">
${bars.map((bar, row) => drawBar(bar, row * rowHeight, most, format))}</svg>
</figure>
`;
}

const countAll = ({ parts }: Bar): number => parts.reduce((sum, { count }) => sum + count, 0);

const describeParts = (parts: readonly Part[]): string => parts.map(({ name, count }) => `${count} ${name}`).join(", ");

function drawBar(bar: Bar, y: number, most: number, format: (bar: Bar) => string): Markup {
  const top = y + (rowHeight - thickness) / 2;
  const baseline = y + rowHeight / 2 + 4;
  const scale = (count: number): number => Math.round((count / most) * barWidth * 100) / 100;
  let x = labelWidth;
  const rectangles = bar.parts.map(({ count, tone }) => {
    const drawn = html`<rect class="${tone}" x="${x}" y="${top}" width="${scale(count)}" height="${thickness}"/>`;
    x += scale(count);
    return drawn;
  });
  return html`<text x="0" y="${baseline}">${bar.label}</text>
<rect class="track" x="${labelWidth}" y="${top}" width="${barWidth}" height="${thickness}"/>${rectangles}
<text x="${labelWidth + barWidth + 8}" y="${baseline}">${format(bar)}</text>
`;
}
