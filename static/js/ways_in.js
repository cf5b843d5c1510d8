// The ways in which photos come: chosen, dropped, pasted, taken with the camera.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const TEXT_FIELDS = "textarea, [contenteditable], input:not([type=file], [type=checkbox], [type=radio], [type=range])";
  const isText = (target) => target instanceof Element && target.matches(TEXT_FIELDS);

  // A drop must never make the browser leave the page, wherever it falls and whatever the page does with it.
  let isOwnDrag = false; // a picture of this page is being dragged
  const holdsFiles = (event) => !isOwnDrag && Boolean(event.dataTransfer?.types.includes("Files"));
  const wouldLeave = (event) => event.dataTransfer?.types.some((type) => type === "Files" || type === "text/uri-list");
  document.addEventListener("dragstart", () => {
    isOwnDrag = true;
  });
  document.addEventListener("dragend", () => {
    isOwnDrag = false;
  });
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => {
      if (wouldLeave(event) && !(isText(event.target) && !holdsFiles(event))) event.preventDefault();
    });
  }

  function watchDrops(overlay, take) {
    document.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.dataTransfer.dropEffect = "copy";
      overlay.hidden = false;
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) overlay.hidden = true; // out of the window
    });
    document.addEventListener("drop", (event) => {
      overlay.hidden = true;
      if (holdsFiles(event) && event.dataTransfer.files.length) take([...event.dataTransfer.files]);
    });
  }

  // Browsers call a bitmap without a file image.png and date it now.
  const isBitmap = (file) => file.type === "image/png" && file.name === "image.png" && Date.now() - file.lastModified < 10_000;

  function watchPastes(say, take) {
    document.addEventListener("paste", async (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      const hasText = event.clipboardData?.types.includes("text/plain"); // office programs add a picture of it
      if (!files.length || (isText(event.target) && (event.target.value || hasText))) return;
      event.preventDefault();
      take(await Promise.all(files.map((file) => (isBitmap(file) ? classifr.fromClipboard(file, say) : file))));
    });
  }

  async function readClipboard(say) {
    const items = await navigator.clipboard.read().catch(() => {
      throw new classifr.Failure(say.textPasteDenied, { mayRetry: false });
    });
    const pictures = [];
    for (const item of items) {
      const type = item.types.find((each) => each.startsWith("image/"));
      if (type) pictures.push(await classifr.fromClipboard(await item.getType(type), say));
    }
    if (!pictures.length) throw new classifr.Failure(say.textNothingPasted, { mayRetry: false });
    return pictures;
  }

  function openCamera(form, take) {
    let camera = form.querySelector("input[capture]");
    if (!camera) {
      form.append(document.getElementById("camera-input").content.cloneNode(true));
      camera = form.querySelector("input[capture]");
      camera.addEventListener("change", () => {
        const photos = [...camera.files];
        camera.value = ""; // so that the next photo is a change again
        if (photos.length) take(photos);
      });
    }
    camera.click();
  }

  // Call `take` with the photos of every way in, and `complain` with a Failure when a way leads nowhere.
  classifr.takeIn = (form, { take, complain }) => {
    const input = form.querySelector("input[type=file]");
    const chosen = () => {
      if (input.files.length) take([...input.files]);
    };
    input.addEventListener("change", chosen);
    watchDrops(document.getElementById("drop-overlay"), take);
    watchPastes(form.dataset, take);

    const paste = form.querySelector("[data-paste]");
    paste.hidden = !navigator.clipboard?.read; // not on a page without HTTPS
    paste.addEventListener("click", () => readClipboard(form.dataset).then(take, complain));

    const camera = form.querySelector("[data-camera]");
    camera.hidden = false; // the style sheet shows it where fingers point
    camera.addEventListener("click", () => openCamera(form, take));

    for (const element of form.querySelectorAll("[data-without-script]")) element.hidden = true;
    chosen(); // before this script was there
  };
})();
