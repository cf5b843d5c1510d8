// Photos for an iteration that is tried: each gets a card with the two answers. Without this the form is a plain form.
(() => {
  "use strict";
  const { classifr } = window;
  const form = document.getElementById("trial-form");
  if (!form) return;

  const input = form.querySelector("input[type=file]");
  const complaint = form.querySelector("[data-complaint]");
  const queue = classifr.makeQueue(form, { onOpen: () => {}, onClose: () => input.focus() });

  function take(files) {
    input.value = "";
    complaint.textContent = "";
    queue.add(files);
  }

  input.multiple = true; // without this script, one photo at a time
  classifr.takeIn(form, {
    take,
    complain: ({ message }) => {
      complaint.textContent = message;
    },
  });
})();
