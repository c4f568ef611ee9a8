// Makes elements. Texts are always texts: nothing here, and nothing in the widget, parses HTML.

type Attributes = Record<string, string | number | boolean | undefined>;

/** An element with attributes (true: present and empty; false and undefined: absent) and children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : `${value}`);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** A picture of 24 × 24 that says nothing by itself: its button has a name. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** A button with a picture, whose name is for those who do not see it and for a pointer that rests. */
export function iconButton(part: string, name: string, path: string): HTMLButtonElement {
  return element("button", { part, type: "button", "aria-label": name, title: name }, icon(path));
}

/** Sets the text only where it is another, so that a live region does not say it again. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Puts `wanted` into `parent`, in this order; what stays in place is not touched, and so keeps its focus and its silence. */
export function arrange(parent: Element, wanted: readonly Element[]): void {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const child of wanted) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}
