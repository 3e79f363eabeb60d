"""What every page must be, checked on the page a browser shows (learner-experience §13).

`check_page(page)` returns the faults it found, each one line; `assert_clean(page)` raises with
them. It needs script in the page's context: to look at the page as it is without the site's own
script, open it with `script="aborted"` (tests/browser/conftest.py).
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE_OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}, "color-contrast-enhanced": {"enabled": True}},
}
PHONE = {"width": 320, "height": 480}
HELP = {
    "vi": ["Giơ tay", "Nghe đọc", "Xem mẫu", "Chỉnh chữ"],
    "en": ["Raise hand", "Read aloud", "See a sample", "Text size"],
}
MARK = {"vi": "BẢN TẬP – DỮ LIỆU GIẢ LẬP", "en": "PRACTICE COPY – INVENTED DATA"}
SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; "
    "word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"
)

TEXT_FAULTS = """() => {
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.nodeValue.trim();
    const host = walker.currentNode.parentElement;
    if (!words || ['SCRIPT', 'STYLE', 'OPTION', 'TITLE'].includes(host.tagName)) continue;
    const style = getComputedStyle(host);
    if (style.visibility === 'hidden' || !host.getClientRects().length) continue;
    const size = parseFloat(style.fontSize), where = `<${host.tagName.toLowerCase()}> "${words.slice(0, 40)}"`;
    if (size < 16) faults.push(`text of ${size}px: ${where}`);
    if (/^H[1-6]$/.test(host.tagName) && size < 24) faults.push(`heading of ${size}px: ${where}`);
    if (['P', 'LI', 'DD', 'LABEL'].includes(host.tagName) && size < 18 &&
        !host.closest('footer, .nho, .mach, .ma-so, .ung-dung')) faults.push(`running text of ${size}px: ${where}`);
    const leading = parseFloat(style.lineHeight) / size;
    if (!(leading >= 1.45) && !host.closest('.cham, .so-thu')) faults.push(`line height ${style.lineHeight} at ${size}px: ${where}`);
    if (style.textAlign === 'justify') faults.push(`justified text: ${where}`);
    if (style.fontStyle === 'italic') faults.push(`italic text: ${where}`);
    if (style.textTransform === 'uppercase') faults.push(`upper case by style: ${where}`);
    if (style.overflow === 'hidden' && host.scrollHeight > host.clientHeight + 1 && host.clientHeight > 1)
      faults.push(`clipped text: ${where}`);
  }
  document.querySelectorAll('.so-to').forEach(field => {
    if (parseFloat(getComputedStyle(field).fontSize) < 28) faults.push('digits below 28px');
  });
  document.querySelectorAll('*').forEach(node => {
    const style = getComputedStyle(node);
    if (style.position === 'fixed') faults.push(`fixed element <${node.tagName.toLowerCase()}>`);
    if (style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0) faults.push(`motion on <${node.tagName.toLowerCase()}>`);
  });
  return faults;
}"""

TARGET_FAULTS = """() => {
  const faults = [], boxes = [];
  const name = node => `<${node.tagName.toLowerCase()}> "${(node.innerText || node.value || node.name || node.id || '').trim().slice(0, 30)}"`;
  const seen = node => {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    return box.width > 1 && box.height > 1 && style.visibility !== 'hidden' && box.right > 0;
  };
  document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary').forEach(node => {
    if (!seen(node)) return;
    let box = node.getBoundingClientRect();
    let rect = {left: box.left, top: box.top, right: box.right, bottom: box.bottom, node};
    for (const label of node.labels || []) {
      const other = label.getBoundingClientRect();
      rect.left = Math.min(rect.left, other.left); rect.top = Math.min(rect.top, other.top);
      rect.right = Math.max(rect.right, other.right); rect.bottom = Math.max(rect.bottom, other.bottom);
    }
    boxes.push(rect);
  });
  const edge = document.documentElement.clientWidth;
  for (const box of boxes) {
    const width = box.right - box.left, height = box.bottom - box.top;
    if (width < 47.5 || height < 47.5) faults.push(`target ${width.toFixed(0)}x${height.toFixed(0)}: ${name(box.node)}`);
    if (box.node.matches('.chinh, .phim') && height < 63.5) faults.push(`main button ${height.toFixed(0)} high: ${name(box.node)}`);
    if (!box.node.closest('.cuon, .ma') && (box.left < 7.5 || box.right > edge - 7.5)) faults.push(`less than 8px from the edge: ${name(box.node)}`);
  }
  for (let i = 0; i < boxes.length; i += 1) for (let j = i + 1; j < boxes.length; j += 1) {
    const a = boxes[i], b = boxes[j];
    if (a.node.contains(b.node) || b.node.contains(a.node)) continue;
    const across = Math.max(a.left - b.right, b.left - a.right), down = Math.max(a.top - b.bottom, b.top - a.bottom);
    const gap = Math.max(across, down);
    const wanted = (a.node.matches('.chinh') && b.node.matches('.xoa')) || (b.node.matches('.chinh') && a.node.matches('.xoa')) ? 24 : 12;
    if (gap < wanted - 0.6) faults.push(`gap of ${gap.toFixed(1)}px (${wanted} wanted): ${name(a.node)} and ${name(b.node)}`);
  }
  return faults;
}"""

CONTROL_FAULTS = """() => {
  const faults = [];
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const channel = value => { value /= 255; return value <= 0.03928 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4); };
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const ratio = (a, b) => { const x = light(a), y = light(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] > 0.99) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  document.querySelectorAll('button, select, textarea, .chinh, .phu, input:not([type=hidden]):not([type=radio]):not([type=checkbox])').forEach(node => {
    if (!node.getClientRects().length) return;
    const style = getComputedStyle(node), around = ground(node.parentElement);
    const border = parseFloat(style.borderTopWidth) > 0 ? ratio(parse(style.borderTopColor), around) : 1;
    const fill = ratio(ground(node), around);
    if (Math.max(border, fill) < 3) faults.push(`control with less than 3:1: <${node.tagName.toLowerCase()}> ${node.className}`);
  });
  return faults;
}"""

STRUCTURE = """() => ({
  lang: document.documentElement.lang, title: document.title,
  h1: document.querySelectorAll('h1').length, main: document.querySelectorAll('.chinh').length,
  learner: document.body.classList.contains('learner'),
  words: document.body.innerText, nodes: document.querySelectorAll('*').length,
  help: Array.from(document.querySelectorAll('nav.giup a, nav.giup button')).map(node => node.innerText.trim()),
  order: Array.from(document.querySelectorAll('a.nhay, header .ban-tap, nav.dieu-huong, main#chinh, nav.giup, footer')).map(node => node.tagName.toLowerCase()),
  listRows: Math.max(0, ...Array.from(document.querySelectorAll('ul.hang')).map(list => list.children.length)),
  errorsShown: !!document.querySelector('#loi'),
  forbidden: Array.from(document.querySelectorAll('meta[http-equiv=refresh], dialog, [popover], [inert], script[type=module], meter, [style], input[type=date], input[type=number], input[type=color], input[type=range], iframe, video, [onclick]')).map(node => node.outerHTML.slice(0, 80)),
  foreign: Array.from(document.querySelectorAll('[src], [href], [action]')).map(node => node.getAttribute('src') || node.getAttribute('href') || node.getAttribute('action')).filter(to => /^([a-z]+:)?\\/\\//i.test(to) && !to.startsWith(location.origin + '/')),
  loaded: performance.getEntriesByType('resource').map(entry => entry.name).filter(to => !to.startsWith(location.origin + '/')),
  requests: performance.getEntriesByType('resource').length + 1,
  bytes: performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((sum, entry) => sum + entry.encodedBodySize, 0),
  unsealed: Array.from(document.querySelectorAll('form[method=post]')).filter(form => !form.querySelector('input[name=f]')).length,
})"""

LINKS_WITHOUT_TOKEN = """() => Array.from(document.querySelectorAll('a[href], form[action]'))
  .map(node => node.getAttribute('href') || node.getAttribute('action'))
  .filter(to => !to.startsWith('#') && !to.startsWith('/tinh/') && !/[?&]m=[\\w-]{22}/.test(to))"""


def check_page(page: Page) -> list[str]:
    """Return the faults of the page as it stands: accessibility, reflow, text, targets, order."""
    faults = [*structure_faults(page), *axe_faults(page)]
    before = page.viewport_size
    for size in (PHONE, {"width": 1024, "height": 768}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for script in (TEXT_FAULTS, TARGET_FAULTS, CONTROL_FAULTS):
            faults += [f"{size['width']}px: {fault}" for fault in page.evaluate(script)]
    faults += reflow_faults(page)
    if before:
        page.set_viewport_size(before)
    return faults


def assert_clean(page: Page) -> None:
    """Raise AssertionError naming every fault of the page and its address."""
    faults = check_page(page)
    assert not faults, f"{page.url}\n  " + "\n  ".join(faults)


def axe_faults(page: Page) -> list[str]:
    """Return axe's violations (check 1), at phone width, where text and targets are tightest."""
    before = page.viewport_size
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    if before:
        page.set_viewport_size(before)
    return [
        f"axe {rule['id']}: {node['html'][:120]} – {(node.get('failureSummary') or '')[:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def reflow_faults(page: Page) -> list[str]:
    """Return where the page scrolls sideways at 320 px: plain, 200 % text, spacing of 1.4.12."""
    before, faults = page.viewport_size, []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for name, style in (
        ("", ""),
        ("200 %: ", "html{font-size:200%!important}"),
        ("spacing: ", SPACING),
    ):
        tag = page.add_style_tag(content=style) if style and _may_style(page) else None
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            faults.append(f"{name}scrolls sideways: {width}px")
        if tag:
            tag.evaluate("node => node.remove()")
    if before:
        page.set_viewport_size(before)
    return faults


def _may_style(page: Page) -> bool:
    """Injected styles need a context that bypasses the page's own policy."""
    probe = page.evaluate(
        "() => { const s = document.createElement('style'); s.textContent = 'x{}';"
        " document.head.append(s); const ok = !!s.sheet; s.remove(); return ok; }"
    )
    return bool(probe)


def structure_faults(page: Page) -> list[str]:
    """Return what is wrong with the page's skeleton (checks 8–11, 22, 24)."""
    found: dict[str, Any] = page.evaluate(STRUCTURE)
    lang = found["lang"]
    expected = [
        (lang in MARK, f"lang={lang!r}"),
        (found["h1"] == 1, f"{found['h1']} h1"),
        (MARK.get(lang, "") in found["words"], "the practice mark is missing"),
        (found["main"] <= 1, f"{found['main']} main buttons"),
        (bool(found["title"].split(" – ")[0].strip()), "no title"),
        (not found["forbidden"], f"forbidden: {found['forbidden']}"),
        (
            not found["foreign"] and not found["loaded"],
            f"foreign: {found['foreign'] + found['loaded']}",
        ),
        (not found["unsealed"], f"{found['unsealed']} POST forms without token"),
        (
            _is_wrong(found["title"]) == found["errorsShown"],
            f"title {found['title']!r} and error box disagree",
        ),
    ]
    if found["learner"]:
        expected += [
            (found["help"] == HELP.get(lang), f"help bar {found['help']}"),
            (
                found["order"] == ["a", "div", "nav", "main", "nav", "footer"],
                f"order {found['order']}",
            ),
            (found["listRows"] <= 10, f"a list of {found['listRows']} rows"),
            (found["nodes"] <= 400, f"{found['nodes']} nodes"),
            (found["requests"] <= 8, f"{found['requests']} requests"),
            (found["bytes"] <= 100_000, f"{found['bytes']} bytes"),
        ]
    return [fault for fine, fault in expected if not fine]


def _is_wrong(title: str) -> bool:
    return title.startswith(("Lỗi: ", "Error: "))


def links_without_token(page: Page) -> list[str]:
    """Return the addresses on the page that lose the visitor (N2); for browsers without cookies."""
    found: list[str] = page.evaluate(LINKS_WITHOUT_TOKEN)
    return found


def focus_rings(page: Page, presses: int = 40) -> list[str]:
    """Return the stops of the Tab key that show no ring of at least 3 px (check 14)."""
    faults = []
    for _ in range(presses):
        page.keyboard.press("Tab")
        ring = page.evaluate(
            "() => { const n = document.activeElement; if (!n || n === document.body) return null;"
            " const s = getComputedStyle(n); return [n.outerHTML.slice(0, 80), s.outlineStyle,"
            " parseFloat(s.outlineWidth)]; }"
        )
        if ring is None:
            break
        if ring[1] != "solid" or ring[2] < 3:
            faults.append(f"no focus ring: {ring[0]}")
    return faults
