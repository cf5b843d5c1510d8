// Sends one photo and says how far it is. Both the single photo and the queue use it.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const SLOW_MS = 10_000;
  const PATIENCE_MS = 60_000; // without a sign of life

  const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);

  // The cookie's is fresh, even after signing in again in another tab; the form's is that of the page.
  classifr.csrfToken = (form) => cookie("csrftoken") ?? form.elements.csrfmiddlewaretoken.value;

  function failure(xhr, photo, say) {
    const { status } = xhr;
    const mayRetry = status === 429 || status >= 500;
    if (status === 401) return new classifr.Failure(say.textSignedOut, { mayRetry: true });
    if (xhr.getResponseHeader("Content-Type")?.startsWith("text/plain") && xhr.responseText) {
      const waitS = status === 429 ? Number(xhr.getResponseHeader("Retry-After")) : 0;
      return new classifr.Failure(xhr.responseText, { mayRetry, waitS });
    }
    if (status === 413) return classifr.tooBig(photo.size, say);
    return mayRetry || status === 200 // 200: another page than ours
      ? new classifr.Failure(say.textBroken, { mayRetry: true })
      : new classifr.Failure(say.textStale, { mayRetry: false });
  }

  function bodyOf(form, photo, fields) {
    const body = new FormData(form);
    body.delete("csrfmiddlewaretoken");
    body.set("photo", photo, photo.name);
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return body;
  }

  // Return {answer, abort}. `answer` ends with the document fragment and the new address, or with a Failure.
  classifr.send = (form, photo, { fields = {}, onProgress, onAnalysing, onSlow }) => {
    const say = form.dataset;
    const xhr = new XMLHttpRequest();
    const slow = setTimeout(onSlow, SLOW_MS);
    let patience = 0;
    const answer = new Promise((resolve, reject) => {
      const offline = () => reject(new classifr.Failure(say.textOffline, { mayRetry: true }));
      const wait = () => {
        clearTimeout(patience);
        patience = setTimeout(() => {
          xhr.abort();
          offline();
        }, PATIENCE_MS);
      };
      xhr.upload.addEventListener("progress", (event) => {
        wait();
        if (event.lengthComputable) onProgress((100 * event.loaded) / event.total);
      });
      xhr.upload.addEventListener("load", onAnalysing);
      xhr.addEventListener("error", offline);
      xhr.addEventListener("load", () => {
        const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
        if (xhr.status !== 200 || !page.querySelector("[data-state]")) return reject(failure(xhr, photo, say));
        return resolve({ page, url: xhr.getResponseHeader("HX-Push-Url") });
      });
      xhr.open("POST", form.action);
      xhr.setRequestHeader("HX-Request", "true");
      xhr.setRequestHeader("X-CSRFToken", classifr.csrfToken(form));
      wait();
      xhr.send(bodyOf(form, photo, fields));
    }).finally(() => {
      clearTimeout(slow);
      clearTimeout(patience);
    });
    const abort = () => {
      clearTimeout(slow);
      clearTimeout(patience);
      xhr.abort();
    };
    return { answer, abort };
  };
})();
