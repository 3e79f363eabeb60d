"""What a printed page says: the text of each page of a PDF that Chromium made.

Only what Chromium writes is understood: compressed streams, fonts with a ToUnicode table, glyphs
as hexadecimal strings. Spaces between runs are not reliable, so texts come without any.
"""

from __future__ import annotations

import re
import zlib

Glyphs = dict[int, str]
Font = tuple[int, Glyphs]
"""How many hexadecimal digits name a glyph, and what each glyph says."""

NO_FONT: Font = (4, {})
_OBJECT = re.compile(rb"(\d+) 0 obj\n?(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def page_texts(pdf: bytes) -> list[str]:
    """Return the text of each page of *pdf*, in order, without spaces."""
    objects = {int(found.group(1)): found.group(2) for found in _OBJECT.finditer(pdf)}
    fonts = {n: _font(objects, body) for n, body in objects.items() if b"/ToUnicode" in body}
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b(?!s)", body)]
    return [_page_text(objects, fonts, page) for page in pages]


def _page_text(objects: dict[int, bytes], fonts: dict[int, Font], page: bytes) -> str:
    contents = re.search(rb"/Contents (\d+)", page)
    assert contents, "a page without contents"
    drawn = _stream(objects[int(contents.group(1))]).decode("latin-1")
    names = dict(re.findall(r"/(F\d+) (\d+) 0 R", page.decode("latin-1")))
    digits, glyphs = NO_FONT
    said = []
    for found in re.finditer(r"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>", drawn):
        if found.group(1):
            digits, glyphs = fonts.get(int(names.get(found.group(1), 0)), NO_FONT)
        else:
            codes = re.findall("." * digits, found.group(2))
            said += [glyphs.get(int(code, 16), "") for code in codes]
    return re.sub(r"\s+", "", "".join(said))


def _font(objects: dict[int, bytes], font: bytes) -> Font:
    place = re.search(rb"/ToUnicode (\d+)", font)
    assert place
    table = _stream(objects[int(place.group(1))]).decode("latin-1")
    glyphs: Glyphs = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, letters in re.findall(r"<(\w+)>\s*<(\w+)>", block):
            glyphs[int(code, 16)] = bytes.fromhex(letters).decode("utf-16-be")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, letter in re.findall(r"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            for code in range(int(first, 16), int(last, 16) + 1):
                glyphs[code] = chr(int(letter, 16) + code - int(first, 16))
    return 2 if b"/Type3" in font else 4, glyphs


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found, "an object without a stream"
    return zlib.decompress(found.group(1)) if b"FlateDecode" in body else found.group(1)
