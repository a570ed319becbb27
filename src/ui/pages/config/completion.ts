// Offers keys and values while somebody types in the config, each with what it means, and says what a key means under the pointer.
// What may stand where is schema-walk.ts's.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import { type EditorView, hoverTooltip } from "@codemirror/view";
import { type JsonSchema, keysAt, LIST_ENTRY, type SchemaPath, valuesAt } from "./schema-walk.ts";

type SyntaxNode = ReturnType<ReturnType<typeof syntaxTree>["resolveInner"]>;

interface Place {
  path: SchemaPath;
  wants: "key" | "value";
  /** Keys that stand there already. */
  taken: readonly string[];
}

const WORD = /["'\w$.-]*/;

export function placeAt(state: EditorState, offset: number): Place | null {
  const around = syntaxTree(state).resolveInner(offset, -1);
  const node = ["{", "[", "⚠", ",", "LineComment", "BlockComment"].includes(around.name) ? around.parent : around;
  if (node === null) return null;
  if (node.name === "PropertyName") return keyPlace(state, node.parent?.parent ?? null);
  if (node.name === "Object") return keyPlace(state, node);
  if (node.name === "Property" && node.getChild("PropertyColon") === null) return keyPlace(state, node.parent);
  const path = pathOf(state, node.name === "PropertyColon" ? node.parent : node);
  return path.length === 0 ? null : { path, wants: "value", taken: [] };
}

function keyPlace(state: EditorState, object: SyntaxNode | null): Place | null {
  if (object === null) return null;
  const taken = object.getChildren("Property").flatMap((property) => keyOf(state, property) ?? []);
  return { path: pathOf(state, object), wants: "key", taken };
}

function keyOf(state: EditorState, property: SyntaxNode): string | null {
  const name = property.getChild("PropertyName");
  return name === null ? null : state.sliceDoc(name.from, name.to).replaceAll(/^["']|["']$/g, "");
}

/** Of the value that a node is, or is in. */
function pathOf(state: EditorState, node: SyntaxNode | null): string[] {
  const path: string[] = [];
  for (let at = node; at !== null; at = at.parent) {
    if (at.name === "Property") path.unshift(keyOf(state, at) ?? "");
    else if (at.parent?.name === "Array") path.unshift(LIST_ENTRY);
  }
  return path;
}

export const completeConfig =
  (schema: JsonSchema) =>
  (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(WORD);
    const place = placeAt(context.state, context.pos);
    if (word === null || place === null || (word.from === word.to && !context.explicit)) return null;
    const options =
      place.wants === "key" ? keyOptions(schema, place) : valuesAt(schema, place.path).map((label) => ({ label, type: "constant" }));
    return options.length === 0 ? null : { from: word.from, options, validFor: WORD };
  };

function keyOptions(schema: JsonSchema, { path, taken }: Place): Completion[] {
  return keysAt(schema, path)
    .filter(({ key }) => !taken.includes(key))
    .map(({ key, about, example }) => ({
      label: key,
      type: "property",
      info: about,
      apply: `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${example}`,
    }));
}

/** Of the key under the pointer. */
export const explainKey = (schema: JsonSchema) =>
  hoverTooltip((view: EditorView, offset: number) => {
    const node = syntaxTree(view.state).resolveInner(offset, -1);
    if (node.name !== "PropertyName") return null;
    const path = pathOf(view.state, node);
    const about = keysAt(schema, path.slice(0, -1)).find(({ key }) => key === path.at(-1))?.about ?? "";
    if (about === "") return null;
    return {
      pos: node.from,
      end: node.to,
      create: () => ({ dom: Object.assign(document.createElement("div"), { className: "cm-about", textContent: about }) }),
    };
  });
