// Which of very many runs are drawn as curves: ten thousand lines hide each other, and a redraw of all took .2 s.

const MOST = 1000;

/** The runs to draw as curves, all of them up to a thousand; `runs` come by size, `chosen` is the id of the run looked at. */
export function withCurves(runs, chosen) {
  if (runs.length <= MOST) return new Set(runs);
  const looked = runs.filter((run) => run.id === chosen), running = runs.filter((run) => run.state === "RUNNING");
  return new Set([...looked, ...spread(running, 0.3 * MOST), ...spread(undercut(runs), 0.3 * MOST), ...spread(runs, 0.4 * MOST)]);
}

/** At most so many of them, evenly from first to last. */
const spread = (runs, most) => (runs.length <= most ? runs : Array.from({ length: most }, (_, i) => runs[Math.floor((i * runs.length) / most)]));

/** The runs that none of less compute undercuts: what the picture is about. */
function undercut(runs) {
  let least = Infinity;
  return [...runs].sort((a, b) => a.flops - b.flops).filter((run) => run.loss < least && ((least = run.loss), true));
}
