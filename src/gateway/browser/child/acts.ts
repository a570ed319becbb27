// What an agent does on a page, by Playwright: it waits until an element can be seen and takes input, and sends real input events.
import { setTimeout } from "node:timers/promises";
import type { ElementHandle, Locator, Page } from "playwright-core";
import type { Act } from "./messages.ts";
import { Refusal } from "./refusals.ts";
import type { Tab } from "./tabs.ts";

/** Of each part of an action: how long it may take, in milliseconds, and that nobody waits for it any more. */
export interface Limits {
  timeout: number;
  signal: AbortSignal;
}

const RESULT_CHARS_MAX = 50_000;

/** @returns what was done */
export async function performAct(tab: Tab, act: Act, limits: Limits): Promise<string> {
  const { page } = tab;
  const at = (ref: string): Locator => page.getByRef(ref);
  switch (act.kind) {
    case "click":
      await at(act.ref).click({ ...limits, button: act.button, modifiers: act.modifiers, clickCount: act.isDouble ? 2 : 1 });
      return `clicked ${act.ref}`;
    case "type":
      await typeInto(at(act.ref), act, limits);
      return `typed into ${act.ref}`;
    case "press":
      await page.keyboard.press(act.key);
      return `pressed ${act.key}`;
    case "hover":
      await at(act.ref).hover(limits);
      return `over ${act.ref}`;
    case "drag":
      await at(act.from).dragTo(at(act.to), limits);
      return `dragged ${act.from} to ${act.to}`;
    case "select":
      return `selected ${JSON.stringify(await at(act.ref).selectOption(act.values, limits))}`;
    case "fill":
      for (const { ref, value } of act.fields) await fillField(at(ref), value, limits);
      return `filled ${act.fields.map(({ ref }) => ref).join(", ")}`;
    case "resize":
      await page.setViewportSize({ width: act.width, height: act.height });
      return `${act.width} by ${act.height} pixels`;
    case "wait":
      return await waitFor(page, act, limits);
    case "evaluate":
      return await evaluate(page, act, limits);
    case "close":
      await page.close();
      return `closed ${tab.id}`;
  }
}

async function typeInto(field: Locator, { text, isSlow, submits }: Extract<Act, { kind: "type" }>, limits: Limits): Promise<void> {
  if (isSlow) {
    await field.click(limits);
    await field.pressSequentially(text, { ...limits, delay: 50 });
  } else await field.fill(text, limits);
  if (submits) await field.press("Enter", limits);
}

/** A box to tick takes `true` or `false`, a list its option, anything else its text. */
async function fillField(field: Locator, value: string, limits: Limits): Promise<void> {
  const element = await field.elementHandle(limits);
  const kind = await toFieldKind(element);
  if (kind === "box") await field.setChecked(value === "true", limits);
  else if (kind === "list") await field.selectOption(value, limits);
  else await field.fill(value, limits);
}

async function toFieldKind(element: ElementHandle | null): Promise<"box" | "list" | "text"> {
  const type = String(await (await element?.getProperty("type"))?.jsonValue());
  if (type === "checkbox" || type === "radio") return "box";
  return type.startsWith("select-") ? "list" : "text";
}

async function waitFor(page: Page, { ms, text, textGone, url }: Extract<Act, { kind: "wait" }>, limits: Limits): Promise<string> {
  const { timeout, signal } = limits;
  if (ms !== null) await setTimeout(Math.min(ms, timeout), undefined, { signal });
  if (text !== null)
    await page
      .getByText(text)
      .first()
      .waitFor({ state: "visible", ...limits });
  if (textGone !== null)
    await page
      .getByText(textGone)
      .first()
      .waitFor({ state: "hidden", ...limits });
  if (url !== null) await page.waitForURL(url, { ...limits, waitUntil: "commit" });
  return "waited";
}

/** The code is a function or an expression of JavaScript, and runs in the page alone. */
async function evaluate(page: Page, { code, ref }: Extract<Act, { kind: "evaluate" }>, limits: Limits): Promise<string> {
  const result: unknown = await (ref === null
    ? page.evaluate(`(() => { const it = (${code}\n); return typeof it === "function" ? it() : it; })()`)
    : page.getByRef(ref).evaluate(toElementFunction(code), undefined, limits));
  const said = JSON.stringify(result) ?? "undefined";
  return said.length > RESULT_CHARS_MAX
    ? `${said.slice(0, RESULT_CHARS_MAX)}\n(cut after ${RESULT_CHARS_MAX} of ${said.length} characters)`
    : said;
}

/** Playwright sends a function's text to the page; here it is never called. @throws Refusal what is no function of JavaScript */
function toElementFunction(code: string): (element: unknown) => unknown {
  try {
    // Made of parts that are parsed and not run.
    return new Function("element", `return (${code}\n)(element);`) as (element: unknown) => unknown;
  } catch (error) {
    throw new Refusal(`the code is no function: ${String(error)}`);
  }
}
