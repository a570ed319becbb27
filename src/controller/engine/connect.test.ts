// Where the engine is looked for, in which order, and what is said when none answers. Engines here are sockets that answer a little.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, createServer, type Server } from "node:http";
import { createServer as createSocket, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { toInstanceId } from "../../api/brands.ts";
import { connectDocker } from "./connect.ts";
import { type EndpointFiles, type Environment, findCandidates } from "./endpoint.ts";
import { toSshArguments } from "./ssh-agent.ts";

const HOME = "/home/user";
/** Its `ReadHeaderTimeout`, which counts from the last answer on. */
const DOCKER_CLOSES_MS = 300_000;
const filesOf = (files: Record<string, string>): EndpointFiles => ({
  read: async (path) => files[path] ?? null,
  isSocket: async (path) => path in files,
});
const hashOf = (name: string): string => createHash("sha256").update(name).digest("hex");
const metaOf = (name: string): string => `${HOME}/.docker/contexts/meta/${hashOf(name)}/meta.json`;
const meta = (docker: object): string => JSON.stringify({ Name: "x", Metadata: {}, Endpoints: { docker } });

async function find(environment: Environment, files: Record<string, string> = {}) {
  return await findCandidates(environment, HOME, filesOf(files));
}

test("DOCKER_HOST comes first, before every context", async () => {
  const files = { [`${HOME}/.docker/config.json`]: JSON.stringify({ currentContext: "colima" }) };
  const [only, ...more] = await find({ DOCKER_HOST: "unix:///run/other.sock", DOCKER_CONTEXT: "colima" }, files);
  expect(only).toMatchObject({
    address: "unix:///run/other.sock",
    because: "DOCKER_HOST",
    isDefault: false,
    options: { socketPath: "/run/other.sock" },
  });
  expect(more).toEqual([]);
});

test.each(["unix", "tcp", "https"])(
  "an idle connection over %s is closed before Docker does it, five minutes after its last call",
  async (scheme) => {
    const address = scheme === "unix" ? "unix:///run/other.sock" : `${scheme}://127.0.0.1:1`;
    const [candidate] = await find({ DOCKER_HOST: address });
    const agent = z.instanceof(Agent).parse(candidate?.options.agent);
    const idle = new Socket();
    onTestFinished(() => void idle.destroy());
    expect(agent.keepSocketAlive(idle)).toBe(true);
    expect(idle.timeout).toBeGreaterThan(0);
    expect(idle.timeout).toBeLessThan(DOCKER_CLOSES_MS);
  },
);

test("a config that asks for Podman means Podman's sockets alone, unless an engine is named", async () => {
  const addresses = async (environment: Environment) =>
    (await findCandidates(environment, HOME, filesOf({}), "podman")).map(({ address }) => address);
  expect(await addresses({ XDG_RUNTIME_DIR: "/run/user/1000" })).toEqual([
    "unix:///run/user/1000/podman/podman.sock",
    "unix:///run/podman/podman.sock",
    `unix://${HOME}/.local/share/containers/podman/machine/podman.sock`,
  ]);
  expect(await addresses({ DOCKER_HOST: "unix:///run/docker.sock" })).toEqual(["unix:///run/docker.sock"]);
});

test("tcp is plain unless TLS is asked for, and then its files are used and checked", async () => {
  const tls = { "/certs/ca.pem": "CA", "/certs/cert.pem": "CERT", "/certs/key.pem": "KEY" };
  const [plain] = await find({ DOCKER_HOST: "tcp://engine.test:2375" });
  expect(plain?.options).toMatchObject({ protocol: "http", host: "engine.test", port: 2375 });
  const [verified] = await find({ DOCKER_HOST: "tcp://engine.test", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" }, tls);
  expect(verified?.options).toMatchObject({ protocol: "https", port: 2376, ca: "CA", cert: "CERT", key: "KEY" });
  expect(Reflect.get(verified?.options.agent ?? {}, "options")).toMatchObject({ rejectUnauthorized: true, ca: "CA" });
  const [unverified] = await find({ DOCKER_HOST: "engine.test:9", DOCKER_TLS: "1", DOCKER_CERT_PATH: "/certs" }, tls);
  expect(Reflect.get(unverified?.options.agent ?? {}, "options")).toMatchObject({ rejectUnauthorized: false });
});

test("no endpoint's connections are rendered with a request, as the client library would for its debug text", async () => {
  for (const DOCKER_HOST of ["unix:///run/docker.sock", "tcp://engine.test:2375", "https://engine.test", "ssh://me@far.test"]) {
    const [candidate] = await find({ DOCKER_HOST });
    expect(inspect(candidate?.options.agent, { showHidden: true, depth: null })).toMatch(/^\[\w+\]$/);
  }
});

test("ssh runs the system's own ssh, and a host name cannot become an option", async () => {
  const [ssh] = await find({ DOCKER_HOST: "ssh://me@far.test:2222" });
  expect(ssh).toMatchObject({ socketPath: null, options: { protocol: "http" } });
  expect(toSshArguments(new URL("ssh://me@far.test:2222")).slice(-9)).toEqual([
    "-l",
    "me",
    "-p",
    "2222",
    "--",
    "far.test",
    "docker",
    "system",
    "dial-stdio",
  ]);
});

test("a context is taken from DOCKER_CONTEXT, else from Docker's own config, with its TLS files", async () => {
  const tlsDir = `${HOME}/.docker/contexts/tls/${hashOf("far")}/docker`;
  const files = {
    [`${HOME}/.docker/config.json`]: JSON.stringify({ auths: {}, currentContext: "colima" }),
    [metaOf("colima")]: meta({ Host: `unix://${HOME}/.colima/default/docker.sock`, SkipTLSVerify: false }),
    [metaOf("far")]: meta({ Host: "tcp://far.test:2376" }),
    [`${tlsDir}/ca.pem`]: "CA",
  };
  expect(await find({}, files)).toMatchObject([
    { address: `unix://${HOME}/.colima/default/docker.sock`, because: 'the current context, "colima"' },
  ]);
  expect(await find({ DOCKER_CONTEXT: "far" }, files)).toMatchObject([
    { because: 'DOCKER_CONTEXT, "far"', options: { protocol: "https", ca: "CA" } },
  ]);
  const sockets = await find({ DOCKER_CONTEXT: "default" }, files);
  expect(sockets.every(({ isDefault }) => isDefault)).toBe(true);
});

test("a context that does not exist, an unreadable file or a strange address is said, not passed over", async () => {
  await expect(find({ DOCKER_CONTEXT: "nope" })).rejects.toMatchObject({
    code: "EngineUnreachable",
    message: expect.stringContaining('"nope"'),
  });
  await expect(find({}, { [`${HOME}/.docker/config.json`]: "{" })).rejects.toMatchObject({ code: "EngineUnreachable" });
  await expect(find({ DOCKER_HOST: "gopher://x" })).rejects.toMatchObject({ code: "EngineUnreachable" });
});

test("without any of these the known sockets are tried, Docker's first, Podman's last", async () => {
  const found = await find({ XDG_RUNTIME_DIR: "/run/user/7" });
  expect(found.map(({ address }) => address.slice("unix://".length))).toEqual([
    "/var/run/docker.sock",
    `${HOME}/.docker/run/docker.sock`,
    `${HOME}/.docker/desktop/docker.sock`,
    `${HOME}/.colima/default/docker.sock`,
    `${HOME}/.config/colima/default/docker.sock`,
    `${HOME}/.orbstack/run/docker.sock`,
    "/run/user/7/docker.sock",
    "/run/user/7/podman/podman.sock",
    "/run/podman/podman.sock",
    `${HOME}/.local/share/containers/podman/machine/podman.sock`,
  ]);
});

test("a person's environment decides nothing behind these parameters", async () => {
  const [first] = await find({});
  expect(Object.keys(first?.options ?? {}).sort()).toEqual(["agent", "ca", "cert", "host", "key", "port", "protocol", "socketPath"]);
});

let folder: string;
const servers: { close(): unknown }[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "openclaw-connect-"));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

async function listen(name: string, server: Server | ReturnType<typeof createSocket>): Promise<string> {
  servers.push(server);
  const path = join(folder, name);
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  return path;
}

const serve = (answers: Record<string, unknown>) =>
  createServer((request, response) => response.end(JSON.stringify(answers[request.url ?? ""] ?? "OK")));

const podman = serve({
  "/version": {
    Version: "4.3.1",
    ApiVersion: "1.41",
    Components: [{ Name: "Podman Engine" }, { Name: "OCI Runtime (crun)", Version: "crun version 1.8.1\ncommit: f8a0" }],
  },
  "/info": {
    SecurityOptions: ["name=seccomp,profile=default", "name=rootless"],
    CgroupVersion: "2",
    Runtimes: { crun: {} },
    DefaultRuntime: "crun",
  },
});

test.each([
  [{ Name: "runc", Version: "1.1.5+ds1", Details: { GitCommit: "1.1.5+ds1-1+deb12u1" } }, "1.1.5+ds1-1+deb12u1"],
  [{ Name: "runc", Version: "1.3.3", Details: { GitCommit: "v1.3.3-0-gd842d77" } }, "1.3.3-0-gd842d77"],
  [{ Name: "runc", Version: "1.2.5", Details: { GitCommit: "59923ef" } }, "1.2.5"],
])("what starts containers is read as it was packaged: %j", async (component, version) => {
  const socket = await listen(
    `${version}.sock`,
    serve({
      "/version": { Version: "28.5.2", ApiVersion: "1.51", Components: [{ Name: "Engine", Version: "28.5.2" }, component] },
      "/info": {
        SecurityOptions: ["name=seccomp,profile=unconfined"],
        SystemTime: "2026-01-31T12:00:00.5Z",
        Driver: "overlay2",
        InitBinary: "docker-init",
      },
    }),
  );
  const environment = { DOCKER_HOST: `unix://${socket}` };
  const engine = await connectDocker({ instance: toInstanceId("i"), home: folder, observer: () => {}, environment });
  expect(await engine.info()).toMatchObject({
    apiVersion: "1.51",
    because: "DOCKER_HOST",
    runtimeProgram: { name: "runc", version },
    seccompProfile: "unconfined",
    storageDriver: "overlay2",
    systemTime: Date.UTC(2026, 0, 31, 12, 0, 0, 500),
    subreaper: true,
  });
});

test("the image of the egress proxy is the one that the environment names, or the usual one", async () => {
  const socket = await listen("egress.sock", serve({ "/version": { Version: "28.5.2", ApiVersion: "1.51" }, "/info": {} }));
  const imageFor = async (named: Environment): Promise<string> => {
    const environment = { DOCKER_HOST: `unix://${socket}`, ...named };
    return (await connectDocker({ instance: toInstanceId("i"), home: folder, observer: () => {}, environment })).egress.image;
  };
  expect(await imageFor({})).toBe("openclaw-egress:bookworm-slim");
  expect(await imageFor({ OPENCLAW_EGRESS_IMAGE: "" })).toBe("openclaw-egress:bookworm-slim");
  expect(await imageFor({ OPENCLAW_EGRESS_IMAGE: "mirror.example/egress:2" })).toBe("mirror.example/egress:2");
});

test("the first socket that exists and answers is taken, and it says why", async () => {
  const home = join(folder, "home");
  const runtimeDir = join(folder, "run");
  const live = await listen("live.sock", podman);
  // Every well-known place is absent here but one that leads to a live engine.
  const files: EndpointFiles = { read: async () => null, isSocket: async () => false };
  const options = { instance: toInstanceId("i"), home, observer: () => {}, files };
  await expect(connectDocker({ ...options, environment: { XDG_RUNTIME_DIR: runtimeDir } })).rejects.toMatchObject({
    code: "EngineUnreachable",
    message: expect.stringContaining("/var/run/docker.sock"),
    fix: expect.stringContaining("scripts/ensure-engine.sh"),
  });
  await expect(connectDocker({ ...options, environment: { DOCKER_HOST: `unix://${join(folder, "none.sock")}` } })).rejects.toMatchObject({
    fix: expect.stringMatching(/^start that engine, or change DOCKER_HOST/),
  });
  const engine = await connectDocker({ ...options, environment: { DOCKER_HOST: `unix://${live}` } });
  expect(engine.because).toBe("DOCKER_HOST");
  expect(await engine.info()).toMatchObject({
    product: "podman",
    version: "4.3.1",
    endpoint: `unix://${live}`,
    securityOptions: ["seccomp", "rootless"],
    runtimeProgram: { name: "crun", version: "1.8.1" },
  });
  expect(engine.capabilities.liveFields.size).toBe(0);
});

test("an engine that accepts and never answers is given up at the deadline", async () => {
  const wedged = await listen(
    "wedged.sock",
    createSocket(() => {}),
  );
  const startedMs = performance.now();
  const connecting = connectDocker({
    instance: toInstanceId("i"),
    home: folder,
    observer: () => {},
    environment: { DOCKER_HOST: `unix://${wedged}` },
  });
  await expect(connecting).rejects.toMatchObject({ code: "EngineUnreachable", message: expect.stringContaining("no answer within 3 s") });
  expect(performance.now() - startedMs).toBeLessThan(4_000);
});
