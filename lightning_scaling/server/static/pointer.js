// What the pointer does over a chart: shows the nearest run, chooses it, enlarges a part.

import { h, s, show } from "./dom.js";
import { theme } from "./colours.js";
import { pathData } from "./marks.js";

const NEAR = 24; // pixels

export function pickable(state, hover, click) {
  const { host } = state;
  let from = null;
  const place = (event) => {
    const box = host.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  host.addEventListener("pointerdown", (event) => { if (event.button === 0) from = place(event); });
  host.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (from && distance(from, at) > 6) return frame(state, from, at);
    if (hover) point(state, at, hover);
  });
  host.addEventListener("pointerleave", () => { from = null; leave(state); });
  host.addEventListener("pointerup", (event) => {
    const at = place(event);
    if (from && distance(from, at) > 6) enlarge(state, from, at);
    else if (from && click) { const found = nearest(state, at); if (found) click(found.run); }
    from = null;
  });
  host.addEventListener("dblclick", () => {
    const zoomed = state.picture?.zoom ?? state.zoom;
    state.whole = !zoomed && !state.whole;
    if (zoomed) state.enlarge(null);
    else state.draw();
  });
}

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** {run, mark, index, at} of the point nearest to the pointer among the marks that belong to a run. */
export function nearest(state, [px, py]) {
  let best = null, least = NEAR * NEAR;
  for (const mark of state.picture?.marks ?? []) {
    if (mark.run === undefined) continue;
    for (let i = 0; i < mark.x.length; i++) {
      const dx = state.x.at(mark.x[i]) - px;
      if (dx > NEAR || dx < -NEAR) continue;
      const dy = state.y.at(mark.y[i]) - py, far = dx * dx + dy * dy;
      if (far < least) { least = far; best = { run: Array.isArray(mark.run) ? mark.run[i] : mark.run, mark, index: i }; }
    }
  }
  return best && { ...best, at: [state.x.at(best.mark.x[best.index]), state.y.at(best.mark.y[best.index])] };
}

/** Shows the tip for the point nearest to a place; where none is near, what `hover` says of the place itself. */
export function point(state, at, hover) {
  if (!state.picture || state.picture.empty || !state.x) return leave(state);
  const found = nearest(state, at), lines = hover(found, at);
  state.host.classList.toggle("on-run", found !== null);
  if (!lines.length) return leave(state);
  outline(state, found, at);
  show(state.tip, lines.map((line, i) => h(i ? "div" : "b", {}, line)));
  state.tip.hidden = false;
  const { width } = state.size, wide = state.tip.offsetWidth, high = state.tip.offsetHeight, [x, y] = found?.at ?? at;
  const left = x + 14 + wide < width ? x + 14 : x - 14 - wide;
  state.tip.style.left = `${Math.max(left, 0)}px`;
  state.tip.style.top = `${Math.max(y - high - 8, 0)}px`;
}

function outline(state, found, [px]) {
  const ink = theme().ink, { size } = state;
  const place = s("line", { x1: found?.at[0] ?? px, x2: found?.at[0] ?? px, y1: size.top, y2: size.height - size.bottom, stroke: ink, opacity: 0.35 });
  if (!found) return show(state.highlight, place);
  const d = found.mark.type === "line" ? pathData(found.mark, state.x, state.y) : "";
  show(state.highlight, place, s("path", { d, fill: "none", stroke: ink, "stroke-width": 2.5, opacity: 0.9 }),
    s("circle", { cx: found.at[0], cy: found.at[1], r: 4.5, fill: "none", stroke: ink, "stroke-width": 2 }));
}

export function leave(state) {
  state.host.classList.remove("on-run");
  state.tip.hidden = true;
  if (state.highlight) show(state.highlight);
}

function frame(state, from, at) {
  const [left, top] = [Math.min(from[0], at[0]), Math.min(from[1], at[1])];
  state.tip.hidden = true;
  show(state.highlight, s("rect", {
    x: left, y: top, width: Math.abs(at[0] - from[0]), height: Math.abs(at[1] - from[1]), fill: theme().accent, opacity: 0.15 }));
}

function enlarge(state, from, at) {
  const xs = [from[0], at[0]].sort((a, b) => a - b).map(state.x.back), ys = [from[1], at[1]].sort((a, b) => b - a).map(state.y.back);
  state.enlarge({ x: xs, y: ys });
}
