// Lets xterm.js, which takes no nonce, style what it draws under a policy without `unsafe-inline`: style elements that it makes carry the page's nonce, and
// `style` attributes are set as properties, which the policy lets pass. So no report is made.

/** For as long as a terminal is there: it makes cells as they are printed. @param nonce of this page @returns ends it */
export function styleUnderPolicy(document: Document, nonce: string | undefined): () => void {
  const own = document.createElement;
  const dressed = (tag: string, options?: ElementCreationOptions): HTMLElement => {
    const element = own.call(document, tag, options);
    if (element instanceof HTMLStyleElement && nonce !== undefined) element.nonce = nonce;
    if (element instanceof HTMLSpanElement) element.setAttribute = setAttribute;
    return element;
  };
  document.createElement = dressed;
  return () => {
    document.createElement = own;
  };
}

function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}
