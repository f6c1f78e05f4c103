// Which of very many runs are drawn as curves: ten thousand lines hide each other, and a redraw of all took .2 s.

const MOST = 1000;

/** The runs to draw as curves, all of them up to a thousand; `runs` come by size, `chosen` is the id of the run looked at. */
export function withCurves(runs, chosen) {
  if (runs.length <= MOST) return new Set(runs);
  const wanted = runs.filter((run) => run.state === "RUNNING" || run.id === chosen).slice(0, MOST), stride = runs.length / (MOST / 2);
  const even = Array.from({ length: MOST / 2 }, (_, i) => runs[Math.floor(i * stride)]);
  return new Set([...wanted, ...undercut(runs), ...even].slice(0, MOST));
}

/** The runs that none of less compute undercuts: what the picture is about. */
function undercut(runs) {
  let least = Infinity;
  return [...runs].sort((a, b) => a.flops - b.flops).filter((run) => run.loss < least && ((least = run.loss), true));
}
