/* The preview of a draft in the admin follows what is typed. Without this a button shows it on a page of its own. */

document.addEventListener("DOMContentLoaded", () => {
  const shown = document.getElementById("draft-preview");
  const form = document.getElementById("drafttemplate_form");
  if (!shown || !form) return;
  document.querySelector(".draft-again").hidden = true;
  let waits = 0;
  let asked = null;

  async function ask() {
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(shown.dataset.url, { method: "POST", body: new FormData(form), signal: asked.signal });
      if (answer.ok) shown.innerHTML = await answer.text();
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(ask, 250);
  });
});
