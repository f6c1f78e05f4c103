// From numbers to pixels, linear or logarithmic, with the ticks in between.

/** {kind, domain, range, at(value) → pixel, back(pixel) → value, ticks(most)}; `range` may run downwards. */
export function scale(kind, domain, range) {
  const into = kind === "log" ? Math.log : (v) => v;
  const out = kind === "log" ? Math.exp : (v) => v;
  const [low, high] = domain.map(into);
  const slope = (range[1] - range[0]) / (high - low || 1);
  return {
    kind, domain, range,
    at: (value) => range[0] + (into(value) - low) * slope,
    back: (pixel) => out(low + (pixel - range[0]) / slope),
    ticks: (most) => (kind === "log" ? logTicks(domain, most) : linearTicks(domain, most)),
  };
}

/** The smallest interval that holds the values of all columns, a little wider; those a log axis cannot show are left out. */
export function extent(columns, kind, margin = 0.04) {
  let low = Infinity, high = -Infinity;
  for (const values of columns) {
    for (const value of values) {
      if (value === null || !Number.isFinite(value) || (kind === "log" && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return kind === "log" ? [0.1, 10] : [0, 1];
  if (low === high) return kind === "log" ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  if (kind !== "log") return [low - margin * (high - low), high + margin * (high - low)];
  const wide = (high / low) ** margin;
  return [low / wide, high * wide];
}

function linearTicks([low, high], most) {
  const step = niceStep((high - low) / most);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= rough * 0.999);
}

/** Powers of ten, thinned; within few decades 1, 2, 5 of each; within less than half a decade even steps. */
function logTicks([low, high], most) {
  const decades = Math.log10(high / low);
  if (decades < 0.5) return linearTicks([low, high], most);
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const of = (digits) => {
    const ticks = [];
    for (let e = first; e <= last; e++) for (const d of digits) ticks.push(Number(`${d}e${e}`));
    return ticks.filter((tick) => tick >= low && tick <= high);
  };
  const digits = [[1, 1.5, 2, 3, 4, 5, 6, 8], [1, 2, 3, 5], [1, 3], [1]].find((d) => of(d).length <= most) ?? [1];
  const ticks = of(digits), stride = Math.ceil(ticks.length / most);
  return ticks.filter((_, i) => i % stride === 0);
}
