// Tells the server the browser's time zone: from the next page on, moments are shown in it.
(() => {
  "use strict";
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const secure = location.protocol === "https:" ? "; secure" : "";
  const path = document.documentElement.dataset.cookiePath;
  if (timeZone && path) {
    document.cookie = `timezone=${timeZone}; path=${path}; max-age=31536000; samesite=lax${secure}`;
  }
})();
