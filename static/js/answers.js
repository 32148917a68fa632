/* An answer to a lead: accept at once, or open the form that asks for more, and find the reason by typing. */

import { all, one, wide } from "./dom.js";
import { chosen } from "./inbox.js";

let wanted = "";
let wantedAt = 0;

/* An answer was asked for and its form is still to come: what is typed meanwhile is meant for it. */
export const isAwaited = () => wanted !== "" && performance.now() - wantedAt < 5000;

export function answer(what) {
  const row = chosen();
  if (what === "accept") {
    const form = (row && one(".row-accept[data-accept]", row)) || one('[data-answer="accept"]');
    form?.requestSubmit();
    return;
  }
  const lead = row && one(".row-link", row).dataset.lead;
  const sheet = one(`[data-answer="${what}"]`);
  if (lead && !(sheet && one(`#pane [data-lead="${lead}"]`))) {
    wanted = what;
    wantedAt = performance.now();
    if (!wide.matches) location.assign(one(".row-link", row).href);
    return;
  }
  if (!sheet) return;
  sheet.open = true;
  one("form input:not([type=hidden]), form textarea", sheet)?.focus();
  sheet.scrollIntoView({ block: "nearest" });
}

/* The lead has come whose answer was asked for before it was here. */
export function answerWhatWasWanted() {
  if (!wanted) return;
  const what = wanted;
  wanted = "";
  answer(what);
}

/* Reasons: type to find, arrows to walk, Enter to decide. */

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-filter]")) return;
  const asked = event.target.value.trim().toLowerCase();
  for (const choice of all(".choice", event.target.form)) {
    choice.hidden = !one(".reason-name", choice).textContent.toLowerCase().includes(asked);
  }
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-filter]") || !["Enter", "ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  const here = all(".choice:not([hidden]) input[type=radio]", event.target.form);
  const at = here.findIndex((radio) => radio.checked);
  if (event.key !== "Enter") {
    const next = here[Math.max(0, Math.min(here.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))];
    if (next) next.checked = true;
    return;
  }
  const picked = here[at] ?? (event.target.value.trim() ? here[0] : null);
  if (!picked) return;
  picked.checked = true;
  const date = one('[name="named_date"]', event.target.form);
  const asks = one(".reason-asks input", picked.closest(".choice"));
  if (asks && !asks.value) asks.focus();
  else if (picked.dataset.follows === "date" && date && !date.value) date.focus();
  else event.target.form.requestSubmit();
});
