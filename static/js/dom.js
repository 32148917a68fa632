/* Looking up what stands on the page. */

export const root = document.documentElement;
export const wide = matchMedia("(min-width: 1024px)");
export const all = (selector, from = document) => [...from.querySelectorAll(selector)];
export const one = (selector, from = document) => from.querySelector(selector);
