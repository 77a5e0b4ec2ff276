// Elements, made anew from each status and then worked into those that stand: focus, selection and
// animations of what stays the same go on.

export const byId = (id) => document.getElementById(id);

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value);
  }
  // Text only ever becomes a text node.
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** An HTML element; attributes that are null or false are left out, children too. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same of SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** Makes what stands like what is fresh; elements with a `data-key` are known again by it. */
function patch(standing, fresh) {
  if (standing.nodeType === Node.TEXT_NODE) {
    if (standing.data !== fresh.data) standing.data = fresh.data;
    return;
  }
  for (const { name } of [...standing.attributes]) if (!fresh.hasAttribute(name)) standing.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (standing.getAttribute(name) !== value) standing.setAttribute(name, value);
  }
  show(standing, ...fresh.childNodes);
}

const key = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);
const alike = (one, other) => one.nodeName === other.nodeName && key(one) === key(other);

/** Shows these children in the parent, and no others. */
export function show(parent, ...children) {
  let next = parent.firstChild;
  for (const child of children.flat(Infinity).map((child) => (typeof child === "string" ? new Text(child) : child))) {
    let kept = next;
    while (kept && !alike(kept, child)) kept = kept.nextSibling;
    // What lies between belonged to what is gone.
    while (kept && next !== kept) [next] = [next.nextSibling, next.remove()];
    if (kept) {
      next = kept.nextSibling;
      patch(kept, child);
    } else {
      parent.insertBefore(child, next);
    }
  }
  while (next) [next] = [next.nextSibling, next.remove()];
}
