// The selection on the review page: "select all", and how many are selected. Without this the boxes work one by one.
(() => {
  "use strict";
  const bar = document.getElementById("selection");
  if (!bar) return;
  const boxes = [...document.querySelectorAll('input[name="ids"][form="selection"]')];
  const all = bar.querySelector("[data-select-all]");
  const allBox = all.querySelector("input");
  const count = bar.querySelector("output");
  const buttons = bar.querySelectorAll("button");
  const everything = bar.querySelector("[name=everything]");

  function update() {
    const selected = boxes.filter((box) => box.checked).length;
    allBox.checked = selected === boxes.length;
    allBox.indeterminate = selected > 0 && selected < boxes.length;
    count.textContent = selected ? count.dataset.some.replace("COUNT", selected) : count.dataset.none;
    count.classList.toggle("is-none", selected === 0);
    for (const button of buttons) button.disabled = selected === 0 && !everything?.checked;
  }

  allBox.addEventListener("change", () => {
    for (const box of boxes) box.checked = allBox.checked;
    update();
  });
  for (const box of boxes) box.addEventListener("change", update);
  everything?.addEventListener("change", update);
  window.addEventListener("pageshow", update);
  all.hidden = false;
  update();
})();
