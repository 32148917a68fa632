/* The palette: actions with their keys, pages, saved filters and leads, by a few letters of their names. */

import { all, one } from "./dom.js";
import { actions } from "./keys.js";

const dialog = one("#palette");
const input = one("#palette-input");
const options = () => all(".palette-option:not([hidden])", dialog);
const marked = () => one('.palette-option[aria-selected="true"]', dialog);
let opener = null;

/* The actions come out of the sheet of keys, so that each shows the key it could have been done with. */
function drawActions() {
  const lines = all("#keys [data-action]").filter((line) => {
    const action = actions[line.dataset.action];
    return line.dataset.action !== "palette" && line.dataset.action !== "back" && (!action.when || action.when());
  });
  one("#palette-actions").replaceChildren(...lines.map((line) => {
    const option = Object.assign(document.createElement("div"), { className: "palette-option", id: `palette-do-${line.dataset.action}` });
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.action = line.dataset.action;
    option.append(Object.assign(document.createElement("span"), { textContent: one("dd", line).textContent }));
    option.append(...all("kbd", line).map((key) => key.cloneNode(true)));
    return option;
  }));
}

function mark(option) {
  marked()?.setAttribute("aria-selected", "false");
  if (option) {
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  } else input.removeAttribute("aria-activedescendant");
}

function sift() {
  const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  for (const option of all(".palette-option", dialog)) {
    const text = option.textContent.toLowerCase();
    option.hidden = !("found" in option.dataset) && !words.every((word) => text.includes(word));
  }
  const found = options();
  mark(found[0]);
  one("#palette-none").hidden = found.length > 0;
  one("#palette-told").textContent = found.length === 1 ? "1 found" : `${found.length} found`;
}

function run(option) {
  dialog.close();
  if (option.dataset.action) actions[option.dataset.action].run();
  else location.assign(option.dataset.href);
}

document.addEventListener("palette", () => {
  opener = document.activeElement;
  input.value = "";
  one("#palette-leads").replaceChildren();
  drawActions();
  dialog.showModal();
  input.focus();
  sift();
  const own = one("#palette-own");
  if (!own.childElementCount) htmx.ajax("GET", own.dataset.from, { target: own, swap: "innerHTML" });
});

dialog.addEventListener("close", () => {
  if (opener?.isConnected) opener.focus({ preventScroll: true });
});

input.addEventListener("input", sift);
dialog.addEventListener("htmx:afterSettle", sift);

input.addEventListener("keydown", (event) => {
  const found = options();
  const at = found.indexOf(marked());
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    mark(found.at(to % found.length));
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (marked()) run(marked());
  }
});

dialog.addEventListener("click", (event) => {
  const option = event.target.closest(".palette-option");
  if (option) run(option);
  else if (event.target === dialog) dialog.close();
});
