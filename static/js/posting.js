// Posts what a page of developers sends, and tells what is final from what may pass.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const TIMEOUT_MS = 180_000;

  classifr.Stale = class extends Error {}; // the page is of another time: nothing more can be sent from it
  classifr.Refusal = class extends Error {};

  // One request: answers in JSON, or throws. A Refusal is final; any other error may pass.
  classifr.poster = (form, say) => async (url, body, cancelled = new AbortController().signal, timeout = TIMEOUT_MS) => {
    const signal = AbortSignal.any([cancelled, AbortSignal.timeout(timeout)]);
    const headers = { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
    const response = await fetch(url, { method: "POST", body, headers, signal });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    if (response.status === 413) throw new classifr.Refusal(say.textTooLarge);
    if (response.status === 404) throw new classifr.Stale(say.textGone);
    if (response.redirected || (response.status < 500 && response.status !== 429 && !isJson)) throw new classifr.Stale(say.textStale);
    if (response.status >= 500 || response.status === 429) throw new Error(String(response.status));
    const answer = await response.json();
    if (answer.error) throw new classifr.Refusal(answer.error);
    return answer;
  };

  classifr.sentenceOf = (error, say) =>
    error instanceof classifr.Stale || error instanceof classifr.Refusal ? error.message : say.textLost;

  classifr.pause = (seconds, cancelled) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      cancelled.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
})();
