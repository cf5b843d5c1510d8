// Several photos at once: a card each, two uploads at a time, a verdict in every card. What has no verdict when the page is
// left comes back from the server; of what was not sent only names are remembered, no photo is.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const AT_ONCE = 2;
  const NAMED = 5; // of those that were not sent; more are folded

  // Return {add, isOpen}; `onOpen` and `onClose` make room on the page and give it back.
  classifr.makeQueue = (form, { onOpen, onClose }) => {
    const left = `classifr.queue ${form.action}`; // in the tab's memory: what was under way when the page was left
    const say = form.dataset;
    const section = document.getElementById("queue");
    const words = section.dataset;
    const list = section.querySelector(".queue-cards");
    const blank = section.querySelector("template");
    const count = document.getElementById("queue-count");
    const allRight = section.querySelector("[data-all-right]");
    const close = section.querySelector("[data-close]");
    let cards = [];
    let isOpen = false;
    let pause = 0; // until then the server takes no photo
    let forgotten = []; // names of those that were not sent before the page was left

    const having = (...states) => cards.filter((card) => states.includes(card.state));
    const unsent = () => having("waiting", "active", "failed");
    const openVerdicts = () => list.querySelectorAll(".verdict-form");

    function tell() {
      const parts = [
        words.textAnswered.replace("DONE", having("answered").length).replace("TOTAL", cards.length - having("cancelled").length),
        having("refused").length && words.textRefused.replace("COUNT", having("refused").length),
        having("failed").length && words.textFailed.replace("COUNT", having("failed").length),
      ];
      const text = parts.filter(Boolean).join(" ");
      if (count.textContent !== text) count.textContent = text;
      close.hidden = unsent().length > 0;
      allRight.hidden = openVerdicts().length < 2;
      const names = [...forgotten, ...unsent().map((card) => card.file.name)];
      sessionStorage.setItem(left, JSON.stringify({ isOpen, names }));
    }

    function enter(card, state, { phase = "", sentence = "" } = {}) {
      card.state = state;
      const { text } = card;
      text.dataset.state = state;
      text.querySelector("[data-phase]").textContent = phase;
      text.querySelector(".bar").hidden = state !== "active";
      text.querySelector(".bar").value = 0;
      text.querySelector("[data-slow]").hidden = true;
      const failure = text.querySelector("[data-failure]");
      failure.querySelector("[data-sentence]").textContent = sentence;
      failure.hidden = !sentence;
      text.querySelector("[data-cancel]").hidden = !["waiting", "active", "failed"].includes(state);
      text.querySelector("[data-retry]").hidden = !["failed", "cancelled"].includes(state);
      tell();
    }

    function pump() {
      if (Date.now() < pause) return;
      while (having("active").length < AT_ONCE && having("waiting").length) run(having("waiting")[0]);
    }

    // The server counts photos by the minute: what is too much for this one goes on in the next.
    function wait(seconds) {
      pause = Date.now() + 1000 * seconds;
      for (const card of having("waiting")) enter(card, "waiting", { phase: words.textPaused.replace("SECONDS", seconds) });
      setTimeout(pump, 1000 * seconds);
    }

    async function run(card) {
      enter(card, "active", { phase: say.textUploading });
      const turn = (card.turn = {}); // a card that was cancelled and tried again has another turn
      try {
        const { photo, note } = await classifr.prepare(card.file, say);
        if (card.turn !== turn) return;
        showNote(card, note);
        turn.sending = send(card, photo);
        const { page } = await turn.sending.answer;
        if (card.turn === turn) showAnswer(card, document.importNode(page.querySelector(".queue-text"), true));
      } catch (failure) {
        if (card.turn === turn) {
          enter(card, failure.waitS ? "waiting" : failure.mayRetry ? "failed" : "refused", { sentence: failure.message });
          if (failure.waitS) wait(failure.waitS);
        }
      }
      pump();
    }

    function send(card, photo) {
      const { text } = card;
      const bar = text.querySelector(".bar");
      return classifr.send(form, photo, {
        fields: { card: "1" },
        onProgress: (percent) => {
          bar.value = percent;
        },
        onAnalysing: () => {
          bar.removeAttribute("value"); // nobody knows how long the model takes
          text.querySelector("[data-phase]").textContent = say.textAnalysing;
        },
        onSlow: () => {
          text.querySelector("[data-slow]").textContent = say.textSlow;
          text.querySelector("[data-slow]").hidden = false;
        },
      });
    }

    function showNote(card, sentence) {
      const note = card.element.querySelector("[data-note]");
      note.textContent = sentence;
      note.hidden = !sentence;
    }

    function showAnswer(card, answer) {
      const hadFocus = card.text.contains(document.activeElement);
      card.state = answer.dataset.state;
      card.text.replaceWith(answer);
      card.text = answer;
      window.htmx.process(answer);
      if (hadFocus) focus(answer.querySelector("h3"));
      tell();
    }

    function focus(element) {
      element.tabIndex = -1;
      element.focus({ preventScroll: true });
    }

    // Phones call every photo image.jpg, and the buttons of two cards must not have the same name.
    function named(file) {
      const same = cards.filter((card) => card.chosenName === file.name).length;
      return same ? new File([file], `${file.name} (${same + 1})`, { type: file.type }) : file;
    }

    function makeCard(chosen) {
      const file = named(chosen);
      const element = blank.content.firstElementChild.cloneNode(true);
      const text = element.querySelector(".queue-text");
      const card = { file, chosenName: chosen.name, element, text, state: "waiting" };
      cards.push(card);
      text.querySelector("h3").textContent = file.name;
      text.querySelector(".bar").setAttribute("aria-label", file.name);
      showPreview(element.querySelector("img"), file);
      const cancel = text.querySelector("[data-cancel]");
      const retry = text.querySelector("[data-retry]");
      cancel.setAttribute("aria-label", words.textCancel.replace("NAME", file.name));
      retry.setAttribute("aria-label", words.textRetry.replace("NAME", file.name));
      cancel.addEventListener("click", () => {
        card.turn?.sending?.abort();
        card.turn = null;
        enter(card, "cancelled", { phase: say.textCancelled });
        retry.focus();
        pump();
      });
      retry.addEventListener("click", () => {
        enter(card, "waiting", { phase: words.textWaiting });
        cancel.focus();
        pump();
      });
      return card;
    }

    function showPreview(image, file) {
      image.alt = file.name;
      image.addEventListener("error", () => {
        image.hidden = true; // no picture, or none that this browser knows
      });
      image.src = URL.createObjectURL(file);
    }

    function add(files) {
      const added = files.map(makeCard);
      const isNew = !isOpen;
      tellForgotten([]);
      open();
      list.append(...added.map((card) => card.element));
      for (const card of added) enter(card, "waiting", { phase: words.textWaiting });
      if (isNew) focus(document.getElementById("queue-title"));
      pump();
    }

    function open() {
      if (!isOpen) onOpen();
      isOpen = true;
      section.hidden = false;
    }

    function adopt(element) {
      const text = element.querySelector(".queue-text");
      cards.push({ element, text, state: text.dataset.state });
    }

    function tellForgotten(names) {
      forgotten = names;
      const told = section.querySelector("[data-unsent]");
      const items = names.map((name) => Object.assign(document.createElement("li"), { textContent: name }));
      told.querySelector("summary").textContent = words.textUnsent.replace("COUNT", names.length);
      told.querySelector("ul").replaceChildren(...items);
      told.open = names.length <= NAMED;
      told.hidden = names.length === 0;
    }

    // After a reload the list is there as it was; to whoever comes back later it lies below the page.
    function comeBack() {
      const before = JSON.parse(sessionStorage.getItem(left) ?? "{}");
      for (const element of list.children) adopt(element);
      tellForgotten(before.names ?? []);
      section.hidden = cards.length + forgotten.length === 0;
      if (before.isOpen && cards.length) open();
      tell();
    }

    allRight.addEventListener("click", () => {
      for (const form of openVerdicts()) form.querySelector("[value=OK]").click();
      focus(document.getElementById("queue-title"));
    });

    close.addEventListener("click", () => {
      for (const card of cards) URL.revokeObjectURL(card.element.querySelector("img").src);
      cards = [];
      isOpen = false;
      list.replaceChildren();
      tellForgotten([]);
      section.hidden = true;
      tell();
      onClose();
    });

    // A verdict takes its form away, and with it the focus
    list.addEventListener("htmx:load", ({ detail }) => {
      if (document.activeElement === document.body) focus(detail.elt);
      tell();
    });
    list.addEventListener("htmx:configRequest", ({ detail }) => {
      detail.parameters.csrfmiddlewaretoken = classifr.csrfToken(form);
    });
    list.addEventListener("htmx:beforeRequest", ({ target }) => target.querySelector(".verdict-failure")?.remove());
    function whyLost({ status, responseText }) {
      if (status === 401) return say.textSignedOut;
      if (status === 404) return words.textGone; // erased in another tab
      return (status === 429 && responseText) || words.textVerdictLost;
    }
    function showVerdictLost({ target, detail }) {
      const line = document.createElement("p");
      line.className = "field-errors verdict-failure";
      line.setAttribute("role", "alert");
      line.textContent = whyLost(detail.xhr);
      target.prepend(line);
    }
    for (const type of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) list.addEventListener(type, showVerdictLost);
    list.addEventListener("htmx:beforeOnLoad", (event) => {
      if (event.detail.xhr.status !== 401) return;
      event.preventDefault(); // or htmx would go to the sign-in, and the cards would be gone
      showVerdictLost(event);
    });
    list.addEventListener("htmx:beforeSwap", (event) => {
      const { status, responseText } = event.detail.xhr;
      if (status !== 200 || /class="(given|verdict-form)\b/.test(responseText)) return;
      event.detail.shouldSwap = false; // a whole page has no place in a card
      showVerdictLost(event);
    });

    window.addEventListener("beforeunload", (event) => {
      if (unsent().length) event.preventDefault();
    });

    comeBack();
    return { add, isOpen: () => isOpen };
  };
})();
