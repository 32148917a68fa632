/* Many at once go on step by step by themselves. Stop lets the step under way end, and begins no other. */

import { one } from "./dom.js";

let isStopped = false;

export function stop() {
  isStopped = true;
  const button = one('[data-do="stop"]');
  button.disabled = true;
  button.textContent = "Stopping …";
}

/* From here on by hand: the button that goes on without scripts. */
function byHand() {
  const button = one("#go-on .no-js");
  if (!button) return;
  one('[data-do="stop"]').remove();
  button.classList.remove("no-js");
  button.focus();
  one("#bulk-head").removeAttribute("aria-busy");
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "go-on" || !isStopped) return;
  event.preventDefault();
  byHand();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.id === "go-on" && !event.detail.successful) byHand();
});
