// Finds typing errors in a code as the agent types it, before it is sent. The collector checks again.
"use strict";

(() => {
  const DIGITS = 13;
  const input = document.getElementById("code");
  const says = document.getElementById("says");
  const next = (interim, digit) => Number(input.dataset.check[interim * 10 + Number(digit)]);

  // The message about the text in the field, and whether the text is wrong, unfinished or right.
  function judge(text) {
    const typed = text.replace(/[\s\u00a0\u202f.-]/g, "").replace(/#$/, "");
    if (typed === "") return ["", "empty"];
    if (/\D/.test(typed)) return ["A code has digits only.", "wrong"];
    if (typed.length < DIGITS) return [`${typed.length} of ${DIGITS} digits`, "unfinished"];
    if (typed.length > DIGITS) {
      return [`${typed.length} digits: a code has ${DIGITS}.`, "wrong"];
    }
    if ([...typed].reduce(next, 0) !== 0) {
      return ["A digit is wrong: ask for the code again.", "wrong"];
    }
    return ["The digits fit together.", "right"];
  }

  function tell() {
    const [text, state] = judge(input.value);
    // A count read aloud at each key would drown the customer's voice.
    says.setAttribute("aria-live", state === "unfinished" ? "off" : "polite");
    if (says.textContent !== text) says.textContent = text;
    says.className = state;
    input.setAttribute("aria-invalid", String(state === "wrong"));
    input.setCustomValidity(state === "right" ? "" : text);
  }

  input.addEventListener("input", tell);
  // The collector's message about the last code stays until the agent types the next one over it.
  if (says.textContent.trim()) input.select();
  else tell();
})();
