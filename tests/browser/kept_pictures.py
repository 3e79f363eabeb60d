"""Pictures that were looked at by eye: taken, compared with what is kept, and how to accept.

One picture a page, at three quarters of its size: left in grey, right with text at 200 %; where
the page's own part is longer than that, a second one of its end. What differs from one run to the
next (codes, hours) is written over first. Two pictures are compared by small squares, so that one
changed word is enough to tell them apart and a letter's edge is not.
"""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import FloatRect, Page

GOLDEN = Path(__file__).parent / "golden"
NEW = Path(__file__).parent / "screenshots" / "golden-new"
HIGHEST = 1320
"""Pixels of a page in one picture: of what is longer the beginning and the end are kept."""
FEW = 64
"""Pixels that are not worth a second picture: the edge of a button, of the drawn phone."""
MAIN_ENDS = "Math.ceil(document.querySelector('main').getBoundingClientRect().bottom + scrollY)"
"""Where the page's own part ends; the foot below it is the same everywhere."""
ALLOWED = 2
"""Squares that may differ."""
STILL = """() => {
  document.activeElement?.blur();
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const node = words.currentNode;
    if (node.parentElement.closest('p.so-to')) node.data = node.data.replace(/\\d/g, '8');
    node.data = node.data
      .replace(/\\b\\d{1,2}([:.])\\d{2}([:.]\\d{2})?\\b/g, '08$130')
      .replace(/\\b\\d{1,2} giờ \\d{1,2}/g, '8 giờ 30')
      .replace(/\\b\\d{1,2}\\/\\d{1,2}\\/\\d{4}\\b/g, '05/06/2026')
      .replace(/\\b\\d{4} \\d{4}\\b/g, '8888 8888')
      .replace(/\\b(?=[0-9A-F]*\\d)[0-9A-F]{8,}\\b/gi, '88888888');
  }
}"""
"""Writes over what is another in each run: codes, hours, days, serial numbers."""
BESIDE = """async (parts) => {
  const images = [];
  for (const data of parts) {
    const image = new Image(); image.src = 'data:image/png;base64,' + data; await image.decode();
    images.push(image);
  }
  const canvas = document.createElement('canvas');
  const scale = 0.75;
  canvas.width = images.reduce((sum, image) => sum + image.width, 0) * scale;
  canvas.height = Math.max(...images.map((image) => image.height)) * scale;
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#888'; pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = 'high';
  pen.scale(scale, scale);
  let left = 0;
  for (const image of images) { pen.drawImage(image, left, 0); left += image.width; }
  return canvas.toDataURL('image/jpeg', 0.35).split(',')[1];
}"""
"""Pictures side by side, small."""
SQUARES = """async ([one, other]) => {
  const load = async (data) => {
    const image = new Image(); image.src = 'data:image/jpeg;base64,' + data; await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width; canvas.height = image.height;
    const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);
    return [pen.getImageData(0, 0, image.width, image.height), canvas, pen];
  };
  const [a] = await load(one), [b, canvas, pen] = await load(other);
  const size = 8, wide = Math.min(a.width, b.width), high = Math.min(a.height, b.height);
  let changed = (a.width !== b.width || a.height !== b.height) ? 1000 : 0;
  pen.fillStyle = 'rgba(255,0,255,.4)';
  for (let y = 0; y < high; y += size) for (let x = 0; x < wide; x += size) {
    let sum = 0, seen = 0;
    for (let v = y; v < Math.min(y + size, high); v += 1)
      for (let u = x; u < Math.min(x + size, wide); u += 1) {
        const p = (v * a.width + u) * 4, q = (v * b.width + u) * 4;
        sum += Math.abs(a.data[p + 1] - b.data[q + 1]); seen += 1;
      }
    if (sum / seen > 16) { changed += 1; pen.fillRect(x, y, size, size); }
  }
  return [changed, canvas.toDataURL('image/jpeg', 0.6).split(',')[1]];
}"""
"""How many squares of two pictures differ, and the second with those marked."""


def changed(page: Page, name: str) -> str:
    """Compare *page* with the pictures kept as *name*; return what is wrong, or nothing."""
    page.evaluate(STILL)
    beginnings, ends = [], []
    for style in ("html{filter:grayscale(1)}", "html{font-size:200%!important}"):
        tag = page.add_style_tag(content=style + "*{caret-color:transparent!important}")
        high = page.evaluate("document.documentElement.scrollHeight")
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            return f"{name}: wider than the screen at 200 %"
        beginnings.append(_part(page, 0, min(high, HIGHEST)))
        if (bottom := page.evaluate(MAIN_ENDS)) > HIGHEST + FEW:
            top = max(HIGHEST, bottom - HIGHEST)
            ends.append(_part(page, top, bottom - top))
        tag.evaluate("node => node.remove()")
    faults = [_compared(page, name, beginnings)]
    if ends:
        faults.append(_compared(page, f"{name}.end", ends))
    return "\n".join(filter(None, faults))


def _compared(page: Page, name: str, parts: list[str]) -> str:
    """Compare *parts* side by side with the picture kept as *name*."""
    taken = str(page.evaluate(BESIDE, parts))
    kept = GOLDEN / f"{name}.jpg"
    known = base64.b64encode(kept.read_bytes()).decode() if kept.exists() else ""
    squares, marked = page.evaluate(SQUARES, [known, taken]) if known else (0, "")
    if known and squares <= ALLOWED:
        return ""
    NEW.mkdir(parents=True, exist_ok=True)
    new = NEW / kept.name
    new.write_bytes(base64.b64decode(taken))
    if marked:
        new.with_name(f"{name}.diff.jpg").write_bytes(base64.b64decode(marked))
    why = f"{squares} squares differ, marked in {name}.diff.jpg" if known else "is new"
    return f"{name}: {why}; look at {new}; to accept: mv {new} {kept}"


def _part(page: Page, top: int, high: int) -> str:
    """Return a picture of so many pixels of the page from *top* on."""
    part = FloatRect(x=0, y=top, width=320, height=high)
    return base64.b64encode(page.screenshot(full_page=True, clip=part)).decode()
