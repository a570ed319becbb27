// What the log of controller and gateway never says.
import { describe, expect, test } from "vitest";
import { createLogTo } from "./log.ts";

describe("the log", () => {
  const SECRET = "s3cr3t-of-the-test";

  test.each(["token", "password", "passphrase", "secret", "authorization", "cookie", "apiKey", "credentials", "privateKey", "env"])(
    "says no %s, however deep it lies",
    (field) => {
      const lines: string[] = [];
      const log = createLogTo({ level: "info", write: (line) => void lines.push(line) });
      const hidden = { [field]: SECRET };
      log.info(hidden, "told");
      log.info({ request: hidden }, "told");
      log.info({ err: Object.assign(new Error("failed"), { response: { headers: hidden } }) }, "told");
      log.child({ part: "doors" }).info({ config: { gateway: { auth: hidden } } }, "told");
      expect(lines).toHaveLength(4);
      expect(lines.join("")).not.toContain(SECRET);
    },
  );

  test("says no login for a registry", () => {
    const lines: string[] = [];
    const log = createLogTo({ level: "info", write: (line) => void lines.push(line) });
    log.info({ request: { headers: { "X-Registry-Auth": SECRET } } }, "told");
    expect(lines.join("")).not.toContain(SECRET);
  });
});
