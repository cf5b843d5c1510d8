// One wrong prediction after the other: an act shows the next at once, which was fetched before; the server answers meanwhile.
// Without this each act loads the next page.
(() => {
  "use strict";
  const HOLD_EVERY_MS = 60_000;
  const SAID_MS = 20_000;
  const desk = document.getElementById("desk");
  const messages = document.querySelector(".messages");
  const fetched = new Map(); // address: promise of a fragment

  const here = () => desk.querySelector(".desk");
  const following = () => (here().dataset.following || "").split(" ").filter(Boolean);

  function prefetch() {
    for (const url of following()) {
      if (!fetched.has(url)) fetched.set(url, fragment(url).catch(() => fetched.delete(url) && null));
    }
  }

  async function fragment(url) {
    const address = new URL(url, window.location);
    address.searchParams.set("part", "1");
    const answer = await fetch(address);
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const html = await answer.text();
    const part = document.createRange().createContextualFragment(html);
    const photo = part.querySelector("img.photo");
    if (photo) new Image().src = photo.src;
    return html;
  }

  async function show(url, { isBack = false } = {}) {
    const html = await (fetched.get(url) ?? fragment(url).catch(() => null));
    if (!html) return window.location.assign(url);
    desk.innerHTML = html;
    if (!isBack) history.pushState({ url }, "", url);
    begin();
  }

  function begin() {
    prefetch();
    hold();
    const zone = desk.querySelector("[data-zoom]");
    if (zone) zoomable(zone, desk.querySelector("[data-zoom-acts]"));
  }

  function token() {
    return desk.querySelector("[name=csrfmiddlewaretoken]")?.value;
  }

  function hold() {
    const { hold: url } = here().dataset;
    if (url && !document.hidden) fetch(url, { method: "POST", headers: { "X-CSRFToken": token() } }).catch(() => {});
  }

  function say(html, level) {
    const alert = document.createElement("div");
    alert.className = `alert alert-${level === "error" ? "danger" : level} desk-said`;
    alert.innerHTML = html; // the server's own, in which texts are escaped
    messages.replaceChildren(alert);
    if (level === "success") setTimeout(() => alert.remove(), SAID_MS);
  }

  async function act(form, submitter) {
    const body = new FormData(form, submitter);
    const url = following()[0];
    body.set("next", here().dataset.url); // to which "Undo" leads back
    const post = fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, keepalive: true });
    fetched.delete(here().dataset.url);
    if (url) await show(url);
    const failed = here().dataset.failed;
    try {
      const answer = await post;
      if (!answer.ok) throw new Error(answer.status);
      const { said, level } = await answer.json();
      say(said, level);
      if (!url) window.location.assign(here().dataset.list);
    } catch {
      say(failed, "error");
    }
  }

  function zoomable(zone, acts) {
    const photo = zone.querySelector("img");
    let scale = 1;
    let turned = 0;
    const draw = () => (photo.style.transform = `scale(${scale}) rotate(${turned}deg)`);
    const zoom = (factor) => {
      scale = factor ? Math.min(8, Math.max(1, scale * factor)) : 1;
      draw();
    };
    zone.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const box = photo.getBoundingClientRect();
        if (scale === 1) photo.style.transformOrigin = `${event.clientX - box.left}px ${event.clientY - box.top}px`;
        zoom(event.deltaY < 0 ? 1.25 : 0.8);
      },
      { passive: false },
    );
    for (const button of acts.querySelectorAll("[data-zoom-by]")) {
      button.addEventListener("click", () => zoom(Number(button.dataset.zoomBy)));
    }
    acts.querySelector("[data-turn]").addEventListener("click", () => {
      turned = (turned + 90) % 360;
      draw();
    });
    acts.hidden = false;
  }

  desk.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-act]")) return;
    event.preventDefault();
    act(event.target, event.submitter);
  });
  desk.addEventListener("click", (event) => {
    const link = event.target.closest(".neighbours a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(link.getAttribute("href"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || document.documentElement.dataset.keys === "off") return;
    if (event.target.closest("a, button, input, select, textarea, summary") || document.querySelector(":popover-open")) return;
    desk.querySelector("[data-accept]")?.click();
  });
  window.addEventListener("popstate", () => show(window.location.pathname + window.location.search, { isBack: true }));
  setInterval(hold, HOLD_EVERY_MS);
  begin();
})();
