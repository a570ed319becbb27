// Opens an address in the browser of a desktop. The address may let its holder in: it is in no list of processes.
// Whether there is a desktop, the environment says.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { replaceFile } from "../api/store/atomic-file.ts";
import { type CliContext, printNote } from "./context.ts";
import { nonEmpty } from "./paths.ts";

export const isDesktop = (env: CliContext["env"]): boolean =>
  process.platform === "darwin" || nonEmpty(env.DISPLAY) !== undefined || nonEmpty(env.WAYLAND_DISPLAY) !== undefined;

const toAttribute = (url: URL): string => url.href.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

/** By a file of the user's own, since every user of the machine may see what a program is called with. Whoever has no browser has the address. */
export async function openBrowser(context: CliContext, { url, page }: { url: URL; page: string }): Promise<void> {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const address = toAttribute(url);
  await replaceFile(page, `<!doctype html><meta http-equiv="refresh" content="0;url=${address}"><a href="${address}">OpenClaw</a>\n`, {
    durable: false,
    mode: 0o600,
  });
  const child = spawn(program, [page], { stdio: "ignore", detached: true });
  const failed = await new Promise<boolean>((resolve) => child.once("spawn", () => resolve(false)).once("error", () => resolve(true)));
  child.unref();
  if (failed) printNote(context, `openclaw: can't open a browser: ${program} was not found`);
}

/** In the state folder, whose owner alone reads it. */
export const toPagePath = (stateDir: string, name: string): string => join(stateDir, `${name}.html`);
