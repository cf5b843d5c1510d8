// Reads folders that are dropped, and of each file what the server judges it by.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const READ_AT_ONCE = 64; // first bytes of files
  const HEAD_BYTES = 64; // by which the server knows a format

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

  // Every file below these entries, with its path; throws if one cannot be read
  classifr.filesBelow = async (roots) => {
    const found = [];
    for (const entry of roots) await filesOf(entry, found);
    return found;
  };

  async function describe({ file, path }) {
    try {
      const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
      return [path, file.size, btoa(String.fromCharCode(...head))];
    } catch {
      return [path, file.size, null];
    }
  }

  // The paths, sizes and first bytes of files
  classifr.listingOf = async (found) => {
    const listing = [];
    for (let start = 0; start < found.length; start += READ_AT_ONCE) {
      listing.push(...(await Promise.all(found.slice(start, start + READ_AT_ONCE).map(describe))));
    }
    return new Blob([JSON.stringify(listing)], { type: "application/json" });
  };
})();
