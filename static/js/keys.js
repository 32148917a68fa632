/* Keys of one letter. They rest while somebody types, and where the viewer turned them off. */

import { answer } from "./answers.js";
import { one, root } from "./dom.js";
import { chosen, move } from "./inbox.js";

/* Esc: close what is open, else to the list, else back. */
function back() {
  const open = one("details.answer[open], details.menu[open], details.due[open]");
  if (open) {
    open.open = false;
    one("summary", open).focus();
  } else if (one("#rows")) {
    one(".row-link", chosen() ?? document.body)?.focus();
  } else if (one('[data-do="back"]')) {
    one('[data-do="back"]').click();
  } else {
    document.activeElement?.blur();
  }
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  a: () => answer("accept"),
  r: () => answer("reject"),
  c: () => answer("convert"),
  t: () => answer("touch"),
  z: () => one("#toasts [data-undo]")?.requestSubmit(),
  ".": () => one('[data-do="new"]')?.click(),
  "/": () => one("#search")?.select(),
  "?": () => one("#keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  if (event.key === "Escape") return back();
  if (event.target.closest('input:not([type="radio"], [type="checkbox"]), textarea, select')) return;
  if (root.dataset.keys !== "on" || event.repeat && !"jk".includes(event.key)) return;
  const press = keys[event.key];
  if (!press) return;
  event.preventDefault();
  press();
});
