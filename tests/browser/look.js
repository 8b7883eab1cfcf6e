// What eyes and hands notice on a page. Runs with the page's own scripts on or off, so it waits for nothing.
// Each function gives sentences about what is wrong; none is good.
({
  here(element) {
    const name = element.tagName.toLowerCase();
    const words = (element.getAttribute("aria-label") || element.innerText || element.name || "").trim();
    return `<${name}${element.id ? "#" + element.id : ""} class="${element.getAttribute("class") || ""}"> “${words.replace(/\s+/g, " ").slice(0, 40)}”`;
  },

  shown(element) {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return element.checkVisibility({ visibilityProperty: true }) && box.width > 0 && box.height > 0 && style.clipPath !== "inset(50%)";
  },

  stops() {
    const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
    return [...document.querySelectorAll(all)].filter(
      (element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility({ visibilityProperty: true }),
    );
  },

  overflow() {
    const root = document.documentElement;
    const wider = root.scrollWidth - root.clientWidth;
    if (wider <= 0) return [];
    const out = [...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
      .slice(-1)
      .map((element) => this.here(element));
    return [`${wider} px too wide: ${out}`];
  },

  structure() {
    const wrong = [];
    const headings = document.querySelectorAll("h1");
    if (headings.length !== 1) wrong.push(`${headings.length} h1`);
    if (!document.title.trim()) wrong.push("no title");
    for (const element of document.querySelectorAll("input, select, textarea")) {
      if (["hidden", "submit", "button", "image", "reset"].includes(element.type)) continue;
      const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).map((id) => document.getElementById(id));
      const named = [...(element.labels || []), ...by].some((label) => label && label.textContent.trim());
      if (!named && !element.getAttribute("aria-label")) wrong.push(`no label: ${this.here(element)}`);
    }
    for (const element of document.querySelectorAll("[tabindex]")) {
      if (element.tabIndex > 0) wrong.push(`tabindex ${element.tabIndex}: ${this.here(element)}`);
    }
    return wrong;
  },

  // WCAG 2.2, 2.5.8: at least 24 by 24, but for links inside a line of text. Buttons and fields: 44 high.
  targets() {
    const wrong = [];
    for (const element of this.stops()) {
      if (!this.shown(element) || element.matches(".skip-link, main")) continue;
      let box = element.getBoundingClientRect();
      const label = element.closest("label") || (element.labels && element.labels[0]);
      if (/^(radio|checkbox)$/.test(element.type) && label) box = label.getBoundingClientRect();
      const style = getComputedStyle(element);
      const around = element.parentElement.innerText || "";
      const inline = style.display === "inline" && around.trim().length > (element.innerText || "").trim().length;
      const least = element.matches(".button, input, select, textarea") ? 44 : 24;
      if (element.matches("[tabindex='0']")) continue;
      if (!inline && (box.height < least - 0.5 || box.width < 23.5)) {
        wrong.push(`a target of ${Math.round(box.width)} × ${Math.round(box.height)} px, not ${least}: ${this.here(element)}`);
      }
    }
    return wrong;
  },

  // Where the focus is now: which of the stops, and whether somebody would see it.
  focus() {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const box = element.getBoundingClientRect();
    const marked = [element, element.closest("label"), element.nextElementSibling, element.parentElement]
      .filter(Boolean)
      .some((one) => {
        const style = getComputedStyle(one);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || (one === element && style.boxShadow !== "none");
      });
    return {
      index: this.stops().indexOf(element),
      here: this.here(element),
      radio: element.type === "radio" ? element.name : "",
      marked,
      top: box.top + scrollY,
      bottom: box.bottom + scrollY,
      inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
      main: Boolean(element.closest("main")),
    };
  },

  expected() {
    const groups = new Set();
    let count = 0;
    for (const element of this.stops()) {
      if (element.type === "radio") {
        if (groups.has(element.name)) continue;
        groups.add(element.name);
      }
      count += 1;
    }
    return count;
  },

  // WCAG 2 AA by HTML_CodeSniffer, which is on the page already.
  sniffed() {
    let found = null;
    HTMLCS.process("WCAG2AA", document, () => {
      found = HTMLCS.getMessages()
        .filter((message) => message.type === HTMLCS.ERROR)
        .map((message) => [message.code, `${message.msg} ${message.element.outerHTML ? message.element.outerHTML.slice(0, 160) : ""}`]);
    });
    return found;
  },
})
