// One chart: marks on a canvas, axes and words above it in SVG, the nearest run found under the pointer, a part enlarged by dragging.

import { onTheme, theme } from "./colours.js";
import { axes, colourBar, grid, words } from "./axes.js";
import { s, show } from "./dom.js";
import { ink, paint, pathData } from "./marks.js";
import { keyboard } from "./keyboard.js";
import { pickable } from "./pointer.js";
import { extent, scale } from "./scale.js";

const MARGIN = { left: 58, right: 18, top: 14, bottom: 44 };

/**
 * A chart in `host`. `draw(picture)` shows {x: {kind, label, format}, y: {…}, marks, words?, empty?};
 * options: hover(nearest point or null, pixels) → lines of text for the tip, click(run), zoomed({x, y} or null): a part was enlarged.
 */
export function chart(host, { hover = null, click = null, zoomed = null } = {}) {
  const behind = s("svg", { "aria-hidden": "true" }), canvas = document.createElement("canvas"), overlay = s("svg", { class: "overlay", role: "img" });
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  host.append(behind, canvas, overlay, tip);
  const state = { host, behind, canvas, overlay, tip, picture: null, zoom: null, found: null, x: null, y: null };
  state.draw = (picture) => { if (picture) state.picture = picture; render(state); };
  state.enlarge = (zoom) => { if (zoomed) return zoomed(zoom); state.zoom = zoom; state.draw(); };
  new ResizeObserver(() => render(state)).observe(host);
  onTheme(() => requestAnimationFrame(() => render(state)));
  pickable(state, hover, click);
  if (click) keyboard(state, hover, click);
  return state;
}

function render(state) {
  const { host, picture } = state;
  const width = host.clientWidth, height = host.clientHeight;
  if (!picture || !width || !height) return;
  const look = theme();
  state.size = { width, height, ...MARGIN, ...picture.margin };
  fit(state);
  onCanvas(state);
  for (const svg of [state.behind, state.overlay]) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  show(state.behind, picture.empty ? null : grid(state, look));
  state.overlay.setAttribute("aria-label", `${picture.y.label} against ${picture.x.label}`);
  state.highlight = s("g", { class: "highlight" });
  const bar = picture.bar && colourBar(picture.bar, width - state.size.right - 6, state.size.top + 10, look);
  show(state.overlay, picture.empty ? null : axes(state, look), words(state, look), bar, state.highlight);
  host.dataset.x = picture.x.label;
  host.dataset.y = picture.y.label;
  host.dataset.marks = picture.marks.length;
}

/** Scales over all values of the marks, or over the part that was enlarged. */
function fit(state) {
  const { picture, size } = state, zoom = picture.zoom ?? state.zoom;
  const columns = (...names) => picture.marks.filter((m) => !m.outside).flatMap((mark) => names.map((name) => mark[name] ?? []));
  const x = zoom?.x ?? extent(columns("x"), picture.x.kind, 0.02);
  const y = zoom?.y ?? extent(columns("y", "low", "high"), picture.y.kind);
  if (picture.focus && !zoom && !state.whole) {
    x[0] = Math.max(x[0], picture.focus.x);
    y[1] = Math.min(y[1], picture.focus.y);
  }
  state.x = scale(picture.x.kind, x, [size.left, size.width - size.right]);
  state.y = scale(picture.y.kind, y, [size.height - size.bottom, size.top]);
}

function onCanvas({ canvas, size, picture, x, y }) {
  const sharp = Math.max(window.devicePixelRatio || 1, 1);
  canvas.width = Math.round(size.width * sharp);
  canvas.height = Math.round(size.height * sharp);
  const context = canvas.getContext("2d");
  context.scale(sharp, sharp);
  context.lineJoin = "bevel";
  context.beginPath();
  context.rect(size.left, size.top - 4, size.width - size.left - size.right + 4, size.height - size.top - size.bottom + 8);
  context.clip();
  paint(context, picture.marks, x, y);
}

/** The chart as one SVG document that needs nothing else. */
export function asSvg({ picture, x, y, size, behind, overlay }) {
  const look = theme(), { width, height } = size;
  const clip = s("clipPath", { id: "inside" }, s("rect", {
    x: size.left, y: size.top - 4, width: width - size.left - size.right + 4, height: height - size.top - size.bottom + 8 }));
  const drawn = picture.marks.map((mark) => {
    const { stroke, fill, width: wide, dash, alpha } = ink(mark);
    return s("path", { d: pathData(mark, x, y), fill: fill ?? "none", stroke: stroke ?? "none", "stroke-width": wide,
      "stroke-dasharray": dash?.join(" "), opacity: alpha, "stroke-linejoin": "round" });
  });
  const above = overlay.cloneNode(true);
  above.querySelectorAll(".highlight").forEach((each) => each.remove());
  const svg = s("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` },
    s("defs", {}, clip), s("rect", { width, height, fill: look.paper }),
    [...behind.cloneNode(true).childNodes],
    s("g", { "clip-path": "url(#inside)" }, drawn), [...above.childNodes]);
  return new XMLSerializer().serializeToString(svg);
}
