// Operations on browsers of sessions for people who watch them: a part of the table in operations.ts. What agents do with a browser is the tool `browser`.
import { z } from "zod";
import type { Operation } from "./operation.ts";

/** Where the page opens its socket; the code is its first message. */
export const BROWSER_VIEW_PATH = "/v1/browser-view";

export const BROWSER_OPERATIONS = {
  getBrowser: {
    method: "get",
    path: "/v1/sessions/{key}/browser",
    summary: "The session's browser as it is now. It starts none, and is no use of one",
    scope: "operator.read",
    socket: "browser.get",
    answer: z.object({
      running: z.boolean(),
      name: z.string().nullable().meta({ description: "Of its container. null: none is ready" }),
      headless: z.boolean().nullable(),
      watchable: z.boolean().meta({ description: "Whether it has a screen that a person may watch" }),
    }),
  },
  viewBrowser: {
    method: "post",
    path: "/v1/sessions/{key}/browser/view",
    summary:
      "A code with which the caller's page watches the session's browser: good once and for a minute, and for nothing else. It is the first message, `{code}`, on a WebSocket at `path`; then the socket speaks RFB in binary messages. `{control: true}` takes control, for who has operator.write",
    scope: "operator.read",
    socket: "browser.view",
    answer: z.object({
      code: z.string(),
      expiresAt: z.int().meta({ description: "Milliseconds since 1970" }),
      path: z.string(),
      mayControl: z.boolean(),
    }),
  },
  lookAtBrowser: {
    method: "get",
    path: "/v1/sessions/{key}/browser/thumbnail",
    summary: "A small picture of the session's browser, at most 20 seconds old. It starts none, and is no use of one",
    scope: "operator.read",
    socket: "browser.thumbnail",
    answer: z.object({
      picture: z
        .object({ mimeType: z.enum(["image/png", "image/jpeg"]), data: z.string().meta({ description: "Base64" }), takenAt: z.int() })
        .nullable()
        .meta({ description: "null: none runs, or it shows none" }),
    }),
  },
  stopBrowser: {
    method: "delete",
    path: "/v1/sessions/{key}/browser",
    summary: "Stops the session's browser: its tabs, cookies and downloads are gone. The tool starts another one",
    scope: "operator.write",
    socket: "browser.stop",
    answer: z.object({ stopped: z.boolean() }),
  },
} as const satisfies Record<string, Operation>;
