// Which experiments are looked at.

import { byId, h, redraw as show } from "./dom.js";
import { shortened } from "./numbers.js";
import { view } from "./view.js";

let have = [];

/** Draws the list; `set` is called with the chosen ids. */
export function drawExperiments(experiments, set) {
  have = experiments;
  const names = have.filter((e) => view.experiments.includes(e.id)).map((e) => e.name);
  const text = names.length === 0 ? "choose experiments" : names.length === 1 ? shortened(names[0], 40) : `${names.length} experiments`;
  const find = h("input", { type: "search", placeholder: "find an experiment", "aria-label": "find an experiment", value: byId("experiments").querySelector("input[type=search]")?.value ?? "",
    oninput: (event) => narrow(event.target.value) });
  const pick = (id, on) => set(on ? [...view.experiments, id] : view.experiments.filter((each) => each !== id));
  const item = (e) => h("label", { "data-name": e.name.toLowerCase(), title: e.name },
    h("input", { type: "checkbox", value: e.id, checked: view.experiments.includes(e.id), onchange: (event) => pick(e.id, event.target.checked) }),
    h("span", {}, e.name));
  const every = h("button", { type: "button", onclick: () => set(have.map((e) => e.id)) }, "all");
  const none = h("button", { type: "button", onclick: () => set([]) }, "none");
  show(byId("experiments"), h("summary", {}, text),
    h("div", { class: "list" }, have.length > 6 ? find : null, h("p", {}, every, none), have.map(item),
      have.length ? null : h("p", {}, "this store has no experiments yet")));
  narrow(find.value);
}

function narrow(text) {
  for (const label of document.querySelectorAll("#experiments label")) label.hidden = !label.dataset.name.includes(text.toLowerCase());
}
