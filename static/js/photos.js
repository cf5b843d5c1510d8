// Makes a photo fit to be sent. What a browser can put right, it does; of the rest the server gets enough to name it.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const HEAD_BYTES = 65_536; // enough to tell a format by
  const STEPS = [[4096, 0.9], [4096, 0.8], [3072, 0.8], [2048, 0.8], [1280, 0.8]]; // longer side in pixels, quality

  // Why a photo was not answered: a sentence for people, and whether the same photo may succeed later.
  classifr.Failure = class extends Error {
    constructor(sentence, { mayRetry }) {
      super(sentence);
      this.mayRetry = mayRetry;
    }
  };

  function megabytes(bytes) {
    const rounded = Math.ceil((bytes / 1024 / 1024) * 10) / 10; // up, so that it never reads as the limit itself
    return rounded.toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1 });
  }

  classifr.tooBig = (bytes, say) =>
    new classifr.Failure(say.textTooBig.replace("SIZE", megabytes(bytes)), { mayRetry: false });

  async function isJpeg(file) {
    const [first, second, third] = new Uint8Array(await file.slice(0, 3).arrayBuffer());
    return first === 0xff && second === 0xd8 && third === 0xff;
  }

  function drawn(bitmap, side, quality) {
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff"; // behind what is transparent
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  }

  // The same picture as a JPEG: upright, without metadata, light enough.
  async function redrawn(blob, name, maxBytes) {
    const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
    try {
      for (const [side, quality] of STEPS) {
        const jpeg = await drawn(bitmap, side, quality);
        if (jpeg && jpeg.size < maxBytes) return new File([jpeg], name, { type: "image/jpeg" });
      }
    } finally {
      bitmap.close();
    }
    throw new Error("No size is small enough.");
  }

  // A bitmap of the clipboard has no file behind it, so whoever pastes it could not know its format.
  classifr.fromClipboard = (blob, say) => {
    const name = `${say.textPasted}.jpg`;
    return redrawn(blob, name, Number(say.maxBytes)).catch(() => new File([blob], name, { type: blob.type }));
  };

  // {photo, shrunk}: what is to be sent, and the sentence that says it is smaller than what was chosen.
  classifr.prepare = async (file, say) => {
    const maxBytes = Number(say.maxBytes);
    const canBeShrunk = await isJpeg(file).catch(() => {
      throw new classifr.Failure(say.textUnreadable.replace("NAME", file.name), { mayRetry: false });
    });
    if (file.size <= maxBytes) return { photo: file, shrunk: "" };
    if (!canBeShrunk) return { photo: new File([file.slice(0, HEAD_BYTES)], file.name), shrunk: "" };
    const photo = await redrawn(file, file.name, maxBytes).catch(() => {
      throw classifr.tooBig(file.size, say);
    });
    return { photo, shrunk: say.textShrunk.replace("SIZE", megabytes(file.size)) };
  };
})();
