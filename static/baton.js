/* The desk in the browser: it counts down what the server has said, listens to keys, and shows toasts.
   Everything here is a shortcut to a link or a form that works without it. */

const root = document.documentElement;
const wide = matchMedia("(min-width: 1024px)");
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const one = (selector, from = document) => from.querySelector(selector);
root.classList.add("js");

/* Timers: `left` is working time at the moment the chip was drawn, `runs` how long work then went on. */

const drawnAt = new WeakMap();
let syncedAt = 0;

function length(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m`;
  const minutes = Math.floor(whole / 60) % 60;
  return `${Math.floor(whole / 3600)} h` + (minutes ? ` ${minutes} m` : "");
}

function countdown(seconds) {
  const whole = Math.floor(seconds);
  return whole < 3600 ? `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}` : length(whole);
}

function draw(chip, left) {
  const state = left < 0 ? "late" : left <= Number(chip.dataset.soon) ? "soon" : "ontrack";
  const text = state === "late" ? `+${length(left)} late` : state === "soon" ? countdown(left) : length(left);
  const shown = one(".timer-text", chip);
  if (shown.textContent !== text) shown.textContent = text;
  if (chip.dataset.state === state) return;
  chip.dataset.state = state;
  one("svg", chip)?.replaceWith(one(`#icons [data-icon="${state}"]`).cloneNode(true));
}

function tick() {
  if (document.hidden) return;
  const now = performance.now();
  for (const chip of all(".timer[data-left]")) {
    if (!drawnAt.has(chip)) drawnAt.set(chip, now);
    const passed = (now - drawnAt.get(chip)) / 1000;
    const runs = "runs" in chip.dataset ? Number(chip.dataset.runs) : Infinity;
    if (passed > runs + 1) resync();
    draw(chip, Number(chip.dataset.left) - Math.min(passed, runs));
  }
}

/* Work stopped or began again, or the page was away: ask the server how things stand. */
function resync() {
  if (performance.now() - syncedAt < 10_000) return;
  syncedAt = performance.now();
  htmx.trigger(document.body, "resync");
}

setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  syncedAt = -10_000;
  resync();
});

/* Toasts go by themselves, newest first, three at most. */

function settle(toast) {
  if (toast.dataset.settled) return;
  toast.dataset.settled = "yes";
  const life = Number(toast.dataset.for) * 1000;
  setTimeout(() => toast.remove(), Math.max(life, 1500));
  all("#toasts .toast").slice(3).forEach((old) => old.remove());
}

function say(text) {
  const toast = Object.assign(document.createElement("div"), { className: "toast toast-bad" });
  toast.dataset.for = "6";
  toast.append(Object.assign(document.createElement("p"), { textContent: text }));
  one("#toasts").prepend(toast);
}

new MutationObserver(() => all("#toasts .toast").forEach(settle)).observe(one("#toasts"), { childList: true });
all("#toasts .toast").forEach(settle);

/* The inbox: one row is chosen, and on a wide screen its lead stands beside the list. */

let place = 0;
let wanted = "";
let opening = 0;

const rows = () => all("#rows .row:not(.row-gone)");
const chosen = () => one("#rows .is-chosen");

function choose(row, { focus = true, now = false } = {}) {
  if (!row) {
    if (one("#pane") && wide.matches) one("#pane").replaceChildren();
    return;
  }
  const changed = row !== chosen();
  all("#rows .is-chosen").forEach((other) => other.classList.remove("is-chosen"));
  row.classList.add("is-chosen");
  place = rows().indexOf(row);
  const link = one(".row-link", row);
  if (focus) link.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (!wide.matches || (!changed && one(`#pane [data-lead="${link.dataset.lead}"]`))) return;
  clearTimeout(opening);
  opening = setTimeout(() => show(link), now ? 0 : 90);
}

function show(link) {
  history.replaceState(history.state, "", `${location.pathname}?tab=${one("#rows").dataset.tab}&open=${link.dataset.lead}`);
  htmx.ajax("GET", link.getAttribute("href"), { source: "#pane", target: "#pane", swap: "innerHTML show:#pane:top" });
}

/* After the chosen row went, the one that took its place is chosen; after the list was drawn anew, the same one. */
function chooseAgain(lead) {
  if (!one("#rows") || chosen()) return;
  const same = lead && one(`#rows .row-link[data-lead="${lead}"]`)?.closest(".row");
  const here = rows();
  const inUse = document.activeElement === document.body || !one("#pane")?.contains(document.activeElement);
  choose(same || here[Math.min(place, here.length - 1)], { focus: wide.matches && inUse });
}

function move(by) {
  if (one("#rows")) {
    const here = rows();
    const at = here.indexOf(chosen());
    choose(here[at < 0 ? 0 : Math.max(0, Math.min(here.length - 1, at + by))]);
    return;
  }
  const links = all(".board-row a, .table tbody th a");
  links[Math.max(0, Math.min(links.length - 1, links.indexOf(document.activeElement) + by))]?.focus();
}

/* An answer: accept at once, or open the form that asks for more. */
function answer(what) {
  const row = chosen();
  if (what === "accept") {
    const form = (row && one(".row-accept", row)) || one('[data-answer="accept"]');
    form?.requestSubmit();
    return;
  }
  const lead = row && one(".row-link", row).dataset.lead;
  const sheet = one(`[data-answer="${what}"]`);
  if (lead && !(sheet && one(`#pane [data-lead="${lead}"]`))) {
    wanted = what;
    if (!wide.matches) location.assign(one(".row-link", row).href);
    return;
  }
  if (!sheet) return;
  sheet.open = true;
  one("form input:not([type=hidden]), form textarea", sheet)?.focus();
  sheet.scrollIntoView({ block: "nearest" });
}

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

/* Reasons: type to find, arrows to walk, Enter to decide. */

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-filter]")) return;
  const asked = event.target.value.trim().toLowerCase();
  for (const reason of all(".reason", event.target.form)) reason.hidden = !reason.textContent.toLowerCase().includes(asked);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-filter]") || !["Enter", "ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  const here = all(".reason:not([hidden]) input", event.target.form);
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
  if (picked.dataset.follows === "date" && date && !date.value) date.focus();
  else event.target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open], details.due[open]")) if (!menu.contains(event.target)) menu.open = false;
  const todo = event.target.closest("[data-do]")?.dataset.do;
  if (todo === "keys") one("#keys").showModal();
  if (todo === "back" && document.referrer.startsWith(location.origin) && history.length > 1) {
    event.preventDefault();
    history.back();
  }
  // The list asks, not the pill: whoever arrives meanwhile replaces the pill, and its request would end with it.
  if (todo === "new") htmx.trigger(document.body, "inbox-changed");
  const link = event.target.closest("#rows .row-link");
  if (!link || !wide.matches || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(link.closest(".row"), { now: true });
  if (event.detail === 0) one("#pane").focus();
});

/* What htmx tells. */

const isPoll = (element) => element.matches("#arrivals, .sync, #board");

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  const asked = event.detail.requestConfig.triggeringEvent;
  if (!isPoll(element) || asked?.type === "resync") return;
  const busy = element.id === "board" && element.contains(document.activeElement);
  if (document.hidden || (busy && !asked)) event.preventDefault();
});

let chosenBefore = "";
let openBefore = "";
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "board") openBefore = one("#board details.due[open]")?.id ?? "";
  if (event.detail.target.id === "list") chosenBefore = one(".is-chosen .row-link")?.dataset.lead ?? "";
});

document.addEventListener("htmx:afterSettle", (event) => {
  tick();
  const wasOpen = openBefore && document.getElementById(openBefore);
  openBefore = "";
  if (wasOpen) wasOpen.open = true;
  if (event.detail.target?.id === "list" || event.detail.elt?.id === "list") chooseAgain(chosenBefore);
  if (wanted && event.detail.target?.id === "promise") {
    const what = wanted;
    wanted = "";
    answer(what);
  }
});

document.addEventListener("lead-moved", () => {
  all("#toasts [data-undo]").slice(1).forEach((old) => old.closest(".toast").remove());
  if (one("#rows")) chooseAgain("");
  else if (document.activeElement === document.body) one("#promise")?.focus();
});

document.addEventListener("htmx:responseError", (event) => {
  if (isPoll(event.detail.elt)) return;
  const status = event.detail.xhr.status;
  say(status === 404 ? "It is no longer here, or no longer yours." : `That did not work (${status}). Load the page again and retry.`);
});

document.addEventListener("htmx:sendError", (event) => {
  if (!isPoll(event.detail.elt)) say("No connection. Nothing was sent; try again.");
});

if (one("#rows") && wide.matches) {
  const asked = new URLSearchParams(location.search).get("open");
  const row = asked && all("#rows .row-link").find((link) => link.dataset.lead === asked)?.closest(".row");
  choose(row || rows()[0], { focus: false, now: true });
}
tick();
