// Which text of a model's is read as Markdown, and where its links and images may lead. Pure. How they look is pages/chat/markdown.tsx's.

/** Of one piece of an answer: a book's chapter. */
const TEXT_LENGTH_MAX = 200_000;
/** Of one paragraph: what emphasis may begin or end with is looked for among all that came before it. 1 500 take some 30 ms, and 30 000 seconds. */
const MARKS_MAX = 1_500;
/** Quotes and lists within each other, at the start of a line. */
const NESTED = /^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])){32}/m;
const FENCED = /^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^ {0,3}\1[ \t]*$|$(?![\s\S]))/gm;

/** What nobody writes for a reader would hold up the page: it is shown as it was written. */
export function isReadable(text: string): boolean {
  if (text.length > TEXT_LENGTH_MAX || NESTED.test(text)) return false;
  const paragraphs = text.replace(FENCED, "").split(/\n[ \t]*\n/);
  return paragraphs.every((paragraph) => countMarks(paragraph) <= MARKS_MAX);
}

function countMarks(text: string): number {
  let count = 0;
  for (const character of text) if (character === "*" || character === "_" || character === "~" || character === "[") count += 1;
  return count;
}

const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);
const LENGTH_MAX = 2_048;

/** An address of its own somewhere else. null: it is none, or one that a page must not open (`javascript:`, `data:`, `blob:`, `file:` ...). */
export function toLinkTarget(href: string): string | null {
  if (href.length > LENGTH_MAX) return null;
  // Without a base: what is relative would be an address of the gateway's.
  const url = URL.parse(href.trim());
  if (url === null || !SCHEMES.has(url.protocol)) return null;
  // A name before the host looks like a host.
  return url.username === "" && url.password === "" ? url.href : null;
}

const IMAGES = /\.(?:png|jpe?g|gif|webp)$/i;

/** A picture in the session's workspace, relative to it. null: it is somewhere else, or no picture */
export function toWorkspacePath(href: string): string | null {
  const written = href.replace(/^(?:\/workspace\/|\.\/)/, "");
  if (href.length > LENGTH_MAX || /^[a-z][a-z0-9+.-]*:|^[/\\]/i.test(written) || !IMAGES.test(written)) return null;
  const path = decode(written);
  if (path === null || path.split("/").some((name) => name === "" || name === "." || name === "..") || /[\\\0]/.test(path)) return null;
  return path;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
