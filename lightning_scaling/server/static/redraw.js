// Drawing again what somebody may be using: what has not changed stays the same elements, so that a click that has begun ends on them.

import { pathTo, refocus } from "./dom.js";

/** Like `show`; open details stay open, what was scrolled stays there, the focus stays on its element. */
export function redraw(element, ...children) {
  const fresh = children.flat(Infinity).filter((child) => child !== null && child !== undefined)
    .map((child) => (child instanceof Node ? child : document.createTextNode(child)));
  const focused = document.activeElement, path = pathTo(element, focused), scrolled = inside(element, ".scroll").map((each) => each.scrollTop);
  const open = inside(element, "details").filter((each) => each.open).map(named);
  for (const each of fresh.flatMap((child) => inside(child, "details"))) if (open.includes(named(each))) each.open = true;
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

const named = (details) => details.id || details.className;
const inside = (node, selector) => (node instanceof Element ? [...(node.matches(selector) ? [node] : []), ...node.querySelectorAll(selector)] : []);
