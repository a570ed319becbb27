// Security row 24: the port on which the answer of a sign-in arrives, as the browser, another user of the machine and a page elsewhere find it.
import { request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../test/free-port.ts";
import { type CallbackServer, listenForAnswer } from "./callback-server.ts";

const STATE = "0123456789abcdef0123456789abcdef";
const CODE = "code-of-the-test";

interface Listening {
  port: number;
  server: CallbackServer;
  ask(
    path: string,
    options?: { method?: string; host?: string; address?: string },
  ): Promise<{ status: number; body: string; headers: Record<string, unknown> }>;
}

async function listen(): Promise<Listening> {
  const port = await freePort();
  const server = await listenForAnswer(STATE, `http://localhost:${port}/auth/callback`);
  onTestFinished(() => server.stop());
  const ask: Listening["ask"] = async (path, { method = "GET", host = `localhost:${port}`, address = "127.0.0.1" } = {}) =>
    await new Promise((resolve, reject) => {
      const asked = request({ host: address, port, path, method, headers: { host }, setHost: false }, (response) => {
        let body = "";
        response.on("data", (text: Buffer) => {
          body += text.toString();
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      });
      asked.on("error", reject).end();
    });
  return { port, server, ask };
}

const PATH = `/auth/callback?code=${CODE}&state=${STATE}`;
const answerOf = async ({ server }: Listening): Promise<string | null> => (await server.answer).get("code");

describe("security 24: the callback of a sign-in", () => {
  test("arrives on either loopback address, and on no other one of this machine", async () => {
    const listening = await listen();
    expect(listening.server.addresses).toContain("127.0.0.1");
    const others = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter(({ internal, scopeid }) => !internal && !scopeid),
    );
    for (const { address } of others) expect(await canConnect(address, listening.port), address).toBe(false);
    const address = listening.server.addresses.at(-1) ?? "";
    expect(await listening.ask(PATH, { address })).toMatchObject({ status: 200 });
    expect(await answerOf(listening)).toBe(CODE);
  });

  test("is taken once: a second one is told so and changes nothing", async () => {
    const listening = await listen();
    expect(await listening.ask(PATH)).toMatchObject({ status: 200 });
    expect(await listening.ask(PATH.replace(CODE, "another-code"))).toMatchObject({ status: 410 });
    expect(await answerOf(listening)).toBe(CODE);
  });

  test("with another state, none or two is refused, and ends nothing: the right one still arrives", async () => {
    const listening = await listen();
    for (const wrong of [STATE.replace("0", "1"), "", STATE.slice(1), `${STATE}&state=${STATE}`])
      expect(await listening.ask(`/auth/callback?code=stolen-code&state=${wrong}`), wrong).toMatchObject({ status: 400 });
    expect(await listening.ask("/auth/callback")).toMatchObject({ status: 400 });
    expect(await listening.ask(PATH)).toMatchObject({ status: 200 });
    expect(await answerOf(listening)).toBe(CODE);
  });

  test("is refused for a foreign Host, so that no name elsewhere leads to it", async () => {
    const listening = await listen();
    const { port } = listening;
    for (const host of [
      "evil.example.org",
      `evil.example.org:${port}`,
      "localhost",
      `localhost.evil.example.org:${port}`,
      `127.0.0.1:${port + 1}`,
      "",
    ])
      expect(await listening.ask(PATH, { host }), host).toMatchObject({ status: host === "" ? expect.any(Number) : 421 });
    expect(await listening.ask(PATH, { host: `LOCALHOST:${port}` })).toMatchObject({ status: 200 });
  });

  test("has one path and one method", async () => {
    const listening = await listen();
    for (const path of [
      "/",
      `/auth/callback/?code=${CODE}&state=${STATE}`,
      `/Auth/callback?code=${CODE}&state=${STATE}`,
      `//auth/callback?state=${STATE}`,
      `/x/../auth/callback?code=${CODE}&state=${STATE}`,
    ])
      expect(await listening.ask(path), path).toMatchObject({ status: 404 });
    for (const method of ["POST", "PUT", "OPTIONS"]) expect(await listening.ask(PATH, { method }), method).toMatchObject({ status: 405 });
    expect(await listening.ask(PATH)).toMatchObject({ status: 200 });
  });

  test("is answered with pages that repeat nothing, run nothing and are kept nowhere", async () => {
    const listening = await listen();
    const script = encodeURIComponent('"><script>alert(1)</script>');
    const pages = [
      await listening.ask(`/auth/callback?code=${script}&state=${script}`),
      await listening.ask(`/${script}`),
      await listening.ask(`/auth/callback?code=${CODE}&state=${STATE}&x=${script}`),
      await listening.ask(PATH),
    ];
    for (const { body, headers } of pages) {
      expect(body).not.toMatch(/script|alert|code-of-the-test|0123456789abcdef/);
      expect(headers).toMatchObject({
        "content-security-policy": expect.stringContaining("default-src 'none'"),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      });
    }
  });

  test("says where another program listens already", async () => {
    const first = await listen();
    const second = await listenForAnswer(STATE, `http://localhost:${first.port}/auth/callback`);
    onTestFinished(() => second.stop());
    expect(second).toMatchObject({ addresses: [], taken: first.server.addresses });
  });
});

const canConnect = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (could: boolean) => (): void => {
      socket.destroy();
      resolve(could);
    };
    socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false));
  });
