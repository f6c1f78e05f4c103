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
  host.addEventListener("dblclick", () => { state.whole = !state.zoom && !state.whole; state.zoom = null; state.draw(); });
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

function point(state, at, hover) {
  const found = nearest(state, at);
  if (!found) return leave(state);
  state.host.classList.add("on-run");
  outline(state, found);
  show(state.tip, hover(found.run, found).map((line, i) => h(i ? "div" : "b", {}, line)));
  state.tip.hidden = false;
  const { width } = state.size, wide = state.tip.offsetWidth, high = state.tip.offsetHeight;
  const left = found.at[0] + 14 + wide < width ? found.at[0] + 14 : found.at[0] - 14 - wide;
  state.tip.style.left = `${Math.max(left, 0)}px`;
  state.tip.style.top = `${Math.max(found.at[1] - high - 8, 0)}px`;
}

function outline(state, { mark, at }) {
  const d = mark.type === "line" ? pathData(mark, state.x, state.y) : "";
  const ink = theme().ink;
  show(state.highlight, s("path", { d, fill: "none", stroke: ink, "stroke-width": 2.5, opacity: 0.9 }),
    s("circle", { cx: at[0], cy: at[1], r: 4.5, fill: "none", stroke: ink, "stroke-width": 2 }));
}

function leave(state) {
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
  state.zoom = { x: xs, y: ys };
  state.draw();
}
