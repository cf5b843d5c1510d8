// Files and folders are sent in small batches, two at a time, and may be cancelled. Without this the forms are plain forms.
(() => {
  "use strict";
  const panel = document.getElementById("uploads");
  if (!panel) return;

  const MOST_FILES = 16;
  const MOST_BYTES = 20 * 1024 * 1024;
  const AT_ONCE = 2;
  const ATTEMPTS = 6;
  const BACK_OFF_S = 1; // doubled before each further attempt
  const TIMEOUT_MS = 180_000;
  const ZIP_TIMEOUT_MS = 1_800_000;
  const MOST_SHOWN = 500; // refusals
  const READ_AT_ONCE = 64; // first bytes of files
  const ZIP = /\.zip$/i;
  const HEAD_BYTES = 64; // by which the server knows a format

  const say = panel.dataset; // the sentences, translated by the template
  const form = panel.querySelector("form[data-upload]");
  const missing = panel.querySelector("[data-missing]");
  const spaces = missing.querySelector("[data-spaces]");
  const tagSelect = form.elements.tag;
  const progress = panel.querySelector("[data-progress]");
  const bar = progress.querySelector("progress");
  const phase = panel.querySelector("[data-phase]");
  const trouble = panel.querySelector("[data-trouble]");
  const said = panel.querySelector("[data-said]");
  const refusals = panel.querySelector("[data-refusals]");
  const again = panel.querySelector("[data-again]");
  const language = document.documentElement.lang;

  // What waits and what became of it: handles of files, never their contents
  let queue = [];
  let lost = [];
  let counts = null;
  let startedAt = 0;
  let controller = null; // of the run under way
  let waiting = []; // what is sent once the person has agreed to new tags
  let notes = []; // of what was left out of the folders of the run

  const token = () => form.elements.csrfmiddlewaretoken.value;
  const number = (value, digits = 0) =>
    value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

  class Stale extends Error {}
  class Refusal extends Error {}

  // One request: answers in JSON, or throws. A Refusal is final; any other error may pass.
  async function post(url, body, cancelled = new AbortController().signal, timeout = TIMEOUT_MS) {
    const signal = AbortSignal.any([cancelled, AbortSignal.timeout(timeout)]);
    const headers = { Accept: "application/json", "X-CSRFToken": token() };
    const response = await fetch(url, { method: "POST", body, headers, signal });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    if (response.status === 413) throw new Refusal(say.textTooLarge);
    if (response.status === 404) throw new Stale(say.textGone);
    if (response.redirected || (response.status < 500 && response.status !== 429 && !isJson)) throw new Stale(say.textStale);
    if (response.status >= 500 || response.status === 429) throw new Error(String(response.status));
    const answer = await response.json();
    if (answer.error) throw new Refusal(answer.error);
    return answer;
  }

  function pause(seconds, cancelled) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      cancelled.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }

  // Choosing what to send

  // The server judges what a folder holds: it gets the paths, sizes and first bytes
  async function judge(found, asTags) {
    const listing = [];
    for (let start = 0; start < found.length; start += READ_AT_ONCE) {
      listing.push(...(await Promise.all(found.slice(start, start + READ_AT_ONCE).map(describe))));
    }
    const body = new FormData();
    body.append("listing", new Blob([JSON.stringify(listing)], { type: "application/json" }), "listing");
    if (asTags) body.append("as_tags", "on");
    return post(say.folderUrl, body);
  }

  async function describe({ file, path }) {
    try {
      const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
      return [path, file.size, btoa(String.fromCharCode(...head))];
    } catch {
      return [path, file.size, null];
    }
  }

  async function sendFolder(found, { asTags = false, tag = "" } = {}) {
    if (!found.length) return tell(say.textNothing);
    tell(say.textReading);
    try {
      const judged = await judge(found, asTags || tag);
      tell(judged.system);
      if (!tag && (judged.new_tags.length || judged.splits)) ask([{ found, judged, asTags }]);
      else sendJudged(found, judged, tag);
    } catch (error) {
      tell(sentenceOf(error));
    }
  }

  function sentenceOf(error) {
    return error instanceof Stale || error instanceof Refusal ? error.message : say.textLost;
  }

  // A ZIP is one request: the server reads its entries, or asks first
  async function sendZip(file, { asTags = false, confirmed = false, tag = "" } = {}) {
    if (file.size > Number(say.maxZipBytes)) {
      return tell(say.textZipTooBig.replace("SIZE", number(Math.ceil(file.size / 1024 / 1024))));
    }
    const body = new FormData();
    body.append("zip", file);
    if (tag) body.append("tag", tag);
    if (asTags) body.append("as_tags", "on");
    if (confirmed) body.append("confirmed", "on");
    if (isHeldOut()) body.append("held_out", "on");
    tell(say.textReading);
    try {
      const { question, results, system } = await post(say.zipUrl, body, undefined, ZIP_TIMEOUT_MS);
      if (question) return (tell(""), ask([{ zip: file, judged: question, asTags }]));
      const isAlone = !controller;
      if (isAlone) begin(results.length);
      else counts.total += results.length;
      for (const { name, status, detail } of results) count({ path: name }, status, detail);
      if (system) notes.push(system);
      if (isAlone) finish("");
    } catch (error) {
      tell(sentenceOf(error));
    }
  }

  function ask(folders) {
    waiting = [...waiting, ...folders];
    const tags = newTags(waiting);
    const splits = waiting.map(({ judged }) => judged.splits).filter(Boolean);
    missing.querySelector("[data-splits]").textContent = splits.join(" ");
    missing.querySelector("[data-sentence]").hidden = missing.querySelector("[data-make]").hidden = !tags.length;
    missing.querySelector("[data-go-on]").hidden = Boolean(tags.length);
    missing.querySelector("[data-as-tags]").hidden = !splits.length;
    spaces.hidden = !tags.some(({ name }) => name.includes("_"));
    missing.querySelector("[data-new-tags]").replaceChildren(...tags.map(({ name, detail }) => entry(name, detail)));
    missing.hidden = false;
    missing.querySelector("button:not([hidden])").focus();
  }

  function newTags(folders) {
    return folders.flatMap(({ judged }) => judged.new_tags);
  }

  async function makeTags() {
    const folders = closeQuestion(); // at once: a second click finds nothing to do
    const body = new FormData();
    const written = (name) => (spaces.querySelector("input").checked ? name.replaceAll("_", " ") : name);
    for (const { name } of newTags(folders)) body.append("name", written(name));
    try {
      await post(say.tagsUrl, body);
      // Judged again, the folders find their tags
      for (const { zip, found, asTags } of folders) {
        if (zip) await sendZip(zip, { asTags, confirmed: true });
        else sendJudged(found, await judge(found, asTags));
      }
    } catch (error) {
      ask(folders);
      tell(sentenceOf(error));
    }
  }

  function closeQuestion() {
    const folders = waiting;
    missing.hidden = true;
    waiting = [];
    return folders;
  }

  function sendJudged(found, judged, tag = "") {
    const heldOut = isHeldOut();
    const refused = judged.left_out.map(({ place, detail }) => ({ ...found[place], detail }));
    const pictures = judged.files.map((each) => ({
      ...found[each.place],
      tag: tag || String(each.tag),
      heldOut: heldOut || each.held_out,
    }));
    if (!refused.length && !pictures.length) return tell([say.textNothing, judged.system].join(" "));
    if (judged.system) notes.push(judged.system);
    enqueue([...refused, ...pictures]);
  }

  function sendFiles(files, tag) {
    if (!files.length) return tell(say.textNothing);
    if (files.length === 1 && ZIP.test(files[0].name)) return sendZip(files[0], { tag });
    const heldOut = isHeldOut();
    enqueue([...files].map((file) => ({ file, path: file.name, tag, heldOut })));
  }

  function isHeldOut() {
    return form.elements.held_out.checked;
  }

  // Sending

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
    said.textContent = "";
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
      .replace("NEW", number(counts.fresh))
      .replace("THERE", number(counts.there))
      .replace("REFUSED", number(counts.refused));
    const cancelled = controller.signal.aborted && !broken ? say.textCancelled : "";
    controller.abort();
    controller = null;
    queue = [];
    progress.hidden = true;
    again.hidden = !lost.length;
    tell([broken, cancelled, summary, ...notes].filter(Boolean).join(" "));
    notes = [];
    refresh();
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
        refuse(item, say.textTooBig.replace("SIZE", number(Math.ceil((item.file.size / 1024 / 1024) * 10) / 10, 1)));
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
        if (error instanceof Stale) {
          queue = [];
          throw error;
        }
        if (error instanceof Refusal) return refuseAll(rest, error.message);
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
    trouble.textContent = say.textRetrying.replace("SECONDS", number(seconds));
    await pause(seconds, cancelled);
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
    list.append(entry(path, sentence));
  }

  function entry(name, sentence) {
    const line = document.createElement("li");
    const named = document.createElement("bdi");
    const said = document.createElement("span");
    named.textContent = name;
    said.textContent = sentence;
    line.append(named, " ", said);
    return line;
  }

  // Telling

  function duration(seconds) {
    if (seconds < 90) return `${number(Math.round(seconds))} s`;
    if (seconds < 90 * 60) return `${number(Math.round(seconds / 60))} min`;
    return `${number(Math.round(seconds / 3600))} h`;
  }

  function show() {
    const { done, total } = counts;
    bar.max = total;
    bar.value = done;
    const parts = [say.textProgress.replace("DONE", number(done)).replace("TOTAL", number(total))];
    const seconds = (performance.now() - startedAt) / 1000;
    if (done && seconds > 1) {
      parts.push(say.textRate.replace("RATE", number(done / seconds, 1)));
      parts.push(say.textLeft.replace("TIME", duration(((total - done) * seconds) / done)));
    }
    phase.textContent = parts.join(" · ");
  }

  function tell(sentence) {
    said.textContent = sentence;
  }

  // The counts on the page, as the server knows them now
  async function refresh() {
    const response = await fetch(location.pathname + location.search).catch(() => null);
    if (!response?.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const focused = document.activeElement?.id;
    for (const id of ["overview", "figures", "contradictions-place", "grid", "tags"]) {
      const [now, then] = [fresh.getElementById(id), document.getElementById(id)];
      if (!now || !then || isInUse(then)) continue;
      const node = document.importNode(now, true);
      then.replaceWith(node);
      window.htmx?.process(node);
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    offerTags(fresh.getElementById(tagSelect.id));
    prepare(document);
  }

  // Whether somebody is typing there, or about to
  function isInUse(part) {
    return part.querySelector("details[open], :is(input:not([type=file]), textarea, select):focus") !== null;
  }

  function offerTags(select) {
    if (!select) return;
    const { value } = tagSelect;
    tagSelect.replaceChildren(...document.importNode(select, true).options);
    tagSelect.value = value;
    if (tagSelect.selectedIndex < 0) tagSelect.value = "";
  }

  // Reading folders that are dropped

  function entries(reader) {
    return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }

  async function filesOf(entry, found) {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, path: entry.fullPath.replace(/^\//, "") });
      return;
    }
    const reader = entry.createReader();
    for (let some = await entries(reader); some.length; some = await entries(reader)) {
      for (const each of some) await filesOf(each, found);
    }
  }

  async function dropped(transfer, tag) {
    const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...transfer.files];
    if (!roots.some((entry) => entry.isDirectory)) return sendFiles(files, tag);
    tell(say.textReading);
    const found = [];
    try {
      for (const entry of roots) await filesOf(entry, found);
    } catch {
      return tell(say.textUnreadable);
    }
    tell("");
    return sendFolder(found, { tag });
  }

  // Wiring; cards come and go, so that the document listens for them

  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const zoneOf = (event) => event.target.closest?.("[data-drop]");

  function unmark() {
    for (const zone of document.querySelectorAll(".is-over")) zone.classList.remove("is-over");
  }

  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault(); // dropped beside a zone, a file must not make the browser leave the page
    const zone = zoneOf(event);
    event.dataTransfer.dropEffect = zone ? "copy" : "none";
    if (zone?.classList.contains("is-over")) return;
    unmark();
    zone?.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) unmark();
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    unmark();
    const zone = zoneOf(event);
    if (zone) dropped(event.dataTransfer, zone.dataset.tag ?? tagSelect.value);
  });

  const INPUTS = "form[data-upload] input[type=file]";

  function chosen(input) {
    const files = [...input.files];
    const { tag } = input.form.elements;
    input.value = "";
    if (input.matches("[data-folder]")) sendFolder(files.map((file) => ({ file, path: file.webkitRelativePath })));
    else if (input.matches("[data-zip]")) sendZip(files[0]);
    else sendFiles(files, tag.value);
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches(INPUTS)) chosen(event.target);
  });

  missing.querySelector("[data-make]").addEventListener("click", () => waiting.length && makeTags());
  missing.querySelector("[data-go-on]").addEventListener("click", () => {
    for (const { zip, found, judged } of closeQuestion()) zip ? sendZip(zip, { confirmed: true }) : sendJudged(found, judged);
  });
  missing.querySelector("[data-as-tags]").addEventListener("click", () => {
    for (const { zip, found } of closeQuestion()) zip ? sendZip(zip, { asTags: true }) : sendFolder(found, { asTags: true });
  });
  missing.querySelector("[data-drop-it]").addEventListener("click", closeQuestion);
  progress.querySelector("[data-cancel]").addEventListener("click", () => {
    queue = [];
    controller?.abort();
  });
  again.addEventListener("click", () => enqueue(lost));
  window.addEventListener("beforeunload", (event) => {
    if (controller) event.preventDefault();
  });

  function prepare(root) {
    for (const element of root.querySelectorAll("[data-without-script]")) element.hidden = true;
    for (const element of root.querySelectorAll("[data-with-script]")) element.hidden = false;
  }
  prepare(document);
  for (const input of document.querySelectorAll(INPUTS)) {
    if (input.files.length) chosen(input); // before this script was there
  }
})();
