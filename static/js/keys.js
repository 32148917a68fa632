/* Keys. Which key does what stands in the sheet of keys (`?`) and nowhere else: the listener reads it there. Single
   keys rest while somebody types, and where the viewer turned them off. */

import { answer, isAwaited } from "./answers.js";
import { all, one, root } from "./dom.js";
import { chosen, move, openChosen } from "./inbox.js";
import { isArmed, log, openLetter, sent } from "./next_move.js";
import { toggle } from "./select.js";

/* Esc: close what is open, else to the list, else back. */
function back() {
  const open = one("details.answer[open], details.filter[open], details.menu[open], details.due[open]");
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

const onLead = (what) => () => chosen() || one(`[data-answer="${what}"]`);
const answers = (what) => ({ run: () => answer(what), when: onLead(what) });

/* Undo means the newest thing only: of what has none, nothing older is taken back in its place. */
const newestUndo = () => one("#toasts .toast:first-child [data-undo]");
function undo() {
  const form = newestUndo();
  if (!form) return;
  htmx.process(form); // it may have come in this very moment
  form.requestSubmit();
}

/* What each action does, and when there is something to do it with; without `when` always. */
export const actions = {
  next: { run: () => move(1), when: () => one("#rows .row, .board-row, .table tbody th a") },
  previous: { run: () => move(-1), when: () => one("#rows .row, .board-row, .table tbody th a") },
  open: { run: openChosen, when: chosen },
  accept: answers("accept"),
  reject: answers("reject"),
  convert: answers("convert"),
  touch: answers("touch"),
  later: answers("later"),
  letter: openLetter,
  sent,
  log: { run: log, when: isArmed },
  undo: { run: undo, when: newestUndo },
  select: { run: () => toggle(chosen()), when: () => one(".row-pick input", chosen() ?? document) },
  arrivals: { run: () => one('[data-do="new"]')?.click(), when: () => one('[data-do="new"]') },
  find: { run: () => one("#search")?.select() },
  palette: { run: () => document.dispatchEvent(new CustomEvent("palette")) },
  keys: { run: () => one("#keys").showModal() },
  back: { run: back },
};

const table = new Map();
for (const key of all("#keys [data-action] kbd")) {
  const name = `${key.dataset.with ?? ""}+${key.dataset.key ?? key.textContent}`;
  table.set(name, key.closest("[data-action]").dataset.action);
}

const WALKS = ["next", "previous"];
const typing = 'input:not([type="radio"], [type="checkbox"]), textarea, select';
const takesEnter = "a, button, summary, input, [role=option]";

document.addEventListener("keydown", (event) => {
  const held = event.ctrlKey ? "ctrl" : event.metaKey ? "meta" : "";
  const action = table.get(`${held}+${held ? event.key.toLowerCase() : event.key}`);
  if (!action || event.defaultPrevented || event.altKey || one("dialog[open]")) return;
  const single = !held && event.key.length === 1;
  if (!held && event.key !== "Escape" && event.target.closest(typing)) return;
  if (event.key === "Enter" && event.target.closest(takesEnter)) return;
  if ((single && root.dataset.keys !== "on") || (event.repeat && !WALKS.includes(action))) return;
  if (event.key !== "Escape") event.preventDefault();
  if (single && isAwaited()) return;
  actions[action].run(event.key);
});
