// What an agent does on a page, by Playwright: it waits until an element can be seen and takes input, and sends real input events.
import type { ElementHandle, Locator, Page } from "playwright-core";
import type { Act } from "./messages.ts";
import { Refusal } from "./refusals.ts";
import type { Tab } from "./tabs.ts";

const RESULT_CHARS_MAX = 50_000;

/** @param ms for each part of it. @returns what was done */
export async function performAct(tab: Tab, act: Act, ms: number): Promise<string> {
  const { page } = tab;
  const timeout = ms;
  const at = (ref: string): Locator => page.getByRef(ref);
  switch (act.kind) {
    case "click":
      await at(act.ref).click({ timeout, button: act.button, modifiers: act.modifiers, clickCount: act.isDouble ? 2 : 1 });
      return `clicked ${act.ref}`;
    case "type":
      await typeInto(at(act.ref), act, timeout);
      return `typed into ${act.ref}`;
    case "press":
      await page.keyboard.press(act.key);
      return `pressed ${act.key}`;
    case "hover":
      await at(act.ref).hover({ timeout });
      return `over ${act.ref}`;
    case "drag":
      await at(act.from).dragTo(at(act.to), { timeout });
      return `dragged ${act.from} to ${act.to}`;
    case "select":
      return `selected ${JSON.stringify(await at(act.ref).selectOption(act.values, { timeout }))}`;
    case "fill":
      for (const { ref, value } of act.fields) await fillField(at(ref), value, timeout);
      return `filled ${act.fields.map(({ ref }) => ref).join(", ")}`;
    case "resize":
      await page.setViewportSize({ width: act.width, height: act.height });
      return `${act.width} by ${act.height} pixels`;
    case "wait":
      return await waitFor(page, act, timeout);
    case "evaluate":
      return await evaluate(page, act, timeout);
    case "close":
      await page.close();
      return `closed ${tab.id}`;
  }
}

async function typeInto(field: Locator, { text, isSlow, submits }: Extract<Act, { kind: "type" }>, timeout: number): Promise<void> {
  if (isSlow) {
    await field.click({ timeout });
    await field.pressSequentially(text, { timeout, delay: 50 });
  } else await field.fill(text, { timeout });
  if (submits) await field.press("Enter", { timeout });
}

/** A box to tick takes `true` or `false`, a list its option, anything else its text. */
async function fillField(field: Locator, value: string, timeout: number): Promise<void> {
  const element = await field.elementHandle({ timeout });
  const kind = await toFieldKind(element);
  if (kind === "box") await field.setChecked(value === "true", { timeout });
  else if (kind === "list") await field.selectOption(value, { timeout });
  else await field.fill(value, { timeout });
}

async function toFieldKind(element: ElementHandle | null): Promise<"box" | "list" | "text"> {
  const type = String(await (await element?.getProperty("type"))?.jsonValue());
  if (type === "checkbox" || type === "radio") return "box";
  return type.startsWith("select-") ? "list" : "text";
}

async function waitFor(page: Page, { ms, text, textGone, url }: Extract<Act, { kind: "wait" }>, timeout: number): Promise<string> {
  if (ms !== null) await page.waitForTimeout(Math.min(ms, timeout));
  if (text !== null) await page.getByText(text).first().waitFor({ state: "visible", timeout });
  if (textGone !== null) await page.getByText(textGone).first().waitFor({ state: "hidden", timeout });
  if (url !== null) await page.waitForURL(url, { timeout, waitUntil: "commit" });
  return "waited";
}

/** The code is a function or an expression of JavaScript, and runs in the page alone. */
async function evaluate(page: Page, { code, ref }: Extract<Act, { kind: "evaluate" }>, timeout: number): Promise<string> {
  const result: unknown = await (ref === null
    ? page.evaluate(`(() => { const it = (${code}\n); return typeof it === "function" ? it() : it; })()`)
    : page.getByRef(ref).evaluate(toElementFunction(code), undefined, { timeout }));
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
