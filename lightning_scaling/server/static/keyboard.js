// The chart without a mouse: arrows walk along a curve and from run to run, Enter chooses, + and 0 enlarge and reset, Escape leaves.

import { leave, point } from "./pointer.js";
import { byId } from "./dom.js";

export function keyboard(state, hover, click) {
  const { host } = state, at = { run: 0, index: -1 };
  host.tabIndex = 0;
  host.setAttribute("role", "application");
  host.setAttribute("aria-label", "chart of the runs: arrow keys walk along a curve and from run to run, Enter chooses the run, plus enlarges, 0 shows all");
  const lines = () => state.picture?.marks.filter((mark) => mark.run && (mark.type === "line" ? mark.x.length > 1 : true)) ?? [];
  const here = () => lines()[Math.min(at.run, lines().length - 1)];

  function move(runs, points) {
    const all = lines();
    if (!all.length) return;
    at.run = (at.run + runs + all.length) % all.length;
    const mark = here(), step = Math.max(1, Math.round(mark.x.length / 20));
    at.index = at.index < 0 || runs ? mark.x.length - 1 : Math.min(Math.max(at.index + points * step, 0), mark.x.length - 1);
    const lineThere = (found) => hover(found && { ...found, mark, index: at.index, run: mark.run }, [x, y]);
    const x = state.x.at(mark.x[at.index]), y = state.y.at(mark.y[at.index]);
    point(state, [x, y], lineThere);
    byId("spoken").textContent = [...state.tip.children].slice(0, 4).map((each) => each.textContent).join(". ");
  }

  function enlarge() {
    const mark = here();
    if (!mark || at.index < 0) return;
    const [cx, cy] = [state.x.at(mark.x[at.index]), state.y.at(mark.y[at.index])], [w, t] = [state.size.width / 4, state.size.height / 4];
    state.enlarge({ x: [cx - w, cx + w].map(state.x.back), y: [cy + t, cy - t].map(state.y.back) });
  }

  const keys = { ArrowRight: () => move(0, 1), ArrowLeft: () => move(0, -1), ArrowUp: () => move(1, 0), ArrowDown: () => move(-1, 0),
    Enter: () => here() && click(here().run), Escape: () => leave(state), "+": enlarge, 0: () => state.enlarge(null) };
  host.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  host.addEventListener("blur", () => leave(state));
}
