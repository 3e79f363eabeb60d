// What lint.py asks of a page, in the page: an object of functions, each returning its findings.
({
  words(node) {
    const said = node.innerText || node.value || node.name || node.id || '';
    return `<${node.tagName.toLowerCase()}> "${said.trim().slice(0, 40)}"`;
  },

  // What is laid out and shown; not what a closed <details> holds.
  seen(node) {
    const hidden = getComputedStyle(node).visibility === 'hidden';
    return !hidden && node.getClientRects().length > 0 && node.checkVisibility();
  },

  // Check 3: sizes, leading; check 21: no justified, slanted or capital text; T5: nothing clipped.
  text() {
    const faults = [];
    const silent = ['SCRIPT', 'STYLE', 'OPTION', 'TITLE'];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const said = walker.currentNode.nodeValue.trim();
      const host = walker.currentNode.parentElement;
      if (!said || silent.includes(host.tagName)) continue;
      const style = getComputedStyle(host);
      if (!this.seen(host)) continue;
      const size = parseFloat(style.fontSize);
      const where = `<${host.tagName.toLowerCase()}> "${said.slice(0, 40)}"`;
      if (size < 16) faults.push(`text of ${size}px: ${where}`);
      if (/^H[1-6]$/.test(host.tagName) && size < 24) faults.push(`heading of ${size}px: ${where}`);
      const running = ['P', 'LI', 'DD', 'LABEL', 'TD'].includes(host.tagName);
      const small = host.closest('footer, .nho, .mach, .ma-so, .ung-dung');
      if (running && !small && size < 18) faults.push(`running text of ${size}px: ${where}`);
      const leading = parseFloat(style.lineHeight) / size;
      if (!(leading >= 1.45) && !host.closest('.cham, .so-thu')) {
        faults.push(`line height ${style.lineHeight} at ${size}px: ${where}`);
      }
      if (style.textAlign === 'justify') faults.push(`justified text: ${where}`);
      if (style.fontStyle === 'italic') faults.push(`italic text: ${where}`);
      if (style.textTransform === 'uppercase') faults.push(`upper case by style: ${where}`);
      const clipped = style.overflow === 'hidden' && host.clientHeight > 1 &&
        host.scrollHeight > host.clientHeight + 1;
      if (clipped) faults.push(`clipped text: ${where}`);
    }
    document.querySelectorAll('.so-to').forEach(field => {
      if (parseFloat(getComputedStyle(field).fontSize) < 28) faults.push('digits below 28px');
    });
    document.querySelectorAll('*').forEach(node => {
      const style = getComputedStyle(node), name = node.tagName.toLowerCase();
      if (style.position === 'fixed') faults.push(`fixed element <${name}>`);
      const moves = style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0;
      if (moves) faults.push(`motion on <${name}>`);
    });
    return faults;
  },

  // Checks 4 and 5: size of targets, gaps between them, distance from the edge.
  targets() {
    const faults = [], boxes = [];
    const controls = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
    document.querySelectorAll(controls).forEach(node => {
      const own = node.getBoundingClientRect();
      if (own.width <= 1 || own.height <= 1 || own.right <= 0 || !this.seen(node)) return;
      const box = { left: own.left, top: own.top, right: own.right, bottom: own.bottom, node };
      for (const label of node.labels || []) {
        const other = label.getBoundingClientRect();
        box.left = Math.min(box.left, other.left);
        box.top = Math.min(box.top, other.top);
        box.right = Math.max(box.right, other.right);
        box.bottom = Math.max(box.bottom, other.bottom);
      }
      boxes.push(box);
    });
    const edge = document.documentElement.clientWidth;
    for (const box of boxes) {
      const width = box.right - box.left, height = box.bottom - box.top, name = this.words(box.node);
      const inOwnBox = box.node.closest('.cuon, .ma');
      if (width < 47.5 || height < 47.5) {
        faults.push(`target ${width.toFixed(0)}x${height.toFixed(0)}: ${name}`);
      }
      if (box.node.matches('.chinh, .phim') && height < 63.5) {
        faults.push(`main button ${height.toFixed(0)} high: ${name}`);
      }
      if (!inOwnBox && (box.left < 7.5 || box.right > edge - 7.5)) {
        faults.push(`less than 8px from the edge: ${name}`);
      }
    }
    for (let i = 0; i < boxes.length; i += 1) {
      for (let j = i + 1; j < boxes.length; j += 1) {
        const a = boxes[i], b = boxes[j];
        if (a.node.contains(b.node) || b.node.contains(a.node)) continue;
        const across = Math.max(a.left - b.right, b.left - a.right);
        const down = Math.max(a.top - b.bottom, b.top - a.bottom);
        const gap = Math.max(across, down);
        const opposed = [a, b].some(box => box.node.matches('.chinh')) &&
          [a, b].some(box => box.node.matches('.xoa'));
        const wanted = opposed ? 24 : 12;
        if (gap < wanted - 0.6) {
          const pair = `${this.words(a.node)} and ${this.words(b.node)}`;
          faults.push(`gap of ${gap.toFixed(1)}px (${wanted} wanted): ${pair}`);
        }
      }
    }
    return faults;
  },

  // Check 2, second half: a control stands out from its ground by border or fill, 3:1.
  controls() {
    const faults = [];
    const parse = text => (text.match(/[\d.]+/g) || []).map(Number);
    const channel = value => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
    };
    const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
    const ratio = (a, b) => {
      const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
      return (high + 0.05) / (low + 0.05);
    };
    const ground = node => {
      for (let at = node; at; at = at.parentElement) {
        const colour = parse(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] > 0.99) return colour.slice(0, 3);
      }
      return [255, 255, 255];
    };
    const drawn = 'button, select, textarea, .chinh, .phu, ' +
      'input:not([type=hidden]):not([type=radio]):not([type=checkbox])';
    document.querySelectorAll(drawn).forEach(node => {
      if (!node.getClientRects().length) return;
      const style = getComputedStyle(node), around = ground(node.parentElement);
      const bordered = parseFloat(style.borderTopWidth) > 0;
      const border = bordered ? ratio(parse(style.borderTopColor), around) : 1;
      if (Math.max(border, ratio(ground(node), around)) < 3) {
        faults.push(`control with less than 3:1: ${this.words(node)}`);
      }
    });
    return faults;
  },

  // Checks 8 to 11, 22, 24: the skeleton, counted.
  structure() {
    const all = selector => Array.from(document.querySelectorAll(selector));
    const address = node => node.getAttribute('src') || node.getAttribute('href') ||
      node.getAttribute('action') || '';
    const own = to => to.startsWith(location.origin + '/');
    const loaded = performance.getEntriesByType('resource');
    const weighed = loaded.concat(performance.getEntriesByType('navigation'));
    const forbidden = 'meta[http-equiv=refresh], dialog, [popover], [inert], script[type=module], ' +
      'meter, [style], input[type=date], input[type=number], input[type=color], ' +
      'input[type=range], iframe, video, [onclick]';
    const regions = 'a.nhay, header .ban-tap, nav.dieu-huong, main#chinh, nav.giup, footer';
    return {
      lang: document.documentElement.lang,
      title: document.title,
      h1: all('h1').length,
      main: all('.chinh').length,
      learner: document.body.classList.contains('learner'),
      words: document.body.innerText,
      nodes: all('*').length,
      help: all('nav.giup a, nav.giup button').map(node => node.innerText.trim()),
      order: all(regions).map(node => node.tagName.toLowerCase()),
      listRows: Math.max(0, ...all('ul.hang').map(list => list.children.length)),
      errorsShown: !!document.querySelector('#loi'),
      forbidden: all(forbidden).map(node => node.outerHTML.slice(0, 80)),
      foreign: all('[src], [href], [action]').map(address)
        .filter(to => /^([a-z]+:)?\/\//i.test(to) && !own(to)),
      loaded: loaded.map(entry => entry.name).filter(to => !own(to)),
      requests: loaded.length + 1,
      bytes: weighed.reduce((sum, entry) => sum + entry.encodedBodySize, 0),
      unsealed: all('form[method=post]').filter(form => !form.querySelector('input[name=f]')).length,
    };
  },

  // N2: addresses that would lose a visitor whose browser keeps no cookies.
  withoutVisitor() {
    return Array.from(document.querySelectorAll('a[href], form[action]'))
      .map(node => node.getAttribute('href') || node.getAttribute('action'))
      .filter(to => !to.startsWith('#') && !to.startsWith('/tinh/') && !/[?&]m=[\w-]{22}/.test(to));
  },

  // What a text overflows by, when the page scrolls sideways.
  widest() {
    const edge = document.documentElement.clientWidth + 1;
    return Array.from(document.querySelectorAll('body *'))
      .filter(node => !node.closest('.cuon, .ma') && node.getBoundingClientRect().right > edge)
      .slice(-1).map(node => this.words(node))[0] || '';
  },
})
