// Files that pages offer. The browser keeps them in a folder of its own, in its memory; they are read over the DevTools protocol, as a page reads a file
// that a person chose, so that no file system is shared with what a page can take over. One that grows beyond the bound is cancelled.
import type { CDPSession, Page } from "playwright-core";
import { FILE_BYTES_MAX, type HeldFile, PIECE_BYTES_MAX } from "./messages.ts";
import type { Tabs } from "./tabs.ts";

/** Inside the browser's container. */
const FOLDER = "/tmp/openclaw-downloads";
/** Kept until the gateway has taken them. */
const DOWNLOADS_MAX = 20;

interface Download {
  name: string;
  bytes: number;
  state: "coming" | "complete" | "gone";
  settled: PromiseWithResolvers<void>;
}

export class Downloads {
  readonly #devTools: CDPSession;
  readonly #tabs: Tabs;
  readonly #downloads = new Map<string, Download>();
  #remarks: string[] = [];

  private constructor(devTools: CDPSession, tabs: Tabs) {
    this.#devTools = devTools;
    this.#tabs = tabs;
    devTools.on("Browser.downloadWillBegin", ({ guid, suggestedFilename }) => this.#begin(guid, suggestedFilename));
    devTools.on("Browser.downloadProgress", ({ guid, receivedBytes, totalBytes, state }) => {
      this.#progress(guid, { bytes: Math.max(receivedBytes, state === "inProgress" ? totalBytes : 0), state });
    });
  }

  static async open(devTools: CDPSession, tabs: Tabs): Promise<Downloads> {
    const downloads = new Downloads(devTools, tabs);
    await devTools.send("Browser.setDownloadBehavior", { behavior: "allowAndName", downloadPath: FOLDER, eventsEnabled: true });
    return downloads;
  }

  /** What came of downloads since the last call, in sentences. */
  tell(): string[] {
    const told = this.#remarks;
    this.#remarks = [];
    return told;
  }

  /** Waits for those that have begun, no longer than so. @returns those that are complete, once */
  async take(ms: number): Promise<HeldFile[]> {
    const coming = [...this.#downloads.values()].filter(({ state }) => state === "coming").map(({ settled }) => settled.promise);
    if (coming.length > 0) await Promise.race([Promise.all(coming), new Promise((resolve) => setTimeout(resolve, ms))]);
    return [...this.#downloads].filter(([, { state }]) => state === "complete").map(([file, { name, bytes }]) => ({ file, name, bytes }));
  }

  has(file: string): boolean {
    return this.#downloads.has(file);
  }

  forget(file: string): void {
    this.#downloads.delete(file);
  }

  /** Base64 of at most `PIECE_BYTES_MAX` bytes. */
  async read(file: string, offset: number): Promise<string> {
    return await this.#tabs.inHiddenPage(async (page) => {
      await this.#choose(page, file);
      const slice = `document.querySelector("input").files[0].slice(${offset}, ${offset + PIECE_BYTES_MAX})`;
      const toBase64 = `new Promise((done, failed) => {
        const reader = new FileReader();
        reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
        reader.onerror = () => failed(reader.error);
        reader.readAsDataURL(${slice});
      })`;
      return String(await page.evaluate(toBase64));
    });
  }

  /** As a person who chose it in a dialog. */
  async #choose(page: Page, file: string): Promise<void> {
    // The page that a new tab begins with runs no code before it was asked for.
    await page.goto("about:blank");
    await page.evaluate("document.body.innerHTML = '<input type=file>'");
    const devTools = await this.#tabs.context.newCDPSession(page);
    const { root } = await devTools.send("DOM.getDocument");
    const { nodeId } = await devTools.send("DOM.querySelector", { nodeId: root.nodeId, selector: "input" });
    await devTools.send("DOM.setFileInputFiles", { nodeId, files: [`${FOLDER}/${file}`] });
  }

  #begin(guid: string, name: string): void {
    const waiting = this.#downloads.size;
    this.#downloads.set(guid, { name, bytes: 0, state: "coming", settled: Promise.withResolvers() });
    if (waiting >= DOWNLOADS_MAX) this.#giveUp(guid, `there were ${DOWNLOADS_MAX} others`);
  }

  #progress(guid: string, { bytes, state }: { bytes: number; state: "inProgress" | "completed" | "canceled" }): void {
    const download = this.#downloads.get(guid);
    if (download === undefined || download.state !== "coming") return;
    download.bytes = bytes;
    if (bytes > FILE_BYTES_MAX) this.#giveUp(guid, `it is larger than ${FILE_BYTES_MAX / 1_048_576} MiB`);
    else if (state === "completed") {
      download.state = "complete";
      download.settled.resolve();
    } else if (state === "canceled")
      this.#giveUp(guid, "the browser gave it up (its memory for downloads may be full; stop and start the browser)");
  }

  #giveUp(guid: string, why: string): void {
    const download = this.#downloads.get(guid);
    if (download === undefined) return;
    download.state = "gone";
    download.settled.resolve();
    this.#downloads.delete(guid);
    this.#remarks.push(`the download ${JSON.stringify(download.name.slice(0, 100))} was cancelled: ${why}`);
    if (this.#remarks.length > DOWNLOADS_MAX) this.#remarks.shift();
    this.#devTools.send("Browser.cancelDownload", { guid }).catch(() => undefined);
  }
}
