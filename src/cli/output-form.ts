// In which form a listing is printed: a table, wide or not, names alone, JSON or YAML. Which commands can, their options say.
// What is in it is the command's.
import { toSafeJson } from "../api/safe-text.ts";
import { type CliContext, printData, printJson } from "./context.ts";
import { withTimes } from "./json-times.ts";

export const OUTPUT_FORMS = ["wide", "json", "yaml", "name"] as const;

export interface OutputOptions {
  output?: (typeof OUTPUT_FORMS)[number];
  /** The same as `-o json`. */
  json?: boolean;
  /** The same as `-o name`. */
  quiet?: boolean;
}

export type OutputForm = "table" | (typeof OUTPUT_FORMS)[number];

export function toOutputForm({ output, json, quiet }: OutputOptions): OutputForm {
  if (output !== undefined) return output;
  return json === true ? "json" : quiet === true ? "name" : "table";
}

/** Prints the value where its form needs no layout. YAML's seventy modules are loaded by who asks for it alone. @returns whether it did */
export async function printAsData(
  context: CliContext,
  form: OutputForm,
  { value, names }: { value: unknown; names: readonly string[] },
): Promise<boolean> {
  switch (form) {
    case "json":
      printJson(context, value);
      return true;
    case "yaml": {
      const { stringify } = await import("yaml");
      // By way of JSON, so that both say the same and control characters are escaped.
      printData(context, stringify(JSON.parse(toSafeJson(JSON.stringify(withTimes(value))))));
      return true;
    }
    case "name":
      printData(context, names.map((name) => `${name}\n`).join(""));
      return true;
    case "table":
    case "wide":
      return false;
  }
}
