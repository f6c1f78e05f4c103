// Elements made from data. Text goes in as text nodes and values as attributes: nothing a user wrote is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** An HTML element: h("p", {class: "lead", onclick: f}, "text", child, …). */
export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

/** An SVG element, in the same way. */
export const s = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

/** Puts new children in place of the old; the focus stays on the element of the same place and kind. */
export function show(element, ...children) {
  const path = pathTo(element, document.activeElement);
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  if (path) refocus(element, path);
}

const named = (element) => element.id || element.dataset.focus || "";

/** [name, tag, [index, …]] of the focused element within another; null where it is elsewhere. */
export function pathTo(element, focused) {
  if (!focused || focused === element || !element.contains(focused)) return null;
  const steps = [];
  for (let at = focused; at !== element; at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
  return [named(focused), focused.tagName, steps];
}

export function refocus(element, [name, tag, steps]) {
  const same = name && [...element.querySelectorAll(tag)].find((each) => named(each) === name);
  const there = same || (!name && steps.reduce((at, i) => at?.children[i], element));
  if (there?.tagName === tag) there.focus({ preventScroll: true });
}

/** Draws again what somebody may be using: like `show`, but what has not changed stays the same elements, so that a click that has begun
 * ends on them; open details stay open, what was scrolled stays there, the focus stays on its element. */
export function redraw(element, ...children) {
  const fresh = children.flat(Infinity).filter((child) => child !== null && child !== undefined)
    .map((child) => (child instanceof Node ? child : document.createTextNode(child)));
  const focused = document.activeElement, path = pathTo(element, focused), scrolled = inside(element, ".scroll").map((each) => each.scrollTop);
  const open = inside(element, "details").filter((each) => each.open).map(called);
  for (const each of fresh.flatMap((child) => inside(child, "details"))) if (open.includes(called(each))) each.open = true;
  fresh.forEach((child, i) => put(element, child, i, fresh));
  while (element.childNodes.length > fresh.length) element.lastChild.remove();
  inside(element, ".scroll").forEach((each, i) => { if (scrolled[i]) each.scrollTop = scrolled[i]; });
  if (path && document.activeElement !== focused) refocus(element, path);
}

/** The child at its place: an equal one that is there already, or itself. */
function put(element, child, i, fresh) {
  const old = [...element.childNodes].slice(i), kept = old.findIndex((each) => each === child || (!fresh.includes(each) && same(each, child)));
  if (kept >= 0) return old.slice(0, kept).forEach((each) => { if (!wanted(each, fresh, i)) each.remove(); });
  if (old.length && !wanted(old[0], fresh, i)) old[0].replaceWith(child);
  else element.insertBefore(child, old[0] ?? null);
}

const wanted = (old, fresh, i) => fresh.includes(old) || fresh.slice(i + 1).some((later) => same(old, later));

/** Equal in markup, and in what was typed or ticked. */
function same(a, b) {
  if (!a.isEqualNode(b)) return false;
  const of = inside(b, "input, select");
  return inside(a, "input, select").every((each, i) => each.value === of[i].value && each.checked === of[i].checked);
}

const called = (details) => details.id || details.className;
const inside = (node, selector) => (node instanceof Element ? [...(node.matches(selector) ? [node] : []), ...node.querySelectorAll(selector)] : []);

/** A table with a head; cells are text or elements, columns named in `words` are aligned left. */
export function table(head, rows, words = [0]) {
  const cell = (tag, value, i) => h(tag, { class: words.includes(i) ? "words" : null }, value ?? "–");
  const line = (tag, values) => h("tr", {}, values.map((value, i) => cell(tag, value, i)));
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, line("th", head)), h("tbody", {}, rows.map((r) => line("td", r)))));
}

/** A menu that opens below its word. */
export const menu = (id, words, content) => h("details", { class: "menu", id }, h("summary", {}, words), h("div", {}, content));

/** A button that is pressed or not; `set` is called with whether it is to be. */
export const toggle = (words, on, set) => h("button", { type: "button", class: "toggle", "aria-pressed": String(on), "data-focus": words, onclick: () => set(!on) }, words);
