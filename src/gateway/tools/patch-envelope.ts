// Finds the patch in what a model sent as one: behind a fence of Markdown, a heredoc of a shell, a tag, JSON, indentation, decorated marks. Pure.
// What stands in the patch is patch.ts's.

export interface Envelope {
  /** All that was sent, so that numbers of lines are those of the sender; those of the patch without what surrounds it. */
  lines: string[];
  /** Index of its first mark, if it has one. */
  from: number;
  /** Index behind its last line. */
  to: number;
}

const BEGIN = /^(?:apply_patch\s+)?["']?\*{3}\s*Begin\s+Patch\s*(?:\*{3})?\s*$/i;
const END = /^\*{3}\s*End\s+Patch\s*(?:\*{3})?\s*["']?\s*$/i;
/** ```` ``` ````, ```` ```diff title="x" ````. */
const FENCE = /^(`{3,}|~{3,})[^`~]*$/;
/** `<patch>`, which `</patch>` closes. */
const TAG = /^<([A-Za-z][\w-]*)>$/;
/** `<<'EOF'`, `apply_patch <<EOF`, `cat <<"EOF" | apply_patch`; nothing that would change the folder first. */
const HEREDOC = /^(?:\$\s+)?(?:apply_patch|cat)?\s*<<-?\s*(["']?)([A-Za-z_]\w*)\1(?:\s*\|\s*apply_patch)?$/;

export const isBegin = (line: string): boolean => BEGIN.test(line.trim());

/** At the beginning of a line: behind a space it may be a line of a file. */
export const isEnd = (line: string): boolean => END.test(line);

export function findEnvelope(text: string): Envelope {
  const lines = fromJson(text).replaceAll("\r\n", "\n").split("\n");
  const closers = new Set<string>();
  let from = 0;
  for (; from < lines.length; from += 1) {
    const line = lines[from]?.trim() ?? "";
    const [, tag] = TAG.exec(line) ?? [];
    const closer = FENCE.exec(line)?.[1] ?? HEREDOC.exec(line)?.[2] ?? (tag === undefined ? tag : `</${tag}>`);
    if (closer !== undefined) closers.add(closer);
    else if (line !== "") break;
  }
  if (from === lines.length) return { lines, from: 0, to: 0 };
  let to = lines.length;
  const isAround = (line: string): boolean => line === "" || closers.has(line);
  while (to > from && isAround(lines[to - 1]?.trim() ?? "")) to -= 1;
  return { lines: withoutIndent(lines, from, to), from, to };
}

/** A patch that was put into JSON once more: as a text, or as the one that is a patch in an object or a list. Anything else is what it is. */
function fromJson(text: string): string {
  if (!/^\s*["{[]/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    const texts = typeof value === "object" && value !== null ? Object.values(value) : [value];
    const [patch, other] = texts.filter((one) => typeof one === "string" && /\*{3}\s*Begin\s+Patch/i.test(one));
    return other === undefined && typeof patch === "string" ? patch : text;
  } catch {
    return text;
  }
}

/** The first mark tells how far everything is indented; where not everything is, the marks alone are. */
function withoutIndent(lines: readonly string[], from: number, to: number): string[] {
  const indent = /^\s*/.exec(lines[from] ?? "")?.[0] ?? "";
  const isWhole = indent !== "" && lines.slice(from, to).every((line) => line.trim() === "" || line.startsWith(indent));
  return lines.map((line, at) => {
    if (isWhole && at >= from && at < to) return line.slice(indent.length);
    return at === to - 1 && isEnd(line.trim()) ? line.trim() : line;
  });
}
