// One key does what a button says that carries it in aria-keyshortcuts: the button near the focus, else the first on the page.
(() => {
  "use strict";
  const TAKES_TEXT = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=file])";
  const MOVES_BY_ARROWS = "textarea, select, [contenteditable], input:not([type=checkbox])";
  const IS_OPEN = "dialog[open], :popover-open";

  function buttonFor(key, target) {
    const buttons = `[aria-keyshortcuts="${CSS.escape(key)}"]`;
    const near = target.closest("[data-keys-here]");
    const all = [...(near?.querySelectorAll(buttons) ?? []), ...document.querySelectorAll(buttons)];
    return all.find((button) => !button.matches(":disabled") && button.checkVisibility());
  }

  document.addEventListener("keydown", (event) => {
    const { target } = event;
    const isArrow = event.key.startsWith("Arrow");
    const key = isArrow ? event.key : event.key.toLowerCase();
    if (document.documentElement.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if ((key.length !== 1 && !isArrow) || target.matches(isArrow ? MOVES_BY_ARROWS : TAKES_TEXT)) return;
    if (document.querySelector(IS_OPEN)) return;
    const button = buttonFor(key, target);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
