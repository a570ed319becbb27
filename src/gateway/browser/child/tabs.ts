// The tabs of the browser: their ids, which one was used last, and what happened in each. Ids are the DevTools protocol's, so that they outlive this process.
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { Refusal, toShort } from "./refusals.ts";
import { TabEvents } from "./tab-events.ts";

/** A page that opens windows without end fills the browser before it fills this process. */
const TABS_MAX = 100;

export interface Tab {
  id: string;
  page: Page;
  /** Of this tab alone. */
  devTools: CDPSession;
  events: TabEvents;
}

export class Tabs {
  readonly context: BrowserContext;
  readonly #tabs = new Map<Page, Promise<Tab>>();
  #last: string | null = null;

  /** @throws Error a browser without a first context, which is no Chromium */
  constructor(browser: Browser) {
    const [context] = browser.contexts();
    if (context === undefined) throw new Error("the browser has no windows");
    this.context = context;
    for (const page of context.pages()) void this.#add(page);
    context.on("page", (page) => void this.#add(page));
  }

  async list(): Promise<Tab[]> {
    const found = await Promise.allSettled(this.#tabs.values());
    return found.flatMap((tab) => (tab.status === "fulfilled" ? [tab.value] : []));
  }

  /** @param id its beginning is enough. null: the one that was used last, else the newest. @throws Refusal */
  async find(id: string | null): Promise<Tab> {
    const tabs = await this.list();
    const wanted = id ?? this.#last;
    const found = tabs.filter((tab) => wanted !== null && tab.id.startsWith(wanted));
    const tab = found.length === 1 ? found[0] : id === null ? tabs.at(-1) : undefined;
    if (tab === undefined && id === null) throw new Refusal("the browser has no tab; open one");
    if (tab === undefined)
      throw new Refusal(`${found.length === 0 ? "there is no tab" : "several tabs begin with"} ${JSON.stringify(toShort(id ?? "", 40))}`);
    this.#last = tab.id;
    return tab;
  }

  async open(): Promise<Tab> {
    if (this.#tabs.size >= TABS_MAX) throw new Refusal(`the browser has ${TABS_MAX} tabs; close some`);
    // Where a page crashed, the browser may first hand out what crashed with it.
    const page = await this.context.newPage().catch(() => this.context.newPage());
    const tab = await this.#add(page);
    this.#last = tab.id;
    return tab;
  }

  /** A page that is no tab to anybody, until the work is done. */
  async inHiddenPage<Result>(work: (page: Page) => Promise<Result>): Promise<Result> {
    const page = await this.context.newPage();
    this.#tabs.delete(page);
    try {
      return await work(page);
    } finally {
      await page.close();
    }
  }

  #add(page: Page): Promise<Tab> {
    const known = this.#tabs.get(page);
    if (known !== undefined) return known;
    const tab = this.#open(page);
    tab.catch(() => this.#tabs.delete(page));
    this.#tabs.set(page, tab);
    page.once("close", () => this.#tabs.delete(page));
    return tab;
  }

  async #open(page: Page): Promise<Tab> {
    const events = new TabEvents(page);
    const devTools = await this.context.newCDPSession(page);
    const { targetInfo } = await devTools.send("Target.getTargetInfo");
    return { id: targetInfo.targetId, page, devTools, events };
  }
}
