// The table of what engines really say, and which of the product's codes each is.
import { expect, test } from "vitest";
import { OperationError } from "../../api/errors.ts";
import { isAlreadySo, toOperationError } from "./errors.ts";
import type { EngineOperation } from "./operations.ts";

/** As the client library rejects: status, decorated message, body. */
const refusal = (statusCode: number, message: string): Error =>
  Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message} `), { statusCode, json: { message } });
const broken = (code: string, message = `connect ${code} /var/run/docker.sock`): Error => Object.assign(new Error(message), { code });

const REFUSALS: [EngineOperation, number, string, string][] = [
  ["create", 404, "No such image: openclaw-sandbox:bookworm-slim", "ImageMissing"],
  ["create", 404, "no such image: nope:1: image not known", "ImageMissing"],
  ["image", 404, "no such image: nope:1: No such image: nope:1", "ImageMissing"],
  ["image", 404, "failed to find image nope:1: nope:1: No such image", "ImageMissing"],
  ["start", 404, "No such container: abc", "StaleHandle"],
  ["inspect", 404, 'no container with name or ID "abc" found: no such container', "StaleHandle"],
  ["exec-inspect", 404, "No such exec instance: abc", "StaleHandle"],
  ["start", 404, "network no-such-network not found", "SpecRejected"],
  ["create", 500, "unable to find network with name or ID nope: network not found", "SpecRejected"],
  ["create", 500, "container create: container-init binary not found on the host: stat /usr/libexec/podman/catatonit", "SpecRejected"],
  ["attach", 404, "network no-such-network not found", "SpecRejected"],
  ["detach", 404, "endpoint abc not found", "StaleHandle"],
  ["remove-object", 404, "network abc not found", "NotFound"],
  ["remove", 409, "removal of container abc is already in progress", "EngineConflict"],
  ["start", 409, "Container is marked for removal and cannot be started.", "EngineConflict"],
  ["create", 409, 'Conflict. The container name "/e10" is already in use by container "eb99".', "EngineConflict"],
  [
    "create",
    500,
    'creating container storage: the container name "x" is already in use by abc. You have to remove that container',
    "EngineConflict",
  ],
  ["rename", 409, 'Conflict. The container name "/x" is already in use by container "eb99"', "EngineConflict"],
  ["start", 409, "cannot start a paused container, try unpause instead", "NotReady"],
  ["exec-create", 409, "Container e10 is paused, unpause the container before exec", "NotReady"],
  ["exec-create", 409, "Container eb99 is not running", "StaleHandle"],
  ["exec-create", 409, "can only create exec sessions on running containers: container state improper", "StaleHandle"],
  ["kill", 409, "Cannot kill container: e10: Container eb99 is not running", "EngineConflict"],
  ["create", 400, 'invalid mount config for type "bind": bind source path does not exist: /nope', "SpecRejected"],
  ["start", 400, 'invalid mount config for type "bind": bind source path does not exist: /nope', "SpecRejected"],
  ["create", 500, "statfs /nope: no such file or directory", "SpecRejected"],
  ["create", 400, "Unknown runtime specified zzz", "SpecRejected"],
  ["start", 500, "unknown or invalid runtime name: zzz", "SpecRejected"],
  ["create", 400, "You should always set the Memory limit when using Memoryswap limit, see usage", "SpecRejected"],
  ["update", 400, "Minimum memory limit allowed is 6MB", "SpecRejected"],
  ["create", 400, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", "SpecRejected"],
  ["start", 500, "Decoding seccomp profile failed: invalid character 'b' looking for beginning of object key string", "SpecRejected"],
  ["start", 500, "unable to find user nobodyx: no matching entries in passwd file", "SpecRejected"],
  ["start", 500, 'could not select device driver "" with capabilities: [[gpu]]', "SpecRejected"],
  [
    "start",
    400,
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error setting rlimit type 7: operation not permitted: unknown",
    "SpecRejected",
  ],
  ["start", 500, "cannot start a stopped process: unknown", "SpecRejected"],
  [
    "start",
    500,
    "failed to create shim: OCI runtime create failed: container_linux.go:380: mount through procfd: not a directory: unknown",
    "SpecRejected",
  ],
  [
    "start",
    500,
    "OCI runtime create failed: unable to apply cgroup configuration: write: no space left on device: unknown",
    "EngineFailed",
  ],
  ["start", 500, "failed to create shim task: fork/exec runc: resource temporarily unavailable", "EngineFailed"],
  ["create", 500, "could not find an available, non-overlapping IPv4 address pool among the defaults", "EngineFailed"],
  [
    "update",
    500,
    "Cannot update container x: runc: unable to set memory limit to 6291456 (current usage: 20500480, peak usage: 20586496): unknown",
    "NotReady",
  ],
  [
    "update",
    500,
    'Cannot update container x: failed to write "6291456" to "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": write /sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes: device or resource busy',
    "NotReady",
  ],
  ["list", 500, "database is locked", "EngineFailed"],
  ["ping", 503, "service unavailable", "EngineFailed"],
  ["ping", 400, "client version 1.52 is too new. Maximum supported API version is 1.41", "EngineFailed"],
  ["create", 400, "Invalid container name (-bad), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", "SpecRejected"],
];

test.each(REFUSALS)("%s, %i, %s is %s", (operation, status, message, code) => {
  const error = toOperationError(operation, "openclaw-sbx-a", refusal(status, message));
  expect([error.code, error.message]).toEqual([code, `engine: ${operation} openclaw-sbx-a: ${message}`]);
});

test("a missing image comes with the command that builds it", () => {
  const fixOf = (message: string) => toOperationError("create", "x", refusal(404, message)).fix;
  expect(fixOf("No such image: openclaw-sandbox:bookworm-slim")).toBe("build it: scripts/sandbox-setup.sh");
  expect(fixOf("No such image: alpine:3")).toBe("build it, or: docker pull alpine:3");
});

test.each([
  "ENOENT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "EACCES",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENOTFOUND",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
])("%s is an engine that cannot be reached", (code) => {
  expect(toOperationError("list", "", broken(code)).code).toBe("EngineUnreachable");
});

test("a socket that this user may not open says what to do", () => {
  expect(toOperationError("ping", "", broken("EACCES")).fix).toContain("usermod -aG docker");
  expect(toOperationError("ping", "", broken("ECONNREFUSED")).fix).toContain("sudo systemctl start docker");
});

test("a connection that breaks without a code is unreachable, an answer that no table knows is the engine's failure", () => {
  expect(toOperationError("list", "", new Error("socket hang up")).code).toBe("EngineUnreachable");
  expect(toOperationError("list", "", new Error("?")).code).toBe("EngineFailed");
});

test("a bug of ours is no operating error", () => {
  expect(() => toOperationError("list", "", new TypeError("x is not a function"))).toThrow(TypeError);
  const known = new OperationError("Aborted", "no longer needed");
  expect(toOperationError("list", "", known)).toBe(known);
});

test("what is so already is success", () => {
  expect(isAlreadySo("start", refusal(304, "container already started"))).toBe(true);
  expect(isAlreadySo("remove", refusal(404, "No such container: x"))).toBe(true);
  expect(isAlreadySo("unpause", refusal(500, "Container x is not paused"))).toBe(true);
  expect(isAlreadySo("rename", refusal(400, "Renaming a container with the same name as its current name"))).toBe(true);
  expect(isAlreadySo("attach", refusal(403, "endpoint with name x already exists in network bridge"))).toBe(true);
  expect(isAlreadySo("detach", refusal(500, "container x is not connected to network none"))).toBe(true);
  expect(isAlreadySo("create-object", refusal(409, "network with name x already exists"))).toBe(true);
  expect(isAlreadySo("create-object", refusal(500, "network name x already used: network already exists"))).toBe(true);
  expect(isAlreadySo("create-object", refusal(500, "no space left on device"))).toBe(false);
  expect(isAlreadySo("start", refusal(404, "No such container: x"))).toBe(false);
  expect(isAlreadySo("remove", refusal(409, "removal of container x is already in progress"))).toBe(false);
});
