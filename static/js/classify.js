// A photo is chosen or dropped, shown at once, sent, and answered in the same place. Without this the form is a plain form.
(() => {
  "use strict";
  const form = document.getElementById("photo-form");
  if (!form || !window.htmx) return;

  const say = form.dataset; // the sentences, translated by the template
  const input = document.getElementById("id_photo");
  const zone = document.getElementById("photo-zone");
  const announcer = document.getElementById("announcer");
  const progress = document.getElementById("upload-progress");
  const bar = progress.querySelector("progress");
  const phase = document.getElementById("upload-phase");
  const slow = progress.querySelector("[data-slow]");
  const failure = document.getElementById("upload-failure");
  const retry = failure.querySelector("[data-retry]");
  const SLOW_MS = 10_000;

  let answered = [...zone.childNodes]; // what the zone shows when nothing is under way
  let preview = null;
  let slowTimer = 0;

  const result = () => document.getElementById("result");
  const errors = () => document.getElementById("photo-errors");

  function announce(text) {
    announcer.textContent = text;
  }

  function showPreview(file) {
    const image = new Image();
    image.className = "photo";
    image.alt = say.textChosen;
    image.addEventListener("load", () => {
      if (preview === image) zone.replaceChildren(image);
    });
    image.src = URL.createObjectURL(file);
    forgetPreview();
    preview = image;
  }

  function forgetPreview() {
    if (preview) URL.revokeObjectURL(preview.src);
    preview = null;
  }

  function restore() {
    forgetPreview();
    zone.replaceChildren(...answered);
    input.value = "";
  }

  function keepPreview() {
    const { photoSrc, photoAlt } = result().dataset;
    const shown = preview?.complete && preview.naturalWidth > 0;
    const image = shown ? preview : new Image();
    image.className = "photo";
    image.alt = photoAlt;
    if (!shown) image.src = photoSrc;
    zone.replaceChildren(image);
    answered = [image];
    preview = null;
    input.value = "";
  }

  function clearErrors() {
    errors().replaceChildren();
    input.removeAttribute("aria-invalid");
    failure.hidden = true;
  }

  function refuse(sentence) {
    const line = document.createElement("p");
    line.textContent = sentence;
    errors().replaceChildren(line);
    input.setAttribute("aria-invalid", "true");
    announce("");
  }

  function fail(sentence, { mayRetry }) {
    failure.querySelector("[data-sentence]").textContent = sentence;
    retry.hidden = !mayRetry;
    failure.hidden = false;
    if (!mayRetry) restore();
    else {
      if (result().dataset.photoSrc) zone.replaceChildren(...answered); // a verdict must not meet the wrong photo
      retry.focus();
    }
  }

  function megabytes(bytes) {
    const rounded = Math.ceil((bytes / 1024 / 1024) * 10) / 10; // up, so that it never reads as the limit itself
    return rounded.toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1 });
  }

  function send(file) {
    htmx.trigger(form, "htmx:abort");
    clearErrors();
    if (file.size > Number(say.maxBytes)) {
      restore();
      refuse(say.textTooBig.replace("SIZE", megabytes(file.size)));
      return;
    }
    showPreview(file);
    form.requestSubmit();
  }

  function setBusy(busy) {
    progress.hidden = !busy;
    slow.hidden = true;
    clearTimeout(slowTimer);
    if (busy) {
      slowTimer = setTimeout(() => {
        slow.textContent = say.textSlow;
        slow.hidden = false;
        announce(say.textSlow);
      }, SLOW_MS);
    }
    result().setAttribute("aria-busy", String(busy));
    const verdicts = result().querySelector("fieldset");
    if (verdicts) verdicts.disabled = busy;
  }

  function enterPhase(sentence) {
    if (phase.textContent === sentence) return;
    phase.textContent = sentence;
    announce(sentence);
  }

  function finish() {
    setBusy(false);
    if (result().dataset.state === "refused") {
      restore();
      input.setAttribute("aria-invalid", "true");
      announce(""); // the errors are a live region of their own
      return;
    }
    keepPreview();
    announce(say.textAnswered);
    document.getElementById("predictions-title").focus();
  }

  form.addEventListener("htmx:beforeRequest", () => {
    clearErrors();
    bar.value = 0;
    phase.textContent = "";
    setBusy(true);
    enterPhase(say.textUploading);
  });

  form.addEventListener("htmx:xhr:progress", ({ detail }) => {
    if (phase.textContent !== say.textUploading || !detail.lengthComputable) return;
    bar.value = (100 * detail.loaded) / detail.total;
    if (detail.loaded < detail.total) return;
    bar.removeAttribute("value"); // nobody knows how long the model takes
    enterPhase(say.textAnalysing);
  });

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = event;
    if (detail.xhr.status !== 200 || detail.xhr.responseText.includes('id="result"')) return;
    detail.shouldSwap = false; // another page answered: the session is over, and this is the sign-in page
    window.location.assign(detail.xhr.responseURL);
  });

  form.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.successful && detail.xhr.responseText.includes('id="result"')) finish();
    else setBusy(false);
  });

  form.addEventListener("htmx:responseError", ({ detail }) => {
    const { status } = detail.xhr;
    if (status === 413) {
      const { size } = input.files[0];
      restore();
      refuse(say.textTooBig.replace("SIZE", megabytes(size)));
    } else fail(status < 500 ? say.textStale : say.textBroken, { mayRetry: status >= 500 });
  });
  form.addEventListener("htmx:sendError", () => fail(say.textOffline, { mayRetry: true }));
  form.addEventListener("htmx:timeout", () => fail(say.textOffline, { mayRetry: true }));

  input.addEventListener("change", () => {
    if (input.files.length) send(input.files[0]);
  });
  retry.addEventListener("click", () => send(input.files[0]));
  progress.querySelector("[data-cancel]").addEventListener("click", () => {
    htmx.trigger(form, "htmx:abort");
    restore();
    announce(say.textCancelled);
    input.focus();
  });

  // Dropping: on the zone it is a photo; anywhere else it must not make the browser leave the page
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    const over = zone.contains(event.target);
    event.dataTransfer.dropEffect = over ? "copy" : "none";
    zone.classList.toggle("is-over", over);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("is-over");
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    zone.classList.remove("is-over");
    if (!zone.contains(event.target) || !event.dataTransfer.files.length) return;
    const first = new DataTransfer();
    first.items.add(event.dataTransfer.files[0]);
    input.files = first.files;
    send(input.files[0]);
  });
  zone.addEventListener("click", () => input.click()); // for the mouse; the keyboard has the button
  zone.classList.add("is-ready");

  // A verdict is sent once, however often it is clicked
  let verdictSent = false;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-once]")) return;
    if (verdictSent) event.preventDefault();
    verdictSent = true;
  });
  window.addEventListener("pageshow", () => {
    verdictSent = false;
  });

  for (const element of form.querySelectorAll("[data-without-script]")) element.hidden = true;
  if (input.files.length) send(input.files[0]); // chosen before this script was there
})();
