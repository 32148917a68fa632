/* What the server tells while a page stands open: the count in the title, a word on the desktop, a lost connection. */

import { all, one } from "./dom.js";

const KEPT = "baton.notify";
const AWAY_EVERY = 60_000;
let asked = 0;
let told = 0;

const wanted = () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem(KEPT) === "on";

/* While nobody looks there is no poll; where the desktop is to be told, one a minute. */
export function mayPollHidden() {
  if (!wanted() || !one("#arrivals") || Date.now() - asked < AWAY_EVERY) return false;
  asked = Date.now();
  return true;
}

function drawButton() {
  for (const button of all('[data-do="notify"]')) {
    button.hidden = !("Notification" in window);
    button.setAttribute("aria-pressed", String(wanted()));
  }
}

export async function toggleNotify() {
  if (wanted()) localStorage.setItem(KEPT, "off");
  else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(KEPT, "on");
  drawButton();
}

/* After each answer: the title counts what is to be decided, and new leads are told of once. */
export function tellNews() {
  const title = one("#tabs")?.dataset.title;
  if (title && document.title !== title) document.title = title;
  const pill = one('#arrivals [data-do="new"]');
  const now = Number(pill?.dataset.new ?? 0);
  // Said once, not with every poll that draws the pill anew.
  const said = now ? pill.dataset.told : "";
  if (one("#news") && one("#news").textContent !== said) one("#news").textContent = said;
  if (now > told && document.hidden && wanted()) new Notification("Baton", { body: pill.dataset.told, tag: "baton-inbox" });
  told = now;
}

export function lost() {
  const place = one("#offline");
  if (place && !place.childElementCount) place.append(one("#offline-text").content.cloneNode(true));
}

export function found() {
  one("#offline")?.replaceChildren();
}

addEventListener("offline", lost);
addEventListener("online", () => htmx.trigger(document.body, "resync"));
drawButton();
