/* The desk in the browser: what is clicked, and what the server tells. Each subject has its file beside this one.
   Everything here is a shortcut to a link or a form that works without it. */

import { answerWhatWasWanted } from "./answers.js";
import { isBusy } from "./board.js";
import { all, one, root, wide } from "./dom.js";
import { choose, chooseAgain } from "./inbox.js";
import "./keys.js";
import { tick } from "./timers.js";
import { say } from "./toasts.js";

root.classList.add("js");

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
  const busy = element.id === "board" && (isBusy() || element.contains(document.activeElement));
  if (document.hidden || (busy && !asked)) event.preventDefault();
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
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "list") chosenBefore = one(".is-chosen .row-link")?.dataset.lead ?? "";
});

document.addEventListener("htmx:afterSettle", (event) => {
  tick();
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
  if (!isPoll(event.detail.elt)) say("No connection. Nothing was sent; try again.");
});

tick();
