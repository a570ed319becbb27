// What every element of the page is made with: React's own functions, behind one that makes text harmless to look at. So nothing that a stranger
// named, printed or sent can reorder, hide or imitate what stands around it, and no page has to think of it. Markup is text to React anyway.
import { type ElementType, Fragment, type JSX as ReactJsx } from "react";
import { jsx as makeElement, jsxs as makeElements } from "react/jsx-runtime";
import { toSafeText } from "../../api/safe-text.ts";

// What the compiler looks types up in.
export type { ReactJsx as JSX };
export { Fragment };

type Props = Readonly<Record<string, unknown>>;

/** Attributes that are shown or read out. Values of fields are not among them: those are data. */
const SHOWN = ["title", "aria-label", "alt", "placeholder", "label"] as const;

export const jsx = (type: ElementType, props: Props, key?: string): ReactJsx.Element => makeElement(type, toSafeProps(props), key);
export const jsxs = (type: ElementType, props: Props, key?: string): ReactJsx.Element => makeElements(type, toSafeProps(props), key);

export function toSafeProps(props: Props): Props {
  const { children } = props;
  const safe: Record<string, unknown> = { ...props };
  if (typeof children === "string") safe.children = toSafeText(children);
  else if (Array.isArray(children)) safe.children = children.map((child) => (typeof child === "string" ? toSafeText(child) : child));
  for (const name of SHOWN) {
    const value = props[name];
    if (typeof value === "string") safe[name] = toSafeText(value);
  }
  return safe;
}
