// Sends images in small batches, two at a time, says how far it is, and may be cancelled.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const MOST_FILES = 16;
  const MOST_BYTES = 20 * 1024 * 1024;
  const AT_ONCE = 2;
  const ATTEMPTS = 6;
  const BACK_OFF_S = 1; // doubled before each further attempt
  const MOST_SHOWN = 500; // refusals
  const language = document.documentElement.lang;

  classifr.number = (value, digits = 0) =>
    value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

  classifr.namedLine = (name, sentence) => {
    const line = document.createElement("li");
    const named = document.createElement("bdi");
    const said = document.createElement("span");
    named.textContent = name;
    said.textContent = sentence;
    line.append(named, " ", said);
    return line;
  };

  // onEnd: called when a run has ended
  classifr.imageSending = ({ panel, say, post, tell, onEnd }) => {
    const progress = panel.querySelector("[data-progress]");
    const bar = progress.querySelector("progress");
    const phase = panel.querySelector("[data-phase]");
    const trouble = panel.querySelector("[data-trouble]");
    const refusals = panel.querySelector("[data-refusals]");
    const again = panel.querySelector("[data-again]");

    // What waits and what became of it: handles of files, never their contents
    let queue = [];
    let lost = [];
    let counts = null;
    let startedAt = 0;
    let controller = null; // of the run under way
    let notes = []; // of what was left out of the folders of the run

    function enqueue(items) {
      for (const item of items) queue.push(item);
      if (controller) {
        counts.total += items.length;
        show();
      } else run(items.length);
    }

    function begin(total) {
      controller = new AbortController();
      counts = { total, done: 0, fresh: 0, there: 0, refused: 0 };
      lost = [];
      startedAt = performance.now();
      refusals.hidden = again.hidden = true;
      refusals.querySelector("ul").replaceChildren();
      progress.hidden = false;
      tell("");
      show();
    }

    async function run(total) {
      begin(total);
      let broken = "";
      bringIntoView();
      try {
        await Promise.all(Array.from({ length: AT_ONCE }, () => work(controller.signal)));
      } catch (error) {
        broken = error.message;
      }
      finish(broken);
    }

    // The button pressed may be far below, on a card
    function bringIntoView() {
      const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      progress.scrollIntoView({ block: "nearest", behavior: isCalm ? "auto" : "smooth" });
    }

    function finish(broken) {
      const summary = say.textSummary
        .replace("NEW", classifr.number(counts.fresh))
        .replace("THERE", classifr.number(counts.there))
        .replace("REFUSED", classifr.number(counts.refused));
      const cancelled = controller.signal.aborted && !broken ? say.textCancelled : "";
      controller.abort();
      controller = null;
      queue = [];
      progress.hidden = true;
      again.hidden = !lost.length;
      tell([broken, cancelled, summary, ...notes].filter(Boolean).join(" "));
      notes = [];
      onEnd();
    }

    function nextBatch() {
      const batch = [];
      let bytes = 0;
      while (queue.length && batch.length < MOST_FILES) {
        const [item] = queue;
        const differs = batch.length && (item.tag !== batch[0].tag || item.heldOut !== batch[0].heldOut);
        if (differs || (batch.length && bytes + item.file.size > MOST_BYTES)) break;
        queue.shift();
        if (item.detail) {
          refuse(item, item.detail);
        } else if (item.file.size > Number(say.maxBytes)) {
          refuse(item, say.textTooBig.replace("SIZE", classifr.number(Math.ceil((item.file.size / 1024 / 1024) * 10) / 10, 1)));
        } else {
          batch.push(item);
          bytes += item.file.size;
        }
      }
      return batch;
    }

    async function work(cancelled) {
      while (queue.length && !cancelled.aborted) {
        const batch = nextBatch();
        if (batch.length) await deliver(batch, cancelled);
        show();
      }
    }

    async function deliver(batch, cancelled) {
      let rest = batch;
      let why = say.textLost;
      for (let attempt = 0; attempt < ATTEMPTS && !cancelled.aborted; attempt += 1) {
        if (attempt) await backOff(attempt, cancelled);
        try {
          const { results } = await post(say.url, bodyOf(rest), cancelled);
          const unsaved = take(rest, results);
          rest = unsaved.map(({ item }) => item);
          why = unsaved[0]?.detail;
        } catch (error) {
          if (cancelled.aborted) return;
          if (error instanceof classifr.Stale) {
            queue = [];
            throw error;
          }
          if (error instanceof classifr.Refusal) return refuseAll(rest, error.message);
          rest = await leaveUnreadable(rest);
        }
        trouble.textContent = "";
        if (!rest.length) return;
      }
      if (cancelled.aborted) return;
      lost.push(...rest);
      refuseAll(rest, why);
    }

    async function backOff(attempt, cancelled) {
      const seconds = BACK_OFF_S * 2 ** (attempt - 1);
      trouble.textContent = say.textRetrying.replace("SECONDS", classifr.number(seconds));
      await classifr.pause(seconds, cancelled);
    }

    // Count what became of each; return those that the storage could not keep just now
    function take(batch, results) {
      const unsaved = [];
      for (const [place, item] of batch.entries()) {
        const { status, detail } = results[place];
        if (status === "ErrorStorage") unsaved.push({ item, detail });
        else count(item, status, detail);
      }
      return unsaved;
    }

    function bodyOf(batch) {
      const body = new FormData();
      for (const [place, { file }] of batch.entries()) {
        body.append("files", file, `${place}`);
        body.append("name", file.name); // apart: in a header, browser and server would each change some characters
      }
      if (batch[0].tag) body.append("tag", batch[0].tag);
      if (batch[0].heldOut) body.append("held_out", "on");
      return body;
    }

    // A file that was moved or is forbidden makes the whole request fail: find out which one it is
    async function isReadable({ file }) {
      try {
        await file.slice(0, 1).arrayBuffer();
        return true;
      } catch {
        return false;
      }
    }

    async function leaveUnreadable(batch) {
      const readable = await Promise.all(batch.map(isReadable));
      refuseAll(batch.filter((_item, place) => !readable[place]), say.textUnreadable);
      return batch.filter((_item, place) => readable[place]);
    }

    function count(item, status, detail) {
      if (status === "OK") counts.fresh += 1;
      else if (status === "OKDuplicate") counts.there += 1;
      else return refuse(item, detail || status);
      counts.done += 1;
    }

    function refuseAll(batch, sentence) {
      for (const item of batch) refuse(item, sentence);
    }

    function refuse({ path }, sentence) {
      counts.done += 1;
      counts.refused += 1;
      refusals.hidden = false;
      const list = refusals.querySelector("ul");
      if (list.childElementCount >= MOST_SHOWN) return;
      list.append(classifr.namedLine(path, sentence));
    }

    // What became of the entries of a ZIP, which one request sent; note: of what was left out
    function addResults(results, note) {
      const isAlone = !controller;
      if (isAlone) begin(results.length);
      else counts.total += results.length;
      for (const { name, status, detail } of results) count({ path: name }, status, detail);
      addNote(note);
      if (isAlone) finish("");
    }

    function addNote(note) {
      if (note) notes.push(note);
    }

    function duration(seconds) {
      if (seconds < 90) return `${classifr.number(Math.round(seconds))} s`;
      if (seconds < 90 * 60) return `${classifr.number(Math.round(seconds / 60))} min`;
      return `${classifr.number(Math.round(seconds / 3600))} h`;
    }

    function show() {
      const { done, total } = counts;
      bar.max = total;
      bar.value = done;
      const parts = [say.textProgress.replace("DONE", classifr.number(done)).replace("TOTAL", classifr.number(total))];
      const seconds = (performance.now() - startedAt) / 1000;
      if (done && seconds > 1) {
        parts.push(say.textRate.replace("RATE", classifr.number(done / seconds, 1)));
        parts.push(say.textLeft.replace("TIME", duration(((total - done) * seconds) / done)));
      }
      phase.textContent = parts.join(" · ");
    }

    progress.querySelector("[data-cancel]").addEventListener("click", () => {
      queue = [];
      controller?.abort();
    });
    again.addEventListener("click", () => enqueue(lost));
    window.addEventListener("beforeunload", (event) => {
      if (controller) event.preventDefault();
    });
    return { enqueue, addResults, addNote };
  };
})();
