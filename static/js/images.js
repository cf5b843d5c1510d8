// The grid of images: rows edge to edge in true proportions. Without this, rows crop a little.
(() => {
  "use strict";

  function justify(grid) {
    for (const tile of grid.children) {
      const image = tile.querySelector("img");
      const ratio = image.width && image.getAttribute("width") / image.getAttribute("height");
      if (ratio) tile.style.flex = `${ratio} 1 calc(var(--row) * ${ratio})`;
    }
    grid.classList.add("is-justified");
  }

  // A tag that is chosen among those proposed is given at once: two acts, select and tag
  for (const field of document.querySelectorAll("input[name=tag][list]")) {
    field.addEventListener("input", ({ inputType }) => {
      const isChosen = !inputType || inputType === "insertReplacementText";
      if (isChosen && [...field.list.options].some(({ value }) => value === field.value)) field.form.requestSubmit();
    });
  }

  document.querySelectorAll(".tiles").forEach(justify);
})();
