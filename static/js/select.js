/* Selected rows: boxes of the form that answers many at once. Selection goes with the lead, not with the row that is
   drawn: it survives every swap, and ends with whatever takes the row away. */

import { all, one } from "./dom.js";

const keys = new Set();
const boxes = () => all('#rows .row-pick input[name="handoff"]');
const keyOf = (box) => box.value.split(":")[0];
let last = null;

/* The values that the form sends: one a row, the hand-off and the version that was seen. */
export const selected = () => boxes().filter((box) => box.checked).map((box) => box.value);

function tell() {
  const count = selected().length;
  for (const place of all("[data-selected]")) place.textContent = String(count);
  one("#list")?.classList.toggle("is-selecting", count > 0);
  document.dispatchEvent(new CustomEvent("selection-changed", { detail: { count } }));
}

function set(box, on) {
  box.checked = on;
  if (on) keys.add(keyOf(box));
  else keys.delete(keyOf(box));
}

export function toggle(row) {
  const box = row && one(".row-pick input", row);
  if (!box) return;
  set(box, !box.checked);
  last = keyOf(box);
  tell();
}

export function clear() {
  keys.clear();
  for (const box of boxes()) box.checked = false;
  tell();
}

/* A click selects one; with Shift, all from the one before. */
document.addEventListener("click", (event) => {
  const box = event.target.closest('.row-pick input[name="handoff"]');
  if (!box) return;
  const here = boxes();
  const from = here.findIndex((each) => keyOf(each) === last);
  const to = here.indexOf(box);
  if (event.shiftKey && from >= 0) here.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => set(each, box.checked));
  else set(box, box.checked);
  last = keyOf(box);
  tell();
});

/* Rows were drawn: what was selected is selected again, and what is gone is selected no more. */
export function selectAgain() {
  if (!one("#rows")) return;
  const before = keys.size;
  const here = new Set(boxes().map(keyOf));
  for (const key of keys) if (!here.has(key)) keys.delete(key);
  for (const box of boxes()) box.checked = keys.has(keyOf(box));
  if (before) tell();
}
