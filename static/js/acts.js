// Ctrl+Z takes back one's last act, Ctrl+Shift+Z and Ctrl+Y do it again; where text is typed they are the browser's.
(() => {
  "use strict";
  const TAKES_TEXT = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=file])";
  const form = document.getElementById("undo-last");
  if (!form) return;

  document.addEventListener("keydown", (event) => {
    if (document.documentElement.dataset.keys === "off" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (!["z", "y"].includes(key) || event.repeat || event.target.matches(TAKES_TEXT)) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) form.action = form.dataset.redo;
    form.elements.next.value = window.location.pathname + window.location.search;
    form.requestSubmit();
  });
})();
