/* The board: ticked rows, the sheet in which one acts on them, and what stays as it was when a part is drawn anew. */

import { all, one } from "./dom.js";

const ticked = () => all('#lanes input[name="h"]:checked');

function count() {
  const form = one("#chosen");
  if (!form) return;
  const here = ticked().length;
  form.classList.toggle("is-some", here > 0);
  one(".chosen-count", form).textContent = here ? `${here} ticked` : "";
}

function open(address) {
  /* Another element: what comes late of the sheet before is drawn into that one, never into this. */
  one("#act-sheet").replaceWith(Object.assign(document.createElement("div"), { id: "act-sheet" }));
  one("#act").showModal();
  htmx.ajax("GET", address, { source: "#act", target: "#act-sheet", swap: "innerHTML" });
}

document.addEventListener("change", (event) => {
  if (event.target.matches('#lanes input[name="h"]')) count();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-sheet]");
  if (!link || !one("#act") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.getAttribute("href"));
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-chosen]") || !one("#act")) return;
  event.preventDefault();
  if (ticked().length) open(`${event.target.getAttribute("action")}?${new URLSearchParams(new FormData(event.target))}`);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "act-sheet") return;
  one("#act-sheet .act-results") ? all('#lanes input[name="h"]').forEach((box) => (box.checked = false)) : one("#act-sheet select")?.focus();
  count();
});

/* While somebody ticks, reads a sum or fills in the sheet, nothing moves under the hand. */
export const isBusy = () => ticked().length > 0 || Boolean(one("#act[open]")) || Boolean(one("#board details[open]"));

document.addEventListener("htmx:oobAfterSwap", count);
count();
