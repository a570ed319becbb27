// What each action does to the browser that the process is connected to, and what its caller reads of it.
// How the process is asked is main.ts; what an agent may ask is the tool's.
import { type Limits, performAct } from "./acts.ts";
import { checkLookedAt, toAddress } from "./addresses.ts";
import type { Downloads } from "./downloads.ts";
import { type HeldFiles, toFileName } from "./held-files.ts";
import type { Act, BrowserAction, ProcessResult } from "./messages.ts";
import { Refusal, toShort } from "./refusals.ts";
import { takeScreenshot } from "./screenshot.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { Tab, Tabs } from "./tabs.ts";

/** A page that has answered goes on loading; the caller looks when it likes. */
const LOAD_MS_MAX = 5_000;
/** Beyond its own times. */
const ANSWER_MS = 3_000;
/** Until a page's answer to a click is known to be a file. */
const OFFER_MS = 300;
/** What a click began is mostly there by then; a larger file is told with a later call. */
const DOWNLOAD_MS_MAX = 2_000;

export interface Connected {
  tabs: Tabs;
  downloads: Downloads;
  files: HeldFiles;
}

/** @throws Refusal, and what Playwright throws, also when it is broken off: then no further part of it begins */
export async function runAction(at: Connected, action: BrowserAction, limits: Limits): Promise<ProcessResult> {
  const result = await within(limits, run(at, action, limits)).catch(async (error: unknown) => {
    const message = [toMessage(error), ...(await tellEvents(at))].join("\n");
    throw error instanceof Refusal ? new Refusal(message) : new Error(message, { cause: error });
  });
  const mayOffer = action.kind === "act" || action.kind === "navigate" || action.kind === "open";
  if (mayOffer) await new Promise((resolve) => setTimeout(resolve, OFFER_MS));
  const offered = await at.downloads.take(mayOffer ? DOWNLOAD_MS_MAX : 0);
  return {
    ...result,
    text: [result.text, ...(await tellEvents(at))].join("\n"),
    ...((offered.length > 0 || result.files !== undefined) && { files: [...(result.files ?? []), ...offered] }),
  };
}

/** What happened meanwhile, in sentences. */
async function tellEvents({ tabs, downloads }: Connected): Promise<string[]> {
  return [...(await tabs.list()).flatMap(({ events }) => events.tellDialogs()), ...downloads.tell()];
}

/** A page that is busy answers nothing, and not all that is asked of it has a time of its own. */
async function within<Result>({ timeout, signal }: Limits, work: Promise<Result>): Promise<Result> {
  const ms = timeout + ANSWER_MS;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`the page did not answer within ${ms} ms; its tab can be closed`)), ms);
  const leave = (): void => late.reject(new Error("it was broken off"));
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", leave);
  }
}

/** Playwright's, without the log of what it tried and colours. */
function toMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
  return text.replace(/\u001b\[[0-9;]*m/g, "").split("\nCall log:")[0] ?? text;
}

async function run(at: Connected, action: BrowserAction, limits: Limits): Promise<ProcessResult> {
  const { tabs } = at;
  const ms = limits.timeout;
  limits.signal.throwIfAborted();
  switch (action.kind) {
    case "tabs":
      return await listTabs(tabs);
    case "open":
      return await open(tabs, action.url, limits);
    case "navigate":
      return await navigate(tabs, action, limits);
    case "focus":
    case "close":
      return await focusOrClose(await tabs.find(action.tab), action.kind);
    case "snapshot":
      return await onPage(tabs, action.tab, async (tab) => ({
        text: `${await headline(tab)}\n${await takeSnapshot(tab.page, action, ms)}`,
      }));
    case "screenshot":
      return await onPage(tabs, action.tab, async (tab) => await takeScreenshot(tab, action, ms));
    case "console":
      return toConsole(await tabs.find(action.tab), action.level);
    case "pdf":
      return await onPage(tabs, action.tab, async (tab) => toPdf(at.files, await tab.page.title(), await tab.page.pdf()));
    case "upload":
      return await onPage(tabs, action.tab, async (tab) => await upload(at.files, tab, action, limits));
    case "dialog":
      (await tabs.find(action.tab)).events.answerNext(action);
      return { text: `the next dialog of this tab is ${action.accepts ? "accepted" : "dismissed"}` };
    case "act":
      return await onPage(tabs, action.tab, async (tab) => await act(tab, action.act, limits));
  }
}

async function onPage(tabs: Tabs, id: string | null, work: (tab: Tab) => Promise<ProcessResult>): Promise<ProcessResult> {
  const tab = await tabs.find(id);
  if (tab.events.hasCrashed) throw new Error(`the page of this tab crashed: navigate it, or close it`);
  checkLookedAt(tab.page.url());
  const { details, ...result } = await work(tab);
  return { ...result, details: { tab: tab.id, ...details } };
}

async function act(tab: Tab, what: Act, limits: Limits): Promise<ProcessResult> {
  // Chromium gives input to the tab that is in front.
  await tab.page.bringToFront();
  const done = await performAct(tab, what, limits);
  return { text: tab.page.isClosed() ? done : `${done}; ${toShort(tab.page.url())}` };
}

/** By the browser, which knows the title of a page that is stuck, too. */
async function headline(tab: Tab): Promise<string> {
  const { targetInfo } = await tab.devTools.send("Target.getTargetInfo");
  return `${toShort(targetInfo.title)} - ${toShort(tab.page.url(), 500)} (tab ${tab.id})`;
}

async function listTabs(tabs: Tabs): Promise<ProcessResult> {
  const found = await tabs.list();
  const lines = found.map(async ({ id, page, events, devTools }) => {
    const { targetInfo } = await devTools.send("Target.getTargetInfo");
    return `${id} ${toShort(page.url(), 500)} ${events.hasCrashed ? "(crashed)" : JSON.stringify(toShort(targetInfo.title))}`;
  });
  return { text: found.length === 0 ? "(no tabs)" : (await Promise.all(lines)).join("\n"), details: { tabs: found.length } };
}

async function open(tabs: Tabs, text: string, limits: Limits): Promise<ProcessResult> {
  const url = toAddress(text);
  const tab = await tabs.open();
  return await goTo(tab, url, limits);
}

/** A page that crashed is gone for good: another tab takes its place. */
async function navigate(tabs: Tabs, { tab: id, url: text }: { tab: string | null; url: string }, limits: Limits): Promise<ProcessResult> {
  const url = toAddress(text);
  const found = (await tabs.list()).length === 0 && id === null ? await tabs.open() : await tabs.find(id);
  if (!found.events.hasCrashed) return await goTo(found, url, limits);
  const tab = await tabs.open();
  await found.page.close();
  return await goTo(tab, url, limits);
}

async function goTo(tab: Tab, url: string, limits: Limits): Promise<ProcessResult> {
  const { page } = tab;
  // An address that is a file to be kept is no page: what comes of it is a download.
  const response = await page.goto(url, { ...limits, waitUntil: "domcontentloaded" }).catch((error: unknown) => {
    if (String(error).includes("Download is starting")) return null;
    throw error;
  });
  await page.waitForLoadState("load", { ...limits, timeout: LOAD_MS_MAX }).catch(() => undefined);
  const status = response === null ? "" : `${response.status()} `;
  return {
    text: `${status}${await headline(tab)}`,
    details: { tab: tab.id, url: page.url(), ...(response !== null && { status: response.status() }) },
  };
}

async function focusOrClose(tab: Tab, kind: "focus" | "close"): Promise<ProcessResult> {
  await (kind === "focus" ? tab.page.bringToFront() : tab.page.close());
  return { text: `${kind === "focus" ? "in front" : "closed"}: ${tab.id}` };
}

function toConsole({ id, events }: Tab, level: string | null): ProcessResult {
  const lines = events.console.filter((line) => level === null || line.level === level).map((line) => `[${line.level}] ${line.text}`);
  return {
    text: lines.length === 0 ? "(nothing since the tool looks at this tab)" : lines.join("\n"),
    details: { tab: id, lines: lines.length },
  };
}

async function toPdf(files: HeldFiles, title: string, pdf: Buffer): Promise<ProcessResult> {
  return { text: `PDF, ${pdf.length} bytes`, files: [await files.keep(`${toFileName(title)}.pdf`, pdf)] };
}

/** Into a field for files, or whatever asks for files when it is clicked. */
async function upload(held: HeldFiles, tab: Tab, { ref, files }: { ref: string; files: string[] }, limits: Limits): Promise<ProcessResult> {
  const payloads = await Promise.all(files.map(async (file) => await held.take(file)));
  const element = tab.page.getByRef(ref);
  const handle = await element.elementHandle(limits);
  const type = String(await (await handle?.getProperty("type"))?.jsonValue());
  if (type === "file") await element.setInputFiles(payloads, limits);
  else {
    const [chooser] = await Promise.all([
      tab.page.waitForEvent("filechooser", limits).catch(() => {
        throw new Refusal(`${ref} asked for no file when it was clicked`);
      }),
      element.click(limits),
    ]);
    await chooser.setFiles(payloads, limits);
  }
  return { text: `uploaded ${payloads.map(({ name, buffer }) => `${name} (${buffer.length} bytes)`).join(", ")}` };
}
