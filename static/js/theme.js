// Runs in <head> before anything is painted: light, dark, or as the system says.
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    return root.dataset.themeChoice ?? "auto";
  }

  function apply() {
    const choice = chosen();
    const asSystem = dark.matches ? "dark" : "light";
    root.dataset.bsTheme = choice === "auto" ? asSystem : choice;
    for (const button of document.querySelectorAll("[data-theme-form] button")) {
      button.toggleAttribute("aria-current", false);
      if (button.value === choice) button.setAttribute("aria-current", "true");
    }
  }

  function remember(choice) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${choice}; path=${root.dataset.cookiePath}; max-age=31536000; samesite=lax${secure}`;
    root.dataset.themeChoice = choice;
    apply();
  }

  root.classList.add("has-script");
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-keeps-place]")) return;
    const { next } = form.elements; // empty on a page that answered a POST: there is no going back to it
    if (next.value) next.value = location.pathname + location.search; // a result may have changed the address
    if (!form.matches("[data-theme-form]") || !event.submitter) return;
    event.preventDefault();
    remember(event.submitter.value);
    const body = new FormData(form, event.submitter);
    fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true }).catch(() => {}); // the cookie holds
  });
})();
