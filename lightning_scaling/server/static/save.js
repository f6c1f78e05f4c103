// A chart as a file: SVG as it is drawn, PNG at twice its size.

import { asSvg } from "./chart.js";
import { h } from "./dom.js";

function give(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const svgBlob = (chart) => new Blob([asSvg(chart)], { type: "image/svg+xml" });

export const saveSvg = (chart, name) => give(svgBlob(chart), `${name}.svg`);

export async function savePng(chart, name) {
  const address = URL.createObjectURL(svgBlob(chart));
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  const canvas = h("canvas", { width: 2 * chart.size.width, height: 2 * chart.size.height });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  canvas.toBlob((blob) => give(blob, `${name}.png`), "image/png");
}

/** A cell of a CSV file; a name that a spreadsheet would take for a formula is kept from being one, as in the files of the server. */
export function cell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  const text = String(value), safe = typeof value === "string" && /^\s*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The curves on show, point by point, as they are drawn. */
export function saveShown({ picture }, runs) {
  const known = new Set(runs.map((run) => run.id)), head = ["run_id", "name", picture.x.label, picture.y.label, "low", "high"], rows = [];
  for (const mark of picture.marks.filter((each) => each.run && each.type === "line" && each.x.length > 1)) {
    const id = known.has(mark.run.id) ? mark.run.id : "";
    mark.x.forEach((x, i) => rows.push([id, mark.run.name, x, mark.y[i], mark.low?.[i], mark.high?.[i]]));
  }
  const lines = [head, ...rows].map((row) => row.map(cell).join(","));
  give(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }), "scaling-shown.csv");
}
