// How a number is written, in the same words as the report: 1.3M parameters, 6.94e-8 PF-days, a loss of 2.311.

const LETTERS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];
const ABSENT = "–";
const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
const signed = (text) => text.replace(/^-/, "−"); // an exponent keeps its hyphen, as programs read it
const three = (value) => signed(String(Number(value.toPrecision(3))));

export function count(value) {
  if (!known(value)) return ABSENT;
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) >= 1e15) return scientific(rounded);
  const found = LETTERS.find(([size]) => Math.abs(rounded) >= size);
  return found ? three(rounded / found[0]) + found[1] : three(rounded);
}

export function scientific(value) {
  if (!known(value)) return ABSENT;
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(2).split("e");
  return signed(`${mantissa.replace(/\.?0+$/, "")}e${Number(exponent)}`);
}

/** Compute in PF-days: plain where that is short. */
export function compute(value) {
  return known(value) && Math.abs(value) >= 0.00999 && Math.abs(value) < 9995 ? three(value) : scientific(value);
}

/** A whole number with its thousands apart: 10 000. */
export const thousands = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u00a0");

/** A loss on an axis: no zeros behind. */
export const tick = (value) => signed(String(Number(value.toPrecision(4))));

export function loss(value) {
  if (!known(value)) return ABSENT;
  if (value && Math.abs(value) < 0.01) return Math.abs(value) >= 1e-3 ? tick(value) : scientific(value);
  const whole = value ? Math.max(Math.floor(Math.log10(Math.abs(value))), -1) : 0;
  return Math.abs(value) < 1e5 ? signed(value.toFixed(Math.max(3 - whole, 0))) : scientific(value);
}

export function percent(share) {
  if (!known(share)) return ABSENT;
  const text = Math.abs(100 * share).toFixed(1);
  return `${Number(text) === 0 ? "" : share < 0 ? "−" : "+"}${text} %`;
}

export function between(low, high, write) {
  if (!known(low) || !known(high)) return ABSENT;
  return high > 1e4 * low && low > 0 ? "not bounded" : `${write(low)}–${write(high)}`;
}

/** A long name with its middle left out. */
export function shortened(name, most) {
  const text = [...name];
  if (text.length <= most) return name;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail).join("")}…${text.slice(-tail).join("")}`;
}

/** Seconds as people say them: 40 s, 2.5 min, 3.1 h, 12 d. */
export function duration(seconds) {
  if (!known(seconds)) return ABSENT;
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([s]) => Math.abs(seconds) >= s) ?? [1, "s"];
  return `${three(seconds / size)} ${unit}`;
}
