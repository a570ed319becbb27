// What the log of controller and gateway never says, and that its hints work where it is written.
import { describe, expect, test } from "vitest";
import { createLogTo } from "./log.ts";
import { findPlace, type Say, toPlace } from "./place.ts";

const asOnHost: Say = (text) => text;

describe("the log", () => {
  const SECRET = "s3cr3t-of-the-test";

  test.each(["token", "password", "passphrase", "secret", "authorization", "cookie", "apiKey", "credentials", "privateKey", "env"])(
    "says no %s, however deep it lies",
    (field) => {
      const lines: string[] = [];
      const log = createLogTo({ level: "info", say: asOnHost, write: (line) => void lines.push(line) });
      const hidden = { [field]: SECRET };
      log.info(hidden, "told");
      log.info({ request: hidden }, "told");
      log.info({ err: Object.assign(new Error("failed"), { response: { headers: hidden } }) }, "told");
      log.child({ part: "servers" }).info({ config: { gateway: { auth: hidden } } }, "told");
      expect(lines).toHaveLength(4);
      expect(lines.join("")).not.toContain(SECRET);
    },
  );

  test("says no login for a registry", () => {
    const lines: string[] = [];
    const log = createLogTo({ level: "info", say: asOnHost, write: (line) => void lines.push(line) });
    log.info({ request: { headers: { "X-Registry-Auth": SECRET } } }, "told");
    expect(lines.join("")).not.toContain(SECRET);
  });

  test("says hints and paths as they work where the process runs, in every field and in errors", () => {
    const lines: string[] = [];
    const place = findPlace({ OPENCLAW_PLACE: "compose", OPENCLAW_HOST_STATE_DIR: "/srv/claw" }, "openclaw");
    const log = createLogTo({ level: "info", say: (text) => toPlace(text, place), write: (line) => void lines.push(line) });
    const err = Object.assign(new Error("no sandbox"), { fix: "openclaw sandbox list" });
    const fields = { fix: "openclaw sandbox approve", file: "/home/node/.openclaw/openclaw.json", issues: [{ at: "openclaw start" }] };
    log.warn({ ...fields, err }, "held; openclaw sandbox plan says why");
    const { msg, ...said } = JSON.parse(lines.join(""));
    const command = "docker compose run --rm openclaw-cli";
    expect(said).toMatchObject({
      fix: `${command} sandbox approve`,
      file: "/srv/claw/openclaw.json",
      err: { fix: `${command} sandbox list` },
    });
    expect(said.issues).toEqual([{ at: "docker compose up -d" }]);
    expect(msg).toBe(`held; ${command} sandbox plan says why`);
  });
});
