// What a chart is made of (lines, bands, dots), traced with a pen: onto the canvas, which is fast, or into SVG path data for a saved picture.
//
// {type: "line", x, y, colour, width?, dash?, alpha?, run?} · {type: "band", x, low, high, colour, alpha?}
// {type: "dot", x: [..], y: [..], colour, size?, hollow?, shape?: "triangle", run?}

const SEEN = 2.5; // pixels: a line's points nearer than this are left out, which halves the drawing of a thousand runs

const shown = (value, axis) => value !== null && Number.isFinite(value) && (axis.kind !== "log" || value > 0);

/** Moves a pen {moveTo, lineTo, closePath, circle} along a mark between two scales. */
function trace(mark, x, y, pen) {
  if (mark.type === "band") return traceBand(mark, x, y, pen);
  if (mark.type === "dot") return traceDots(mark, x, y, pen);
  let down = false, left = 0, above = 0;
  for (let i = 0; i < mark.x.length; i++) {
    if (!shown(mark.x[i], x) || !shown(mark.y[i], y)) { down = false; continue; }
    const px = x.at(mark.x[i]), py = y.at(mark.y[i]);
    if (!down) pen.moveTo(px, py);
    else if (Math.abs(px - left) + Math.abs(py - above) < SEEN && i < mark.x.length - 1) continue;
    else pen.lineTo(px, py);
    [down, left, above] = [true, px, py];
  }
}

function traceBand(mark, x, y, pen) {
  const kept = mark.x.map((_, i) => i).filter((i) => shown(mark.x[i], x) && shown(mark.low[i], y) && shown(mark.high[i], y));
  if (kept.length < 2) return;
  kept.forEach((i, k) => (k ? pen.lineTo(x.at(mark.x[i]), y.at(mark.low[i])) : pen.moveTo(x.at(mark.x[i]), y.at(mark.low[i]))));
  kept.reverse().forEach((i) => pen.lineTo(x.at(mark.x[i]), y.at(mark.high[i])));
  pen.closePath();
}

function traceDots(mark, x, y, pen) {
  for (let i = 0; i < mark.x.length; i++) {
    if (!shown(mark.x[i], x) || !shown(mark.y[i], y)) continue;
    const px = x.at(mark.x[i]), py = y.at(mark.y[i]), r = mark.size ?? 3;
    if (mark.shape !== "triangle") { pen.circle(px, py, r); continue; }
    pen.moveTo(px, py); // its tip on the curve
    pen.lineTo(px - r, py - 1.6 * r);
    pen.lineTo(px + r, py - 1.6 * r);
    pen.closePath();
  }
}

/** How a mark is inked: {stroke, fill, width, dash, alpha}. */
export function ink(mark) {
  if (mark.type === "band") return { fill: mark.colour, alpha: mark.alpha ?? 0.15 };
  if (mark.type === "dot") return mark.hollow ? { stroke: mark.colour, width: 1.5, alpha: 1 } : { fill: mark.colour, alpha: mark.alpha ?? 1 };
  return { stroke: mark.colour, width: mark.width ?? 1.5, dash: mark.dash, alpha: mark.alpha ?? 1 };
}

/** A mark as SVG path data. */
export function pathData(mark, x, y) {
  let d = "";
  const at = (value) => Math.round(value * 10) / 10;
  trace(mark, x, y, {
    moveTo: (px, py) => { d += `M${at(px)} ${at(py)}`; },
    lineTo: (px, py) => { d += `L${at(px)} ${at(py)}`; },
    closePath: () => { d += "Z"; },
    circle: (px, py, r) => { d += `M${at(px - r)} ${at(py)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`; },
  });
  return d;
}

/** Draws marks on a canvas, one over the other; dots of one look that follow each other at once, which takes half as long. */
export function paint(context, marks, x, y) {
  context.circle = (px, py, r) => { context.moveTo(px + r, py); context.arc(px, py, r, 0, 2 * Math.PI); };
  for (let i = 0, next; i < marks.length; i = next) {
    for (next = i + 1; next < marks.length && alike(marks[i], marks[next]); next++);
    apply(context, marks.slice(i, next), x, y);
  }
}

const alike = (a, b) => a.type === "dot" && b.type === "dot" && a.colour === b.colour && !a.hollow && !b.hollow && (a.alpha ?? 1) === 1 && (b.alpha ?? 1) === 1;

function apply(context, marks, x, y) {
  const { stroke, fill, width, dash, alpha } = ink(marks[0]);
  context.beginPath();
  for (const mark of marks) trace(mark, x, y, context);
  context.globalAlpha = alpha;
  if (fill) { context.fillStyle = fill; context.fill(); }
  if (!stroke) return;
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.setLineDash(dash ?? []);
  context.stroke();
}
