// Serves the Control UI's built files: the page, with a policy and a nonce of its own each time, and its assets, which never change under their name.
// All of it may be read without the secret: it holds no data. What the page asks for afterwards is judged as anybody's requests are.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { errnoOf } from "../../api/errno.ts";

/** The page's own addresses; the page decides what each shows. */
const PAGE_PATH = /^\/(?:(?:chat|sandboxes|sessions|rollouts|config|devices|doctor|settings)(?:\/.*)?)?$/;
/** Names that the build gives, and nothing that could lead to another folder. */
const ASSET_PATH = /^\/assets\/([A-Za-z0-9_-][A-Za-z0-9._-]{0,127})$/;

export const isPagePath = (path: string): boolean => PAGE_PATH.test(path);
export const isAssetPath = (path: string): boolean => ASSET_PATH.test(path);

/** Whether a person's browser goes there: it says so, and one that does not, by what it would rather have. What a page loads and programs ask for is none. */
export function isNavigation(method: string, headers: Headers): boolean {
  if (method !== "GET") return false;
  const kind = headers.get("sec-fetch-dest");
  return kind === null ? (headers.get("accept") ?? "").includes("text/html") : kind === "document";
}

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
/** In order of preference; a file too small to gain has neither. */
const ENCODINGS = [
  { name: "br", suffix: ".br" },
  { name: "gzip", suffix: ".gz" },
] as const;

/** What the build writes where each answer has its own nonce. */
const NONCE_MARK = /CSP_NONCE/g;
const NONCE_BYTES = 16;
/** What a person types for `openclaw` where the gateway runs. */
const COMMAND_MARK = /OPENCLAW_COMMAND/g;

const HEADERS: Readonly<Record<string, string>> = {
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
};

/** Scripts and connections of this origin alone; styles too, and those that carry the nonce. Nothing may frame it, and no form leaves it. */
const toPolicy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' blob:",
    "font-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");

export class ControlUi {
  readonly #folder: string;
  readonly #command: string;

  /** @param folder absolute; where the build put index.html and assets/ @param command what a person types for `openclaw` where the gateway runs */
  constructor(folder: string, command: string) {
    this.#folder = folder;
    this.#command = command;
  }

  /** null: it was not built. @param status 404 where no page has the address: the page itself says so */
  async page(status: 200 | 404): Promise<Response | null> {
    const template = await readIfThere(join(this.#folder, "index.html"));
    if (template === null) return null;
    const nonce = randomBytes(NONCE_BYTES).toString("base64");
    const headers = { ...HEADERS, "content-type": "text/html; charset=utf-8", "content-security-policy": toPolicy(nonce) };
    const page = template
      .toString("utf8")
      .replaceAll(NONCE_MARK, nonce)
      .replaceAll(COMMAND_MARK, () => toAttribute(this.#command));
    return new Response(page, { status, headers });
  }

  /** null: there is no such file. @param acceptEncoding the request's header */
  async asset(path: string, acceptEncoding: string | undefined): Promise<Response | null> {
    const name = ASSET_PATH.exec(path)?.[1] ?? "";
    const type = TYPES[extname(name)];
    if (type === undefined) return null;
    const file = join(this.#folder, "assets", name);
    const headers = { ...HEADERS, "content-type": type, "cache-control": "public, max-age=31536000, immutable", vary: "accept-encoding" };
    for (const { name: encoding, suffix } of ENCODINGS) {
      const content = accepts(acceptEncoding, encoding) ? await readIfThere(`${file}${suffix}`) : null;
      if (content !== null) return new Response(content, { headers: { ...headers, "content-encoding": encoding } });
    }
    const content = await readIfThere(file);
    return content === null ? null : new Response(content, { headers });
  }
}

/** `br;q=0` says no. */
function accepts(header: string | undefined, encoding: string): boolean {
  return (header ?? "").split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

async function readIfThere(path: string): Promise<Buffer<ArrayBuffer> | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null;
    throw error;
  }
}

const toAttribute = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
