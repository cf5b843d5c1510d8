// What is dropped on a project's pages, or chosen, is sent from there. Without this the forms are plain forms.
(() => {
  "use strict";
  const { classifr } = window;
  const panel = document.getElementById("uploads");
  if (!panel) return;

  const ZIP_TIMEOUT_MS = 1_800_000;
  const ZIP = /\.zip$/i;

  const say = panel.dataset; // the sentences, translated by the template
  const form = panel.querySelector("form[data-upload]");
  const tagSelect = form.elements.tag;
  const said = panel.querySelector("[data-said]");

  const post = classifr.poster(form, say);
  const sending = classifr.imageSending({ panel, say, post, tell, onEnd: refresh });
  const ask = classifr.tagQuestion({
    missing: panel.querySelector("[data-missing]"),
    say,
    post,
    tell,
    // Judged again, the folders find their tags
    sendWithTags: async ({ zip, found, asTags }) =>
      zip ? sendZip(zip, { asTags, confirmed: true }) : sendJudged(found, await judge(found, asTags)),
    sendAsTheyAre: ({ zip, found, judged }) => (zip ? sendZip(zip, { confirmed: true }) : sendJudged(found, judged)),
    sendAsTags: ({ zip, found }) => (zip ? sendZip(zip, { asTags: true }) : sendFolder(found, { asTags: true })),
  });

  function tell(sentence) {
    said.textContent = sentence;
  }

  // Choosing what to send

  // The server judges what a folder holds
  async function judge(found, asTags) {
    const body = new FormData();
    body.append("listing", await classifr.listingOf(found), "listing");
    if (asTags) body.append("as_tags", "on");
    return post(say.folderUrl, body);
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
      tell(classifr.sentenceOf(error, say));
    }
  }

  // A ZIP is one request: the server reads its entries, or asks first
  async function sendZip(file, { asTags = false, confirmed = false, tag = "" } = {}) {
    if (file.size > Number(say.maxZipBytes)) {
      return tell(say.textZipTooBig.replace("SIZE", classifr.number(Math.ceil(file.size / 1024 / 1024))));
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
      sending.addResults(results, system);
    } catch (error) {
      tell(classifr.sentenceOf(error, say));
    }
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
    sending.addNote(judged.system);
    sending.enqueue([...refused, ...pictures]);
  }

  function sendFiles(files, tag) {
    if (!files.length) return tell(say.textNothing);
    if (files.length === 1 && ZIP.test(files[0].name)) return sendZip(files[0], { tag });
    const heldOut = isHeldOut();
    sending.enqueue([...files].map((file) => ({ file, path: file.name, tag, heldOut })));
  }

  function isHeldOut() {
    return form.elements.held_out.checked;
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

  async function dropped(transfer, tag) {
    const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...transfer.files];
    if (!roots.some((entry) => entry.isDirectory)) return sendFiles(files, tag);
    tell(say.textReading);
    let found;
    try {
      found = await classifr.filesBelow(roots);
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


  function prepare(root) {
    for (const element of root.querySelectorAll("[data-without-script]")) element.hidden = true;
    for (const element of root.querySelectorAll("[data-with-script]")) element.hidden = false;
  }
  prepare(document);
  for (const input of document.querySelectorAll(INPUTS)) {
    if (input.files.length) chosen(input); // before this script was there
  }
})();
