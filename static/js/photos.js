// Makes a photo fit to be sent. What a browser can put right, it does; of the rest the server gets enough to name it.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});
  const HEAD_BYTES = 65_536; // enough to tell a format by
  const STEPS = [[4096, 0.9], [4096, 0.8], [3072, 0.8], [2048, 0.8], [1280, 0.8]]; // longer side in pixels, quality

  // Why a photo was not answered: a sentence for people, whether the same photo may succeed later, and in how many seconds.
  classifr.Failure = class extends Error {
    constructor(sentence, { mayRetry, waitS = 0 }) {
      super(sentence);
      this.mayRetry = mayRetry;
      this.waitS = waitS;
    }
  };

  function megabytes(bytes) {
    const rounded = Math.ceil((bytes / 1024 / 1024) * 10) / 10; // up, so that it never reads as the limit itself
    return rounded.toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1 });
  }

  classifr.tooBig = (bytes, say) =>
    new classifr.Failure(say.textTooBig.replace("SIZE", megabytes(bytes)), { mayRetry: false });

  // What its first bytes say that it is; "" for what is no picture, or none that a browser could ever read.
  async function formatOf(file) {
    const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
    if (head.startsWith("\xff\xd8\xff")) return "JPEG";
    if (head.startsWith("\x89PNG")) return "PNG";
    if (head.startsWith("GIF8")) return "GIF";
    if (head.startsWith("BM")) return "BMP";
    if (head.startsWith("RIFF") && head.endsWith("WEBP")) return "WebP";
    if (/^....ftypavi[fs]/s.test(head)) return "AVIF";
    return /^....ftyp(hei|hev|mif|msf)/s.test(head) ? "HEIC" : "";
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

  // A JPEG without its end marker is no bitmap for Chromium, which shows it all the same: a row that is not in the file
  // stays clear, and so does the last one as long as nothing follows it.
  async function openUnended(blob) {
    if ((await formatOf(blob)) !== "JPEG") throw new Error("Of other formats it shows what is coarse, too.");
    const image = new Image();
    const address = URL.createObjectURL(new Blob([blob, new Uint8Array(8)]));
    image.src = address;
    try {
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      const pen = canvas.getContext("2d");
      pen.drawImage(image, 0, 0);
      const [right, bottom] = [canvas.width - 1, canvas.height - 1];
      const corners = [[0, 0], [right, 0], [0, bottom], [right, bottom]]; // of which the EXIF orientation makes any the last
      if (corners.some(([x, y]) => pen.getImageData(x, y, 1, 1).data[3] < 255)) throw new Error("Rows are missing.");
      return canvas.transferToImageBitmap();
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  // The same picture as a JPEG: upright, without metadata, light enough.
  async function redrawn(blob, name, maxBytes) {
    const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" }).catch(() => openUnended(blob));
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

  // {photo, note}: what is to be sent, and the sentence that says in what it differs from what was chosen.
  classifr.prepare = async (file, say) => {
    const maxBytes = Number(say.maxBytes);
    const format = await formatOf(file).catch(() => {
      throw new classifr.Failure(say.textUnreadable.replace("NAME", file.name), { mayRetry: false });
    });
    if (format === "JPEG" && file.size <= maxBytes) return { photo: file, note: "" };
    if (!format) return { photo: new File([file.slice(0, HEAD_BYTES)], file.name), note: "" };
    const photo = await redrawn(file, file.name, maxBytes).catch(() => {
      if (format === "JPEG") throw classifr.tooBig(file.size, say);
      throw new classifr.Failure(say.textInconvertible.replace("FORMAT", format), { mayRetry: false });
    });
    const note = format === "JPEG" ? say.textShrunk : say.textConverted.replace("FORMAT", format);
    return { photo, note: note.replace("SIZE", megabytes(file.size)) };
  };

  // Without this script the server gets the file as it is, and takes JPEG alone.
  document.addEventListener("DOMContentLoaded", () => {
    for (const input of document.querySelectorAll('input[type="file"][accept="image/jpeg"]')) input.accept = "image/*";
  });
})();
