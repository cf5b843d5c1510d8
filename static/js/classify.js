// One photo is shown at once, sent, and answered in the same place; several go to the queue. Without this the form is a plain form.
(() => {
  "use strict";
  const { classifr } = window;
  const form = document.getElementById("photo-form");
  if (!form) return;

  const say = form.dataset; // the sentences, translated by the template
  const layout = document.querySelector(".classify");
  const input = document.getElementById("id_photo");
  const zone = document.getElementById("photo-zone");
  const announcer = document.getElementById("announcer");
  const progress = document.getElementById("upload-progress");
  const bar = progress.querySelector("progress");
  const phase = document.getElementById("upload-phase");
  const slow = progress.querySelector("[data-slow]");
  const failed = document.getElementById("upload-failure");
  const retry = failed.querySelector("[data-retry]");
  const note = document.getElementById("photo-note");

  let answered = [...zone.childNodes]; // what the zone shows when nothing is under way
  let preview = null;
  let current = null; // {file, sending}: the photo that is under way, or waits for another try

  const result = () => document.getElementById("result");

  const queue = classifr.makeQueue(form, {
    onOpen: () => layout.classList.add("has-queue"),
    onClose: () => {
      layout.classList.remove("has-queue");
      input.focus();
    },
  });

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
    current = null;
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
    current = null;
  }

  function clearErrors() {
    document.getElementById("photo-errors").replaceChildren();
    input.removeAttribute("aria-invalid");
    failed.hidden = true;
    note.hidden = true;
  }

  function fail({ message, mayRetry }) {
    failed.querySelector("[data-sentence]").textContent = message;
    retry.hidden = !mayRetry;
    failed.hidden = false;
    announce(""); // the failure is a live region of its own
    if (mayRetry) {
      if (result().dataset.photoSrc) zone.replaceChildren(...answered); // a verdict must not meet the wrong photo
      retry.focus();
      return;
    }
    restore();
    input.setAttribute("aria-invalid", "true");
  }

  function setBusy(busy) {
    progress.hidden = !busy;
    slow.hidden = true;
    result().setAttribute("aria-busy", String(busy));
    const verdicts = result().querySelector("fieldset");
    if (verdicts) verdicts.disabled = busy;
  }

  function enterPhase(sentence) {
    if (phase.textContent === sentence) return;
    phase.textContent = sentence;
    announce(sentence);
  }

  function showAnswer({ page, url }) {
    result().replaceWith(document.importNode(page.getElementById("result"), true));
    document.getElementById("photo-errors").replaceChildren(...page.getElementById("photo-errors").childNodes);
    if (result().dataset.state === "refused") {
      restore();
      note.hidden = true;
      input.setAttribute("aria-invalid", "true");
      announce("");
      return;
    }
    keepPreview();
    for (const samples of form.querySelectorAll(".samples")) samples.open = false;
    history.replaceState({ photo: true }, "");
    history.pushState({ photo: true }, "", url);
    document.title = `${result().dataset.photoAlt} – Classifr`;
    announce(say.textAnswered);
    document.getElementById("predictions-title").focus();
  }

  async function sendOne(file) {
    clearErrors();
    const turn = (current = { file });
    showPreview(file);
    bar.value = 0;
    phase.textContent = "";
    setBusy(true);
    enterPhase(say.textUploading);
    let answer = null;
    let failure = null;
    try {
      const { photo, note: said } = await classifr.prepare(file, say);
      if (current !== turn) return;
      note.textContent = said;
      note.hidden = !said;
      turn.sending = send(photo);
      answer = await turn.sending.answer;
    } catch (exc) {
      failure = exc;
    }
    if (current !== turn) return;
    setBusy(false);
    if (failure) fail(failure);
    else showAnswer(answer);
  }

  function send(photo) {
    return classifr.send(form, photo, {
      onProgress: (percent) => {
        bar.value = percent;
      },
      onAnalysing: () => {
        bar.removeAttribute("value"); // nobody knows how long the model takes
        enterPhase(say.textAnalysing);
      },
      onSlow: () => {
        slow.textContent = say.textSlow;
        slow.hidden = false;
        announce(say.textSlow);
      },
    });
  }

  function stop() {
    current?.sending?.abort();
    setBusy(false);
    restore();
  }

  // A photo that has no answer yet is not lost to the next ones: it goes into the queue with them.
  function take(files) {
    const photos = current ? [current.file, ...files] : files;
    input.value = "";
    if (current) {
      stop();
      clearErrors();
    }
    if (queue.isOpen() || photos.length > 1) queue.add(photos);
    else sendOne(photos[0]);
  }

  function complain({ message }) {
    note.textContent = message;
    note.hidden = false;
  }

  retry.addEventListener("click", () => sendOne(current.file));
  progress.querySelector("[data-cancel]").addEventListener("click", () => {
    stop();
    note.hidden = true;
    announce(say.textCancelled);
    input.focus();
  });
  form.elements.project.addEventListener("change", ({ target }) => {
    for (const part of form.querySelectorAll("[data-of-project]")) part.hidden = part.dataset.ofProject !== target.value;
  });
  zone.addEventListener("click", () => input.click()); // for the mouse; the keyboard has the button
  zone.classList.add("is-ready");
  input.multiple = true; // without this script, one photo at a time
  classifr.takeIn(form, { take, complain });

  // An answer has an address of its own; going back to it, or away from it, is another page
  window.addEventListener("popstate", ({ state }) => {
    if (state?.photo) location.reload();
  });
  // … also to whoever went there while this page was loading, before it listened
  const loaded = new URL(performance.getEntriesByType("navigation")[0].name);
  if (history.state?.photo && loaded.pathname !== location.pathname) location.reload();
  window.addEventListener("beforeunload", (event) => {
    if (!current) return;
    event.preventDefault(); // a photo is under way, or waits for another try
    verdictSent = false; // who stays has sent none
  });

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
})();
