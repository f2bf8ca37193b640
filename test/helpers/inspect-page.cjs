// Runs in a page: compares everything that is read with what is behind it, and looks for what has no name.
(() => {
  const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [red = 0, green = 0, blue = 0] = channels(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const backgroundOf = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const { backgroundColor } = getComputedStyle(each);
      if (channels(backgroundColor)[3] !== 0) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = (a, b) => {
    const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const hasText = (element) =>
    [...element.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim() !== "");
  const texts = [...document.querySelectorAll("body *")].filter(
    (element) => hasText(element) && element.tagName !== "SCRIPT",
  );
  const bars = [...document.querySelectorAll("rect:not(.track)")];
  const weak = [
    ...texts.map((element) => {
      const { color, fill } = getComputedStyle(element);
      const ratio = contrast(element.closest("svg") === null ? color : fill, backgroundOf(element));
      return { what: `${element.tagName} ${element.className}`, ratio, least: 4.5 };
    }),
    ...bars.map((bar) => ({
      ...{ what: `bar ${bar.getAttribute("class")}`, least: 3 },
      ratio: contrast(getComputedStyle(bar).fill, backgroundOf(bar)),
    })),
  ].filter(({ ratio, least }) => !(ratio >= least));
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return {
    looked: texts.length,
    weak: weak.map(({ what, ratio }) => `${what}: ${ratio.toFixed(2)}`),
    background: backgroundOf(document.body),
    headings: [...document.querySelectorAll("h1, h2, h3")].map(({ tagName }) => tagName),
    lang: document.documentElement.lang,
    landmarks: ["header", "nav", "main", "footer"].filter((name) => document.querySelectorAll(name).length !== 1),
    repeatedIds: ids.filter((id, index) => ids.indexOf(id) !== index),
    deadLinks: [...document.querySelectorAll("a")].filter((a) => document.querySelector(a.hash) === null).length,
    unnamed: [...document.querySelectorAll("input, button, svg, section, article, table.evidence")]
      .filter((element) => {
        const labelledBy = element.getAttribute("aria-labelledby");
        const label =
          element.getAttribute("aria-label") ??
          (labelledBy === null ? undefined : document.getElementById(labelledBy)?.textContent) ??
          element.labels?.[0]?.textContent ??
          (element.tagName === "BUTTON" ? element.textContent : undefined);
        return !label;
      })
      .map((element) => element.outerHTML.slice(0, 80)),
    width: document.documentElement.scrollWidth,
  };
})();
