/* Toasts go by themselves, newest first, three at most. */

import { all, one } from "./dom.js";

function settle(toast) {
  if (toast.dataset.settled) return;
  toast.dataset.settled = "yes";
  const life = Number(toast.dataset.for) * 1000;
  setTimeout(() => toast.remove(), Math.max(life, 1500));
  all("#toasts .toast").slice(3).forEach((old) => old.remove());
}

/* Something went wrong, in a sentence. */
export function say(text) {
  const toast = Object.assign(document.createElement("div"), { className: "toast toast-bad" });
  toast.dataset.for = "6";
  toast.append(Object.assign(document.createElement("p"), { textContent: text }));
  one("#toasts").prepend(toast);
}

new MutationObserver(() => all("#toasts .toast").forEach(settle)).observe(one("#toasts"), { childList: true });
all("#toasts .toast").forEach(settle);
