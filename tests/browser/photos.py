"""Photos, and the ways in which a browser hands them to the page."""

import base64
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

MAKE_TRANSFER = """files => {
  const transfer = new DataTransfer();
  for (const { name, type, data } of files) {
    transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
  }
  return transfer;
}"""
GPS = 0x8825


def as_files(*files: tuple[str, str, bytes]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind, "data": base64.b64encode(content).decode()} for name, kind, content in files]


def paste(page: Page, *files: tuple[str, str, bytes], on: str = "body", text: str = "") -> bool:
    """Paste name, type and content of each, and the text that goes with them; True when the page leaves that alone."""
    script = """([element, transfer, text]) => {
      if (text) transfer.setData("text/plain", text);
      return element.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
    }"""
    transfer = page.evaluate_handle(MAKE_TRANSFER, as_files(*files))
    return bool(page.evaluate(script, [page.locator(on).element_handle(), transfer, text]))


def drag(page: Page, event: str, *files: tuple[str, str, bytes], on: str = "footer") -> bool:
    """Drag the files over the page, or drop them; True when the browser would have left the page."""
    script = """([element, transfer, type]) => element.dispatchEvent(
      new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }))"""
    transfer = page.evaluate_handle(MAKE_TRANSFER, as_files(*files))
    return bool(page.evaluate(script, [page.locator(on).element_handle(), transfer, event]))


def make_heavy_photo(path: Path) -> Path:
    """Write a JPEG over 4 MiB that lies on its side and knows where it was taken; its upper half, upright, is red."""
    noise = np.random.default_rng(1).integers(0, 90, (2100, 2800, 3), dtype=np.uint8)
    noise[:, :1400, 0] += 160  # EXIF 6: the left side as stored is the upper one
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(GPS)[1] = "N"
    Image.fromarray(noise).save(path, quality=97, exif=exif)
    return path
