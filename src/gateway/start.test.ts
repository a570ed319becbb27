// What a gateway decides before it listens: its secret, its address, and whether the state folder is its own.

import { mkdirSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { toEpochMs } from "../api/brands.ts";
import { toGatewayConfig } from "../api/config/config.ts";
import { createFolder } from "../api/store/folder.fixture.ts";
import { copyUpstreamDatabase } from "../api/store/upstream-copy.ts";
import { findUpstreamDatabase } from "../api/store/upstream-state.ts";
import { refuseUnauthenticated, toListenAddress } from "./http/bind.ts";
import { toCredentials } from "./http/secret.ts";
import { guardUpstreamState } from "./sessions/upstream-state.ts";

const NOTHING = { token: null, password: null };
let made = 0;
const makeToken = (): string => `made-${++made}`;

test("the secret is the flag's or the environment's, then the config's, then one of its own that it keeps", async () => {
  const stateDir = await createFolder();
  const own = { stateDir, makeToken };
  const token = toGatewayConfig({ auth: { token: "from-config" } });
  expect(await toCredentials(token, { ...NOTHING, token: "given" }, own)).toMatchObject({ mode: "token", secret: "given" });
  expect(await toCredentials(token, NOTHING, own)).toMatchObject({ secret: "from-config" });
  const first = await toCredentials(toGatewayConfig({}), NOTHING, own);
  expect(await toCredentials(toGatewayConfig({}), NOTHING, own)).toEqual(first);
  expect((await stat(join(stateDir, "gateway", "token"))).mode & 0o777).toBe(0o600);
  const password = toGatewayConfig({ auth: { mode: "password", password: "from-config" } });
  expect(await toCredentials(password, NOTHING, own)).toMatchObject({ mode: "password", secret: "from-config" });
  expect(await toCredentials(password, { ...NOTHING, password: "given" }, own)).toMatchObject({ secret: "given" });
  await expect(toCredentials(toGatewayConfig({ auth: { mode: "password" } }), NOTHING, own)).rejects.toMatchObject({
    fix: "set OPENCLAW_GATEWAY_PASSWORD or gateway.auth.password",
  });
});

test.each(["token\n", " token", "to\u0000ken", "x".repeat(4_097)])(
  "a secret that no header can carry is refused, not waited for in vain: %j",
  async (token) => {
    const own = { stateDir: await createFolder(), makeToken };
    await expect(toCredentials(toGatewayConfig({}), { ...NOTHING, token }, own)).rejects.toMatchObject({
      code: "InvalidConfig",
      message: expect.stringContaining("can't be sent in a header"),
    });
  },
);

test("the address is the flag's or the environment's, then the config's, then loopback", () => {
  const given = { bind: null, port: null };
  expect(toListenAddress(toGatewayConfig({}), given)).toEqual({ host: "127.0.0.1", port: 18_789 });
  expect(toListenAddress(toGatewayConfig({ bind: "lan", port: 1 }), given)).toEqual({ host: undefined, port: 1 });
  expect(toListenAddress(toGatewayConfig({ bind: "lan" }), { bind: "[::1]", port: "0" })).toEqual({ host: "::1", port: 0 });
  for (const bad of [
    { bind: "0.0.0.0/0", port: null },
    { bind: "a b", port: null },
    { bind: null, port: "65536" },
    { bind: null, port: "1e3" },
  ])
    expect(() => toListenAddress(toGatewayConfig({}), bad)).toThrow(/is not a port|is not an address/);
});

test("a server without a secret opens on loopback only", () => {
  const open = { kind: "none" } as const;
  for (const host of ["127.0.0.1", "::1", "localhost"]) expect(() => refuseUnauthenticated(open, { host, port: 1 })).not.toThrow();
  for (const host of [undefined, "0.0.0.0", "::", "192.168.1.2", "box", "127.example.org"])
    expect(() => refuseUnauthenticated(open, { host, port: 1 })).toThrow("other hosts could connect");
  expect(() => refuseUnauthenticated({ kind: "secret", mode: "token", secret: "x" }, { host: undefined, port: 1 })).not.toThrow();
});

test("another gateway's database is left alone without --adopt, and copied, never changed, with it", async () => {
  const stateDir = await createFolder();
  const now = toEpochMs(Date.UTC(2026, 0, 31));
  const copy = (database: string) => copyUpstreamDatabase(database, join(stateDir, "gateway", "backups"), now);
  const guard = async (adopt: boolean) =>
    guardUpstreamState({ stateDir, database: await findUpstreamDatabase(stateDir), adopt, now, copy });
  expect(await guard(false)).toBeNull();
  mkdirSync(join(stateDir, "state"));
  const path = join(stateDir, "state", "openclaw.sqlite");
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE kept (word TEXT); INSERT INTO kept VALUES ('theirs')");
  database.close();
  const before = await readFile(path);
  await expect(guard(false)).rejects.toMatchObject({ code: "HostRejected", fix: expect.stringContaining("--adopt") });
  expect(await readdir(stateDir)).toEqual(["state"]);
  const made = await guard(true);
  const copied = new DatabaseSync(made ?? "", { readOnly: true });
  expect(copied.prepare("SELECT word FROM kept").get()).toMatchObject({ word: "theirs" });
  copied.close();
  expect(await readFile(path)).toEqual(before);
  expect(await guard(false)).toBeNull();
});
