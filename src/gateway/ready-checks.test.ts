// What the gateway says of its health, with a controller and sign-ins that are well or not.
import { expect, test } from "vitest";
import { findPlace, toPlace } from "../api/place.ts";
import { createFolder } from "../api/store/folder.fixture.ts";
import { madeUpSignIn, openWorld } from "./credentials/credentials.fixture.ts";
import { checkReadiness } from "./ready-checks.ts";
import { StreamClient } from "./sandbox/stream-client.ts";

test("a sign-in that is of no use is said, with the command that shows it, and keeps the gateway from nothing", async () => {
  const [world, stateDir] = [await openWorld(), await createFolder()];
  const parts = { stateDir, controller: new StreamClient(stateDir), signIns: world.credentials };
  const look = async () => await checkReadiness({ ...parts, say: (text) => text });
  expect((await look()).map(({ name, ok }) => [name, ok])).toEqual([
    ["state", true],
    ["controller", false],
  ]);
  await world.credentials.put("openai:default", { ...madeUpSignIn({ expiresAt: world.clock.at + 3_600_000 }), clockBehindMs: 0 });
  expect((await look()).at(-1)).toEqual({ name: "sign-ins", ok: true, message: "1 ready", isAdvice: true });
  const { accessToken, refreshToken: _, ...secret } = madeUpSignIn({ expiresAt: world.clock.at - 1 });
  await world.credentials.put("openai:default", { ...secret, accessToken });
  expect((await look()).at(-1)).toEqual({
    ...{ name: "sign-ins", ok: false, isAdvice: true },
    message: "openai:default is expired: it has expired; see: openclaw models auth list",
  });
  const inCompose = findPlace({ OPENCLAW_PLACE: "compose" }, "openclaw");
  expect((await checkReadiness({ ...parts, say: (text) => toPlace(text, inCompose) })).at(-1)).toMatchObject({
    message: expect.stringMatching(/see: docker compose run --rm openclaw-cli models auth list$/),
  });
});
