/* The next move: a draft that is opened or copied as it was typed last, and one key for what came of reaching out. */

import { one } from "./dom.js";
import { say } from "./toasts.js";

const MAILTO_AT_MOST = 1900; // as leads.links says

const field = (name) => one(`[data-draft-${name}]`);

/* The link follows what is typed; too long, it would be cut off. */
function address(draft) {
  const to = draft.dataset.to.split("@").map(encodeURIComponent).join("@");
  const lines = field("body").value.replace(/\r?\n/g, "\r\n");
  return `mailto:${to}?subject=${encodeURIComponent(field("subject").value)}&body=${encodeURIComponent(lines)}`;
}

document.addEventListener("input", (event) => {
  const draft = event.target.closest("[data-draft]");
  const open = field("open");
  if (!draft || !open || !event.target.matches("[data-draft-subject], [data-draft-body]")) return;
  const link = address(draft);
  const isLong = link.length > MAILTO_AT_MOST;
  if (!isLong) open.href = link;
  open.hidden = isLong;
  field("long").hidden = !isLong;
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-draft-copy]");
  if (!button) return;
  const body = field("body");
  try {
    await navigator.clipboard.writeText(body.value);
    one("span", button).textContent = "Copied";
    setTimeout(() => { one("span", button).textContent = "Copy"; }, 2000);
  } catch {
    body.select();
    say("Your browser keeps its clipboard: the text is selected, press Ctrl or ⌘ and C.");
  }
});

/* Whoever clicks a number or an address is asked what came of it; from then on the digits answer. */
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-reach], [data-draft-open]")) return;
  const log = one("[data-log]");
  if (!log) return;
  log.dataset.armed = "yes";
  one(".log-asks", log).textContent = event.target.closest("[data-reach='call']")
    ? "How did the call go? Press a key."
    : "Sent it? Press the key of what came of it.";
});

const press = (selector) => ({ run: () => one(selector)?.click(), when: () => one(selector) });
export const openLetter = press("[data-draft-open]:not([hidden])");
export const sent = press("[data-sent] button");
export const isArmed = () => one("[data-log][data-armed]");

/* A digit, once somebody has reached out from this page. */
export function log(digit) {
  const armed = isArmed();
  const chip = armed?.querySelectorAll(".log-chip")[digit - 1];
  if (!chip) return;
  delete armed.dataset.armed;
  chip.click();
}
