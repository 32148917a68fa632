/* Timers: `left` is working time at the moment the chip was drawn, `runs` how long work then went on. */

import { all, one } from "./dom.js";
import { forgetTimers } from "./inbox.js";

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

export function tick() {
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
  forgetTimers();
  htmx.trigger(document.body, "resync");
}

setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  syncedAt = -10_000;
  resync();
});
