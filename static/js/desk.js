/* The desk in the browser: what is clicked, and what the server tells. Each subject has its file beside this one.
   Everything here is a shortcut to a link or a form that works without it. */

import { answerWhatWasWanted } from "./answers.js";
import { isBusy } from "./board.js";
import { stop } from "./bulk.js";
import { all, one, root, wide } from "./dom.js";
import { choose, chooseAgain, rows, watchRows } from "./inbox.js";
import "./keys.js";
import { found, lost, mayPollHidden, tellNews, toggleNotify } from "./news.js";
import "./palette.js";
import { selectAgain } from "./select.js";
import { tick } from "./timers.js";
import { say } from "./toasts.js";

root.classList.add("js");

document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open], details.filter[open], details.due[open]")) if (!menu.contains(event.target)) menu.open = false;
  const todo = event.target.closest("[data-do]")?.dataset.do;
  if (todo === "keys") one("#keys").showModal();
  if (todo === "palette") document.dispatchEvent(new CustomEvent("palette"));
  if (todo === "notify") toggleNotify();
  if (todo === "stop") stop();
  if (todo === "retry") htmx.trigger(document.body, "resync");
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

const isPoll = (element) => element.matches("#arrivals, #pool, .sync, #board");

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  const asked = event.detail.requestConfig.triggeringEvent;
  if (!isPoll(element) || asked?.type === "resync") return;
  const busy = element.id === "board" && (isBusy() || element.contains(document.activeElement));
  const away = document.hidden && !(element.id === "arrivals" && mayPollHidden());
  if (away || (busy && !asked)) event.preventDefault();
});

/* The list drawn anew has as many rows as it had. */
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id === "list") event.detail.parameters.set("shown", rows().length);
});

/* The session has ended: a poll says so, once, and leaves the page with what is typed on it where it is. */
let toldSignedOut = false;
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (!isPoll(event.detail.elt) || !event.detail.xhr.getResponseHeader("HX-Redirect")) return;
  event.preventDefault();
  if (!toldSignedOut) say("You have been signed out. What you type is kept when you send it; you will be asked to log in.");
  toldSignedOut = true;
});

let chosenBefore = "";
/* A poll that was sent before somebody's answer came back tells of rows as they stood before it: the next one tells. */
const sentAt = new WeakMap();
let answeredAt = 0;
document.addEventListener("htmx:beforeSend", (event) => sentAt.set(event.detail.xhr, performance.now()));
document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, verb } = event.detail.requestConfig;
  const lead = elt.dataset.undo;
  const promise = lead && one(`[data-lead="${lead}"] #promise, #promise[data-lead="${lead}"]`);
  // What was taken back is drawn anew where it stands; where another lead stands by now, that one stays.
  if (promise) [event.detail.target, event.detail.swapOverride] = [promise, "innerHTML"];
  if (verb !== "get" || elt.id === "list") answeredAt = performance.now();
  else if (elt.id === "arrivals" && sentAt.get(event.detail.xhr) < answeredAt) event.detail.shouldSwap = false;
  // What asked has gone meanwhile; what else the answer brings still finds its place.
  if (!event.detail.target.isConnected) {
    event.detail.target = document.body;
    event.detail.swapOverride = "none";
  }
  if (event.detail.target.id === "list") chosenBefore = one(".is-chosen .row-link")?.dataset.lead ?? "";
});

document.addEventListener("htmx:afterSettle", (event) => {
  const chip = event.detail.requestConfig?.elt?.closest?.("[data-chip]");
  if (chip) for (const each of all("[data-chip]", chip.parentElement)) each === chip ? each.setAttribute("aria-current", "true") : each.removeAttribute("aria-current");
  tick();
  tellNews();
  if (one("#rows")) {
    selectAgain();
    watchRows();
  }
  if (event.detail.target?.id === "list" || event.detail.elt?.id === "list") chooseAgain(chosenBefore);
  if (event.detail.target?.id === "promise") answerWhatWasWanted();
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
  if (isPoll(event.detail.elt)) lost();
  else say("No connection. Nothing was sent; try again.");
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful, xhr } = event.detail;
  if (successful) found();
  // What was taken back, or can be no more, is not offered any longer.
  if (elt.matches("[data-undo]") && (successful || xhr.status === 409)) elt.closest(".toast")?.remove();
});

tick();
