// What an audit says of containers that other programs made, one trouble at a time, and what it leaves to the loop.
import { expect, test } from "vitest";
import { DAY_MS, HOUR_MS, toAgentId, toContainerId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { type AuditFacts, auditContainers } from "./container-audit.ts";
import { ago, INSTANCE } from "./decide.fixture.ts";
import type { Surveyed } from "./observation.ts";

const NOW = ago(0);
const FACTS: AuditFacts = {
  now: NOW,
  instance: INSTANCE,
  folders: { stateDir: "/home/user/.openclaw", home: "/home/user" },
  isOurs: () => false,
  agents: new Set([toAgentId("main")]),
  missingSources: new Set(["/home/user/gone"]),
};

/** One of another program's with nothing wrong. */
const surveyed = (edit: Partial<Surveyed> = {}, labels: Record<string, string> = {}): Surveyed => ({
  id: toContainerId("c".repeat(64)),
  name: "openclaw-sbx-agent-main-1",
  labels: { [LABEL.sandbox]: "1", [LABEL.scopeKey]: "agent:main:main", [LABEL.configHash]: "aaaa", ...labels },
  image: "openclaw-sandbox:bookworm-slim",
  state: "running",
  createdAt: ago(HOUR_MS),
  user: "1000:1000",
  privileged: false,
  readOnlyRoot: true,
  noNewPrivileges: true,
  capAdd: [],
  unconfined: [],
  sharedNamespaces: [],
  devices: [],
  publishedPorts: [],
  pidsLimit: 512,
  memory: 1_073_741_824,
  binds: [{ source: "/home/user/.openclaw/sandboxes/agent-main-1", target: "/workspace", readOnly: false }],
  egressDifferences: null,
  ...edit,
});

const audit = (one: Surveyed, facts: Partial<AuditFacts> = {}, others: Surveyed[] = []) => {
  const found = auditContainers([one, ...others], { ...FACTS, ...facts }).find(({ id }) => id === one.id);
  if (found === undefined) throw new Error("it is not in the audit");
  return found;
};

const bind = (source: string, readOnly = false): Partial<Surveyed> => ({ binds: [{ source, target: "/x", readOnly }] });

test("a well confined container of another program has nothing wrong", () => {
  expect(audit(surveyed())).toMatchObject({ owner: "another program", scopeKey: "agent:main:main", findings: [] });
});

test.each<[string, Partial<Surveyed>, string]>([
  ["privileged", { privileged: true }, "it is privileged"],
  ["the host's network", { sharedNamespaces: ["network host"] }, "network host"],
  ["docker.sock", bind("/var/run/docker.sock"), "/var/run/docker.sock at /x"],
  ["docker.sock under another name", bind("/srv/engine.sock", true), "an engine's gives full control of the host"],
  ["the whole host", bind("/", true), "the whole host"],
  ["credentials", bind("/home/user/.ssh", true), ".ssh holds credentials"],
  ["the state folder", bind("/home/user/.openclaw"), "state folder"],
  ["a writable root", { readOnlyRoot: false }, "root file system is writable"],
  ["root", { user: "" }, "it runs as root"],
  ["root by number", { user: "0:1000" }, "it runs as root"],
  ["capabilities", { capAdd: ["SYS_ADMIN", "NET_RAW"] }, "SYS_ADMIN, NET_RAW"],
  ["no seccomp", { unconfined: ["seccomp"] }, "it runs without seccomp"],
  ["new privileges", { noNewPrivileges: false }, "may gain privileges"],
  ["devices", { devices: ["/dev/kvm"] }, "/dev/kvm"],
  ["published ports", { publishedPorts: ["0.0.0.0:9222"] }, "0.0.0.0:9222"],
])("%s is dangerous", (_, edit, message) => {
  const { findings } = audit(surveyed(edit));
  expect(findings).toEqual([
    { kind: "dangerous", level: "warn", message: expect.stringContaining(message), fix: "docker rm -f openclaw-sbx-agent-main-1" },
  ]);
});

test.each<[string, Partial<Surveyed>, string, string]>([
  ["processes", { pidsLimit: 0 }, "unlimited", "docker update --pids-limit 512 openclaw-sbx-agent-main-1"],
  ["memory", { memory: null }, "unlimited", "docker update --memory 1g --memory-swap 1g openclaw-sbx-agent-main-1"],
  ["a start", { state: "created" }, "half-made", "docker rm -f openclaw-sbx-agent-main-1"],
  ["a main process", { state: "exited" }, "stale", "docker rm -f openclaw-sbx-agent-main-1"],
  ["youth", { createdAt: ago(9 * DAY_MS) }, "stale", "docker rm -f openclaw-sbx-agent-main-1"],
  ["its folder", bind("/home/user/gone"), "orphaned", "docker rm -f openclaw-sbx-agent-main-1"],
])("a container without %s is told with the command that helps", (_, edit, kind, fix) => {
  expect(audit(surveyed(edit)).findings).toEqual([{ kind, level: "warn", message: expect.any(String), fix }]);
});

test("one that is being made now is not half made, and one that had its pending name for hours is", () => {
  expect(audit(surveyed({ state: "created", createdAt: ago(1_000) })).findings).toEqual([]);
  const pending = surveyed({ name: "openclaw-sbx-a.pending" }, { [LABEL.instance]: "ffffffffffff" });
  expect(audit(pending)).toMatchObject({ owner: "controller ffffffffffff", findings: [{ kind: "half-made" }] });
});

test("the older of two with one session key and different configs is stale, the newer is not", () => {
  const newer = surveyed(
    { id: toContainerId("d".repeat(64)), name: "openclaw-sbx-newer", createdAt: ago(1_000) },
    { [LABEL.configHash]: "bbbb" },
  );
  const older = surveyed();
  expect(audit(older, {}, [newer]).findings).toMatchObject([
    { kind: "stale", message: expect.stringContaining("openclaw-sbx-newer is newer") },
  ]);
  expect(audit(newer, {}, [older]).findings).toEqual([]);
});

test("an agent that this config does not have is a note, since another program may have it", () => {
  const { findings } = audit(surveyed({}, { [LABEL.scopeKey]: "agent:nobody" }));
  expect(findings).toMatchObject([{ kind: "orphaned", level: "note" }]);
});

test("a copy of this controller's labels is told, and its own containers are the loop's to put right", () => {
  const labels = { [LABEL.instance]: INSTANCE };
  expect(audit(surveyed({}, labels))).toMatchObject({ owner: "nobody known", findings: [{ kind: "orphaned", level: "warn" }] });
  const own = surveyed({ memory: null, createdAt: ago(30 * DAY_MS), readOnlyRoot: false }, labels);
  expect(audit(own, { isOurs: () => true })).toMatchObject({
    owner: "this controller",
    findings: [{ kind: "dangerous", level: "note", fix: "openclaw sandbox describe openclaw-sbx-agent-main-1" }],
  });
});

test("a name that a shell would read is never in a command", () => {
  expect(audit(surveyed({ name: "x; rm -rf $HOME", privileged: true })).findings[0]?.fix).toBe(`docker rm -f ${"c".repeat(64)}`);
});

test("what keeps the egress is compared with what it is made as, and what that opens on purpose is no finding", () => {
  const proxy = { user: "0:0", capAdd: ["CHOWN"], sharedNamespaces: ["network container:x"], binds: [] };
  expect(audit(surveyed({ ...proxy, egressDifferences: [] }, { [LABEL.egress]: "proxy" })).findings).toEqual([]);
  const changed = surveyed(
    { ...proxy, egressDifferences: ["Memory is unset, not 1"] },
    { [LABEL.egress]: "proxy", [LABEL.instance]: INSTANCE },
  );
  const dangerous = { kind: "dangerous", level: "warn", message: "it is not as it is made: Memory is unset, not 1" };
  expect(audit(changed, { isOurs: () => true }).findings).toMatchObject([dangerous]);
  expect(audit(changed).findings).toMatchObject([dangerous, { kind: "orphaned", message: expect.stringContaining("not created by it") }]);
});
