// What a page that is read anew every few seconds says aloud, and what it says when nobody answers.
"use strict";
(() => {
  const QUIET = 15000; // ms between two spoken lines about the same job, unless its state changes
  const say = document.getElementById("say");
  const lost = document.getElementById("lost-touch");
  let said = "", state = "", at = 0;

  function speak() {
    const live = document.getElementById("live");
    if (!say || !live) return;
    const now = live.querySelector(".badge")?.textContent ?? "";
    const ended = now !== state && state !== "";
    if (live.dataset.say === said || (!ended && Date.now() - at < QUIET)) return;
    said = live.dataset.say;
    state = now;
    at = Date.now();
    say.textContent = said;
  }

  function tell(text) {
    if (!lost) return;
    lost.hidden = !text;
    if (lost.textContent !== text) lost.textContent = text;
  }

  const about = (event) => event.detail?.ctx?.response?.status ?? event.detail?.ctx?.response?.raw?.status;

  document.addEventListener("htmx:before:swap", (event) => {
    const ctx = event.detail.ctx, asked = ctx.sourceElement?.id;
    if (asked && !ctx.text?.includes(`id="${asked}"`)) { // another page: the way in
      event.preventDefault();
      tell("You were signed out. Load the page again to sign in; the work goes on.");
    }
  });
  document.addEventListener("htmx:after:swap", () => { tell(""); speak(); });
  document.addEventListener("htmx:after:request", (event) => {
    const status = about(event);
    if (status === 401) tell("You were signed out. Load the page again to sign in; the work goes on.");
    else if (status >= 400) tell("The page cannot be renewed just now; it is tried again.");
  });
  document.addEventListener("htmx:error", () => tell("The service does not answer; it is tried again. The work goes on without this page."));
  speak();
})();
