// On the confirmation: the next photo is sent at once, and its answer is the next page.
(() => {
  "use strict";
  const { classifr } = window;
  const form = document.getElementById("next-photo");
  const say = form.dataset;
  const input = form.querySelector("input[type=file]");
  const said = document.getElementById("next-photo-said");
  let isSent = false;

  function complain({ message }) {
    said.textContent = message;
    input.value = "";
  }

  function submit({ photo, note }) {
    if (isSent) return;
    isSent = true;
    const files = new DataTransfer();
    files.items.add(photo);
    input.files = files.files;
    said.textContent = `${say.textUploading} ${note}`;
    form.submit();
  }

  function take(files) {
    if (files.length > 1) complain({ message: say.textOnlyOne });
    else classifr.prepare(files[0], say).then(submit, complain);
  }

  classifr.takeIn(form, { take, complain });
  window.addEventListener("pageshow", () => {
    isSent = false;
    said.textContent = "";
  });
})();
