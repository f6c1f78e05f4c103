// What the loss chart can be drawn against: each axis with its label, how its numbers are written, and where it is found in a course.

import { compute, count, duration, scientific } from "./numbers.js";

export const PF_DAY = 8.64e19;
const pfDays = (item) => item.c.map((c) => (c === null ? null : c / PF_DAY));

export const AXES = {
  pf_days: { name: "PF-days", label: "training compute (PF-days)", format: compute, of: pfDays },
  flops: { name: "FLOPs", label: "training compute (FLOPs)", format: scientific, of: (item) => item.c },
  tokens: { name: "tokens", label: "training tokens", format: count, of: (item) => item.x },
  params: { name: "parameters", label: "parameters", format: count, of: (item) => item.x.map(() => item.run.params) },
  step: { name: "steps", label: "steps", format: count, of: (item) => item.s },
  epoch: { name: "epochs", label: "epochs", format: count, of: (item) => item.e },
  clock: { name: "wall clock", label: "wall clock since the start of the run", format: duration, of: (item) => item.t },
};
