// A small picture of the tab that is in front, over the bare DevTools protocol: nothing is attached to other tabs, and nothing on the page changes.
import type { WebSocket } from "ws";
import type { ProcessResult } from "./messages.ts";

const WIDTH_PX = 320;
const QUALITY = 60;

interface Reply {
  id: number;
  result: Record<string, unknown>;
  error?: { message: string };
}

export async function takeThumbnail(socket: WebSocket): Promise<ProcessResult> {
  const call = toCaller(socket);
  const { targetInfos } = await call("Target.getTargets", {});
  const pages = Array.isArray(targetInfos) ? targetInfos.filter((target) => Object(target).type === "page") : [];
  // The last that was in front comes first.
  const target = Object(pages[0]);
  if (typeof target.targetId !== "string") throw new Error("the browser has no tab");
  const { sessionId } = await call("Target.attachToTarget", { targetId: target.targetId, flatten: true });
  const session = String(sessionId);
  const { cssVisualViewport } = await call("Page.getLayoutMetrics", {}, session);
  const { clientWidth, clientHeight } = Object(cssVisualViewport);
  const width = Number(clientWidth) || WIDTH_PX;
  const clip = { x: 0, y: 0, width, height: Number(clientHeight) || width, scale: WIDTH_PX / width };
  const { data } = await call("Page.captureScreenshot", { format: "jpeg", quality: QUALITY, clip, optimizeForSpeed: true }, session);
  return {
    text: "thumbnail",
    image: { mimeType: "image/jpeg", data: String(data) },
    details: { url: String(target.url), title: String(target.title) },
  };
}

function toCaller(socket: WebSocket): (method: string, params: object, sessionId?: string) => Promise<Record<string, unknown>> {
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  let calls = 0;
  socket.on("message", (data) => {
    const reply = JSON.parse(String(data)) as Partial<Reply>;
    const call = waiting.get(reply.id ?? 0);
    waiting.delete(reply.id ?? 0);
    if (reply.error !== undefined) call?.reject(new Error(reply.error.message));
    else call?.resolve(reply.result ?? {});
  });
  socket.once("close", () => {
    for (const call of waiting.values()) call.reject(new Error("the connection to the browser ended"));
  });
  return async (method, params, sessionId) => {
    calls += 1;
    const call = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(calls, call);
    socket.send(JSON.stringify({ id: calls, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return await call.promise;
  };
}
