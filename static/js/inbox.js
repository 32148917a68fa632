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
  history.replaceState(history.state, "", `${location.pathname}?${one("#rows").dataset.query}&open=${link.dataset.lead}`);
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

/* Enter, where no link has the focus: as a click on the row's. */
export function openChosen() {
  one(".row-link", chosen())?.click();
}

/* Near the end of what is loaded, the next page is asked for. */
const NEAR = 5;
function more(here, at) {
  if (here.length - at <= NEAR && one("#more")) htmx.trigger("#more", "more");
}

/* The poll asks about the rows in view; those out of view stay silent. */
const seenBy = "IntersectionObserver" in window && one("#rows")
  ? new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const seen = one("[name=seen]", target);
        if (seen) seen.disabled = !isIntersecting;
      }
    }, { rootMargin: "100px" })
  : null;
export function watchRows() {
  if (!seenBy || !one("#rows")) return;
  seenBy.disconnect();
  for (const row of all("#rows .row")) seenBy.observe(row);
}

/* Away for a while: what is in view is asked for anew, also what seems to be up to date. */
export function forgetTimers() {
  for (const seen of all("#rows [name=seen]:not(:disabled)")) seen.value = seen.value.split(":").slice(0, 2).join(":") + ":";
}

export function move(by) {
  if (one("#rows")) {
    const here = rows();
    const at = here.indexOf(chosen());
    if (by > 0) more(here, at);
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

watchRows();
