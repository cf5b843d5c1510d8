// A selection in a grid of pictures: by Shift and Ctrl, by dragging a box, and by Space. Without this the boxes work one by one.
(() => {
  "use strict";
  const PICTURE = ".tile-photo, .shot-photo";
  const START_PX = 8; // moved less, it is a click

  function selectable(grid) {
    const boxes = [...grid.querySelectorAll("[name=ids]")];
    let last = null;
    let drag = null;
    let wasDragged = false;

    function set(box, checked) {
      if (box.checked === checked) return;
      box.checked = checked;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }

    function toggle(box, isRange) {
      const checked = !box.checked;
      set(box, checked);
      chose(box, isRange, checked);
    }

    function chose(box, isRange, checked) {
      if (isRange && last) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((one, other) => one - other);
        for (const each of boxes.slice(from, to + 1)) set(each, checked);
      }
      last = box;
    }

    grid.addEventListener("click", (event) => {
      const { target } = event;
      if (wasDragged) return event.preventDefault();
      if (target.matches("[name=ids]")) return chose(target, event.shiftKey, target.checked);
      const link = target.closest(PICTURE);
      if (!link || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
      event.preventDefault(); // neither a new window nor a new tab: it selects
      toggle(link.closest("li").querySelector("[name=ids]"), event.shiftKey);
    });
    grid.addEventListener("keydown", (event) => {
      if (event.key !== " " || !event.target.matches(PICTURE)) return;
      event.preventDefault();
      toggle(event.target.closest("li").querySelector("[name=ids]"), event.shiftKey);
    });

    // The rubber band, of a mouse alone: a finger scrolls
    grid.addEventListener("dragstart", (event) => event.preventDefault());
    grid.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button || event.target.closest("label, input")) return;
      drag = { x: event.pageX, y: event.pageY, was: boxes.map((box) => box.checked), band: null };
    });
    window.addEventListener("pointermove", (event) => {
      if (!drag) return;
      if (!drag.band && Math.hypot(event.pageX - drag.x, event.pageY - drag.y) < START_PX) return;
      drag.band ??= bandIn(document.body);
      const area = {
        left: Math.min(drag.x, event.pageX),
        top: Math.min(drag.y, event.pageY),
        right: Math.max(drag.x, event.pageX),
        bottom: Math.max(drag.y, event.pageY),
      };
      Object.assign(drag.band.style, {
        left: `${area.left}px`,
        top: `${area.top}px`,
        width: `${area.right - area.left}px`,
        height: `${area.bottom - area.top}px`,
      });
      for (const [place, box] of boxes.entries()) set(box, drag.was[place] || isIn(box.closest("li"), area));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, () => {
        drag?.band?.remove();
        wasDragged = Boolean(drag?.band);
        drag = null;
        setTimeout(() => (wasDragged = false)); // the click that ends a drag comes first
      });
    }
  }

  function bandIn(parent) {
    const band = document.createElement("div");
    band.className = "rubber-band";
    parent.append(band);
    return band;
  }

  function isIn(tile, area) {
    const box = tile.getBoundingClientRect();
    const [left, top] = [box.left + window.scrollX, box.top + window.scrollY];
    return left < area.right && left + box.width > area.left && top < area.bottom && top + box.height > area.top;
  }

  for (const grid of document.querySelectorAll(".tiles, .shots")) {
    if (grid.querySelector("[name=ids]")) selectable(grid);
  }
})();
