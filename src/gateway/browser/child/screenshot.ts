// A tab as a picture: what is seen, one element, or the whole page, in a form that providers of models take.

import type { ProcessResult } from "./messages.ts";
import type { Tab } from "./tabs.ts";

/** What providers of models take. */
const IMAGE_BYTES_MAX = 10_485_760;
/** Chromium draws a picture of no more. */
const HEIGHT_PX_MAX = 16_384;
const JPEG_QUALITY = 80;
const JPEG_QUALITY_LEAST = 30;

export interface ScreenshotForm {
  ref: string | null;
  isFull: boolean;
  type: "png" | "jpeg";
}

/** @throws Error a picture that is too large even at the least quality */
export async function takeScreenshot(tab: Tab, form: ScreenshotForm, ms: number): Promise<ProcessResult> {
  const take = async (type: "png" | "jpeg", quality: number): Promise<Buffer> => {
    const options = { type, timeout: ms, ...(type === "jpeg" && { quality }) };
    if (form.ref !== null) return await tab.page.getByRef(form.ref).screenshot(options);
    if (!form.isFull) return await tab.page.screenshot(options);
    const { cssContentSize } = await tab.devTools.send("Page.getLayoutMetrics");
    if (cssContentSize.height <= HEIGHT_PX_MAX) return await tab.page.screenshot({ ...options, fullPage: true });
    const clip = { x: 0, y: 0, width: cssContentSize.width, height: HEIGHT_PX_MAX };
    return await tab.page.screenshot({ ...options, fullPage: true, clip });
  };
  let type = form.type;
  let image = await take(type, JPEG_QUALITY);
  if (image.length > IMAGE_BYTES_MAX) {
    type = "jpeg";
    image = await take(type, JPEG_QUALITY_LEAST);
  }
  if (image.length > IMAGE_BYTES_MAX) throw new Error(`the picture has ${image.length} bytes, more than ${IMAGE_BYTES_MAX}`);
  return {
    text: `${type}, ${image.length} bytes`,
    image: { mimeType: `image/${type}`, data: image.toString("base64") },
    details: { tab: tab.id, url: tab.page.url(), bytes: image.length },
  };
}
