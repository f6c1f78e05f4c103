// Colours: of the page's theme, and of model sizes (the report's cut through viridis, smallest model first).

const VIRIDIS = (
  "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e 297a8e 26828e 23898e 21918c " +
  "1f988b 1fa088 22a785 28ae80 32b67a 3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725"
).split(" ");
const CUT = { light: [0.8, 0.03], dark: [0.3, 0.98] };
const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** Calls `draw` whenever the system changes between light and dark. */
export const onTheme = (draw) => dark.addEventListener("change", draw);

let look = null;
onTheme(() => { look = null; }); // before those who draw by it

/** {paper, ink, muted, grid, accent} as the style sheet has them. */
export function theme() {
  return (look ??= read());
}

function read() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "ink", "muted", "grid", "accent"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** A function from N to its colour, by log N between the smallest and largest of `sizes`; unknown sizes are muted. */
export function bySize(sizes) {
  const known = sizes.filter((n) => n > 0).map(Math.log);
  const low = known.reduce((a, b) => Math.min(a, b), Infinity), high = known.reduce((a, b) => Math.max(a, b), -Infinity);
  const muted = theme().muted;
  return (n) => (n > 0 ? shade(high > low ? (Math.log(n) - low) / (high - low) : 1) : muted);
}

const COMPARED = { light: "0b5fa5 17795a 8a3ea8 7a5c00 b0255c 0a6e8a 3f6b12 5b5f66".split(" "), dark: "6db6f2 5fd0a5 cf9be8 e0bf4f f58ab0 58c4d8 a9d36c b4bac4".split(" ") };

/** Colours of runs that are compared: distinguishable, at least 3 to 1 on the ground, and none that of the law. */
export const palette = () => COMPARED[dark.matches ? "dark" : "light"].map((hex) => `#${hex}`);

const SHADES = 256;
let shades = []; // mixed once: thousands of runs are coloured at every redraw
onTheme(() => { shades = []; });

/** The colour of a share from 0 (smallest) to 1 (largest). */
export function shade(share) {
  const i = Math.round(share * (SHADES - 1));
  return (shades[i] ??= mixed(i / (SHADES - 1)));
}

function mixed(share) {
  const [small, large] = CUT[dark.matches ? "dark" : "light"];
  const place = (small + (large - small) * share) * (VIRIDIS.length - 1);
  const left = Math.floor(place), right = Math.min(left + 1, VIRIDIS.length - 1);
  const channels = [0, 2, 4].map((i) => {
    const [a, b] = [left, right].map((k) => parseInt(VIRIDIS[k].slice(i, i + 2), 16));
    return Math.round(a + (b - a) * (place - left)).toString(16).padStart(2, "0");
  });
  return `#${channels.join("")}`;
}
