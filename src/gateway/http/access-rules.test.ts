// Which secret counts while the config is edited. What a request without it is answered: http/attacks.test.ts.
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { mustParse } from "../../api/config/config.fixture.ts";
import type { Config } from "../../api/config/config.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { AccessRulesInForce } from "./access-rules.ts";

class Edited {
  current: Config = mustParse("{}");
  #changed: () => void = () => undefined;

  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  save(auth: object): void {
    this.current = mustParse(JSON.stringify({ gateway: { auth } }));
    this.#changed();
  }
}

async function open({ bind = "127.0.0.1", making = () => undefined }: { bind?: string; making?(config: Edited): void } = {}) {
  const config = new Edited();
  config.save({ token: "first" });
  const makeToken = (): string => {
    making(config);
    return "made";
  };
  const own = { stateDir: await createFolder(), makeToken };
  const given = { token: null, password: null };
  const address = { host: bind, port: 0 };
  const rules = await AccessRulesInForce.open({ ...{ config, own, given, address, hostName: "Box" }, log: pino({ level: "silent" }) });
  let revoked = 0;
  rules.onRevoked(() => {
    revoked += 1;
  });
  const secret = (): string | null => (rules.current.credentials.kind === "secret" ? rules.current.credentials.secret : null);
  return { config, rules, secret, revokedTimes: () => revoked };
}

test("of two edits the last one counts, however long the secret of the first takes to be made", async () => {
  const { config, secret, revokedTimes } = await open({ making: (edited) => edited.save({ token: "last" }) });
  config.save({});
  await vi.waitFor(() => expect([secret(), revokedTimes()]).toEqual(["last", 2]), { timeout: 15_000 });
});

test("another secret revokes what the old one opened; an edit that leaves it does not", async () => {
  const { config, rules, secret, revokedTimes } = await open();
  const before = rules.current;
  config.save({ token: "first" });
  await vi.waitFor(() => expect(rules.current).not.toBe(before), { timeout: 15_000 });
  expect(revokedTimes()).toBe(0);
  config.save({ token: "second" });
  await vi.waitFor(() => expect([secret(), revokedTimes()]).toEqual(["second", 1]), { timeout: 15_000 });
});

test("rules that would open the server to everybody leave those before in force", async () => {
  const { config, secret } = await open({ bind: "192.0.2.1" });
  config.save({ mode: "none" });
  config.save({ token: "second" });
  await vi.waitFor(() => expect(secret()).toBe("second"), { timeout: 15_000 });
});
