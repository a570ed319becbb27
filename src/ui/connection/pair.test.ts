// A one-time link whose request does not get through: asked again, as long as that may help.
import { expect, test } from "vitest";
import type { DeviceIdentity } from "./identity.ts";
import { pairByLink } from "./pair.ts";

const identity: DeviceIdentity = { id: "a", publicKey: "b", sign: async () => "c" };
const PAIRED = { deviceId: "a", scopes: ["operator.write"] };

type Reply = () => Response;
const lost: Reply = () => {
  throw new TypeError("Failed to fetch");
};
const busy: Reply = () => Response.json({ detail: "too many requests", retryable: true }, { status: 429 });
const used: Reply = () => Response.json({ detail: "this link was used already", retryable: false }, { status: 404 });
const paired: Reply = () => Response.json(PAIRED);

/** The last one is given for ever. */
async function pair(...replies: readonly Reply[]) {
  const waits: number[] = [];
  let asked = 0;
  const post = async (): Promise<Response> => {
    const reply = replies[Math.min(asked, replies.length - 1)] ?? lost;
    asked += 1;
    return reply();
  };
  const ended = pairByLink({ code: "x", identity, platform: "web", post, pause: async (ms) => void waits.push(ms) });
  const outcome = await ended.catch((error: Error) => error.message);
  return { outcome, asked, waits };
}

test("a request that is lost with the network is made again, and one that the gateway had no room for", async () => {
  expect(await pair(lost, busy, paired)).toEqual({ outcome: PAIRED, asked: 3, waits: [250, 500] });
});

test("a link that is used or over is not asked for again", async () => {
  expect(await pair(used)).toEqual({ outcome: "this link was used already", asked: 1, waits: [] });
});

test("a gateway that stays away is given up before the link is over", async () => {
  const { outcome, waits } = await pair(lost);
  expect(outcome).toBe("the gateway does not answer: Failed to fetch");
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(60_000);
});
