// `${NAME}` in string values becomes the environment's value. Pure: the environment is an argument.
// Only upper-case names are ours, so a shell's ${name} in a setupCommand stays as it is; `$${NAME}` is the text `${NAME}`.
import type { Issue } from "../issue.ts";
import { type ConfigNode, type ConfigPath, renderPath } from "./tree.ts";

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** A hostile file could make a million. */
const ISSUES_MAX = 200;

const REFERENCE = /\$(\$)?\{([A-Z_][A-Z0-9_]*)\}/g;

/** Whether the text asks for a variable, or writes one that is to stay. */
export const hasReference = (text: string): boolean => text.search(REFERENCE) !== -1;

export function substituteVariables(root: ConfigNode, variables: EnvironmentVariables): { root: ConfigNode; issues: Issue[] } {
  const issues: Issue[] = [];
  const visit = (node: ConfigNode, path: ConfigPath): ConfigNode => {
    switch (node.kind) {
      case "object":
        return { ...node, members: node.members.map((member) => ({ ...member, value: visit(member.value, [...path, member.key]) })) };
      case "array":
        return { ...node, items: node.items.map((item, index) => visit(item, [...path, index])) };
      case "scalar":
        return typeof node.value === "string" ? { ...node, value: replace(node.value, node, path) } : node;
    }
  };
  const replace = (text: string, node: ConfigNode, path: ConfigPath): string =>
    text.replace(REFERENCE, (reference, escaped: string | undefined, name: string) => {
      if (escaped !== undefined) return reference.slice(1);
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value === undefined && issues.length < ISSUES_MAX) {
        issues.push({
          severity: "error",
          ...node.at,
          path: renderPath(path),
          message: `the environment variable ${name} is not set`,
          fix: `set ${name}, or write $\${${name}} for the text itself`,
        });
      }
      return value ?? "";
    });
  return { root: visit(root, []), issues };
}

/** The text with its variables, or null if one of them is not known. */
export function replaceKnown(text: string, variables: EnvironmentVariables): string | null {
  let isComplete = true;
  const replaced = text.replace(REFERENCE, (reference, escaped: string | undefined, name: string) => {
    if (escaped !== undefined) return reference.slice(1);
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    isComplete &&= value !== undefined;
    return value ?? "";
  });
  return isComplete ? replaced : null;
}

/** Whether a text of the tree asks for it. */
export function isReferenced(node: ConfigNode, name: string): boolean {
  switch (node.kind) {
    case "object":
      return node.members.some(({ value }) => isReferenced(value, name));
    case "array":
      return node.items.some((item) => isReferenced(item, name));
    case "scalar":
      return typeof node.value === "string" && node.value.includes(`\${${name}}`);
  }
}
