// Buttons that copy the text of the element that they name; without JavaScript they are not there, and it can be selected.
(() => {
  "use strict";
  const { textCopied, textSelect } = document.currentScript.dataset;
  const SHOWN_MS = 3000;
  const said = document.createElement("div");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  document.body.append(said);

  function select(element) {
    if (element.select) {
      element.focus();
      element.select();
      return;
    }
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }

  async function copied(element) {
    try {
      await navigator.clipboard.writeText(element.value ?? element.textContent);
      return true;
    } catch { // plain HTTP has no clipboard, and a browser may refuse
      select(element);
      return document.execCommand("copy");
    }
  }

  async function copy(button) {
    const text = button.querySelector("[data-copy-text]");
    const before = (button.dataset.copyBefore ??= text.textContent);
    const done = await copied(document.getElementById(button.dataset.copy));
    text.textContent = said.textContent = done ? textCopied : textSelect;
    button.focus();
    setTimeout(() => {
      text.textContent = before;
      said.textContent = "";
    }, SHOWN_MS);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
})();
