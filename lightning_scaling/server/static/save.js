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
