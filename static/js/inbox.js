/* The inbox: one row is chosen, and on a wide screen its lead stands beside the list. */

import { all, one, wide } from "./dom.js";

let place = 0;
let opening = 0;

export const rows = () => all("#rows .row:not(.row-gone)");
export const chosen = () => one("#rows .is-chosen");

export function choose(row, { focus = true, now = false } = {}) {
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
export function chooseAgain(lead) {
  if (!one("#rows") || chosen()) return;
  const same = lead && one(`#rows .row-link[data-lead="${lead}"]`)?.closest(".row");
  const here = rows();
  const inUse = document.activeElement === document.body || !one("#pane")?.contains(document.activeElement);
  choose(same || here[Math.min(place, here.length - 1)], { focus: wide.matches && inUse });
}

export function move(by) {
  if (one("#rows")) {
    const here = rows();
    const at = here.indexOf(chosen());
    choose(here[at < 0 ? 0 : Math.max(0, Math.min(here.length - 1, at + by))]);
    return;
  }
  const links = all(".board-row a, .table tbody th a");
  links[Math.max(0, Math.min(links.length - 1, links.indexOf(document.activeElement) + by))]?.focus();
}

if (one("#rows") && wide.matches) {
  const asked = new URLSearchParams(location.search).get("open");
  const row = asked && all("#rows .row-link").find((link) => link.dataset.lead === asked)?.closest(".row");
  choose(row || rows()[0], { focus: false, now: true });
}
