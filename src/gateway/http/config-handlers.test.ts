// What the gateway does itself with an edit of the config, before the controller is asked.
import { expect, test } from "vitest";
import type { ConfigEdit } from "../../api/config-edit.ts";
import { configHandlers } from "./config-handlers.ts";
import type { CallOf } from "./handler.ts";

function open() {
  const asked: ConfigEdit[] = [];
  const { tryConfigEdit } = configHandlers({
    configText: () => expect.unreachable("nobody asks for the text"),
    tryConfigEdit: async (edit) => {
      asked.push(edit);
      return { issues: [], plan: null, others: 0, unplanned: "" };
    },
  });
  const attempt = async (text: string): Promise<unknown> => {
    const call: CallOf<"tryConfigEdit"> = {
      ...{ params: {}, query: undefined, headers: new Headers(), signal: new AbortController().signal },
      identity: { kind: "owner", scopes: [] },
      body: { revision: "1", text },
    };
    return await tryConfigEdit(call);
  };
  return { asked, attempt };
}

test("a text that is no JSON5 is refused with its place, and the controller is not asked", async () => {
  const { asked, attempt } = open();
  expect(await attempt("{\n  agents: {")).toMatchObject({ plan: null, issues: [{ severity: "error", line: 2, column: 11 }] });
  expect(await attempt("{ a: 1, a: 2 }")).toMatchObject({ issues: [{ message: "this key is already set on line 1" }] });
  expect(asked).toEqual([]);
  await attempt("{}");
  expect(asked).toEqual([{ revision: "1", text: "{}", plan: false }]);
});
