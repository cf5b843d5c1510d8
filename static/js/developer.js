// What htmx fails to fetch is said, until it succeeds again.
(() => {
  "use strict";
  const { textTrouble } = document.currentScript.dataset;
  const trouble = document.createElement("div");
  trouble.className = "trouble";
  trouble.setAttribute("role", "status");
  document.body.append(trouble);

  function tell(sentence) {
    if (trouble.textContent !== sentence) trouble.textContent = sentence; // said once, not at each poll
  }

  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(failure, () => tell(textTrouble));
  }
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.successful) tell("");
  });
})();
