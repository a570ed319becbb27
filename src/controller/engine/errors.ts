// The only place that reads the engine's status codes and texts: what went wrong becomes one code of the product's table.
// It does not decide what to do about it (the code's remedy does), and it never hides a bug: what is not an operating error is rethrown.
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import type { EngineOperation } from "./operations.ts";

/** What a client library's error carries, read without trusting any of it. */
interface Fault {
  /** HTTP status. null: there was no answer. */
  status: number | null;
  /** The engine's own sentence, without the client's decoration. */
  text: string;
  /** System error code such as `ECONNREFUSED`. null: none. */
  system: string | null;
}

interface Rule {
  status: (status: number) => boolean;
  text: RegExp;
  /** Absent: any operation. */
  operations?: ReadonlySet<EngineOperation>;
  code: ErrorCode;
  fix?: (fault: Fault) => string | undefined;
}

const is =
  (...statuses: number[]) =>
  (status: number): boolean =>
    statuses.includes(status);
const anyStatus = (): boolean => true;

const EXEC: ReadonlySet<EngineOperation> = new Set(["exec-create", "exec-start", "exec-inspect", "exec-resize"]);
const MAKING: ReadonlySet<EngineOperation> = new Set(["create", "start", "update", "attach"]);
const IMAGE: ReadonlySet<EngineOperation> = new Set(["image"]);
const OBJECT: ReadonlySet<EngineOperation> = new Set(["remove-object", "objects"]);

const imageFix = (fault: Fault): string => {
  const reference = /no such image: "?([^\s":]+(?::[^\s":]+)?)/i.exec(fault.text)?.[1];
  if (reference === undefined) return "build the image: scripts/sandbox-setup.sh, or pull it";
  if (reference.startsWith("openclaw-egress")) return "build it: scripts/sandbox-egress-setup.sh";
  return reference.startsWith("openclaw-sandbox") ? "build it: scripts/sandbox-setup.sh" : `build it, or: docker pull ${reference}`;
};

/** First match wins. Texts are those of Docker 20.10 to 28 and of Podman 4's compatible API. */
const RULES: readonly Rule[] = [
  { status: is(404), text: /no such image|image not known|unable to find image|pull access denied/i, code: "ImageMissing", fix: imageFix },
  { status: is(404), text: /./s, operations: IMAGE, code: "ImageMissing" },
  { status: is(404), text: /./s, operations: OBJECT, code: "NotFound" },
  {
    status: anyStatus,
    text: /network \S+ not found|no such network|could not find network|unable to find network|network not found/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "create the network, or change docker.network",
  },
  { status: is(404), text: /./s, code: "StaleHandle" },
  { status: anyStatus, text: /removal of container .*already in progress|marked for removal|is being removed/i, code: "EngineConflict" },
  { status: is(409, 500), text: /name .*is already in use|container name .*already|name is in use/i, code: "EngineConflict" },
  {
    status: is(409, 500),
    text: /is paused|container is paused|cannot start a paused container/i,
    code: "NotReady",
    fix: () => "unpause the container",
  },
  {
    status: is(409, 500),
    text: /is not running|not in running state|state improper|is restarting/i,
    operations: EXEC,
    code: "StaleHandle",
  },
  { status: is(500), text: /no such exec|exec session not found/i, operations: EXEC, code: "StaleHandle" },
  { status: is(500, 409), text: /no such container|no container with (name or )?id/i, code: "StaleHandle" },
  // A limit below what is in use now: the same request works once less is used.
  {
    status: anyStatus,
    text: /unable to set memory limit|current usage|memory\.(limit_in_bytes|memsw\.limit_in_bytes|max).*(device or resource busy|invalid argument)|failed to write .*device or resource busy/i,
    operations: new Set<EngineOperation>(["update"]),
    code: "NotReady",
    fix: () => "the container uses more than the new limit now; wait, or end work inside it",
  },
  // Shortage on the host is not the spec's fault, whatever wraps the sentence.
  {
    status: (status) => status >= 500,
    text: /no space left|cannot allocate memory|resource temporarily unavailable|too many open files|context deadline exceeded|context canceled|i\/o timeout|connection refused|transport is closing|non-overlapping IPv4|address already in use|port is already allocated/i,
    code: "EngineFailed",
  },
  {
    status: anyStatus,
    text: /container-init binary not found/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "install Podman's init on the engine's host: apt-get install catatonit",
  },
  {
    status: anyStatus,
    text: /bind source path does not exist|statfs .*no such file or directory|invalid mount config|error mounting|creating mount source path|invalid volume specification|duplicate mount point/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "check that the source of every mount exists on the engine's host",
  },
  {
    status: anyStatus,
    text: /error setting rlimit|setting rlimits|setrlimit/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "docker.ulimits asks for more than the engine's host allows",
  },
  {
    status: anyStatus,
    text: /cannot start a stopped process/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "the seccomp profile is probably too strict to start a process: docker.seccompProfile",
  },
  {
    status: anyStatus,
    text: /unknown (or invalid )?runtime|invalid runtime|runtime .* not (found|installed)/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "check docker.runtime against the runtimes of `docker info`",
  },
  {
    status: anyStatus,
    text: /could not select device driver|no device driver|nvidia-container|device requests/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "the engine has no driver for docker.gpus",
  },
  {
    status: anyStatus,
    text: /seccomp|apparmor/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "check docker.seccompProfile and docker.apparmorProfile",
  },
  {
    status: anyStatus,
    text: /unable to find (user|group)|no matching entries in (passwd|group) file|no users found/i,
    operations: MAKING,
    code: "SpecRejected",
    fix: () => "use a numeric docker.user, or a user that the image has",
  },
  {
    status: anyStatus,
    text: /OCI runtime (create|start)|OCI runtime error|failed to create (shim|task|containerd task)|runc (create|run) failed|invalid (memory|cpu|cpus|reference)|minimum memory|range of cpus|should (always set|be larger)|conflicting options|not supported/i,
    operations: MAKING,
    code: "SpecRejected",
  },
  { status: is(400), text: /client version .* is too (new|old)|API version/i, code: "EngineFailed" },
  { status: is(400, 403, 406, 422), text: /./s, code: "SpecRejected" },
  { status: is(401, 407), text: /./s, code: "EngineUnreachable", fix: () => "the engine refuses this client: check its TLS certificates" },
  { status: is(409), text: /./s, code: "EngineConflict" },
];

/** Also where there is none yet: a checkout has what installs one. */
export const START_ENGINE =
  "start Docker (sudo systemctl start docker, or Docker Desktop) or Podman's socket, or set DOCKER_HOST; none yet, on Debian or Ubuntu: sudo scripts/ensure-engine.sh in the checkout";
const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOENT: START_ENGINE,
  ECONNREFUSED: START_ENGINE,
  EACCES: "give this user access to the engine's socket (Docker on Linux: sudo usermod -aG docker USER, then log in again)",
  EPERM: "give this user access to the engine's socket",
  ENOTFOUND: "check the host name in DOCKER_HOST",
  EAI_AGAIN: "check the host name in DOCKER_HOST",
};
const SOCKET_ERROR = /^(E[A-Z]+|CERT_.*|.*CERT.*|UND_ERR.*|ERR_(SSL|TLS|STREAM|HTTP|SOCKET).*|HPE_.*|DEPTH_ZERO.*|UNABLE_.*)$/;

function readString(value: unknown, key: string): string | null {
  if (typeof value !== "object" || value === null) return null;
  const found: unknown = Reflect.get(value, key);
  return typeof found === "string" && found.length > 0 ? found : null;
}

function toFault(error: unknown): Fault {
  const record = typeof error === "object" && error !== null ? error : {};
  const status: unknown = Reflect.get(record, "statusCode");
  const body: unknown = Reflect.get(record, "json");
  const text = readString(body, "message") ?? readString(body, "cause") ?? readString(record, "message") ?? String(error);
  return { status: typeof status === "number" ? status : null, text: text.trim(), system: readString(record, "code") };
}

const PROGRAMMING_ERRORS = [TypeError, RangeError, ReferenceError, SyntaxError];

/**
 * Turns whatever a call rejected with into an `OperationError`.
 *
 * @param subject what the call was about, for people: a container's or image's name
 * @throws the error itself when it is a bug of ours (a `TypeError` and its like without a system code)
 */
export function toOperationError(operation: EngineOperation, subject: string, error: unknown): OperationError {
  if (error instanceof OperationError) return error;
  const fault = toFault(error);
  const what = subject === "" ? `engine: ${operation}` : `engine: ${operation} ${subject}`;
  const make = (code: ErrorCode, fix: string | undefined): OperationError =>
    new OperationError(code, `${what}: ${fault.text}`, fix === undefined ? { cause: error } : { cause: error, fix });
  if (fault.status !== null) {
    const { status } = fault;
    const rule = RULES.find((each) => each.status(status) && each.text.test(fault.text) && (each.operations?.has(operation) ?? true));
    return make(rule?.code ?? "EngineFailed", rule?.fix?.(fault));
  }
  if (
    /socket hang up|connection (reset|closed|refused)|stream (was )?(destroyed|closed)|premature close|\bTLS\b|certificate/i.test(
      fault.text,
    )
  ) {
    return make("EngineUnreachable", fault.system === null ? undefined : UNREACHABLE[fault.system]);
  }
  if (fault.system !== null && SOCKET_ERROR.test(fault.system)) return make("EngineUnreachable", UNREACHABLE[fault.system]);
  if (PROGRAMMING_ERRORS.some((kind) => error instanceof kind)) throw error;
  return make("EngineFailed", undefined);
}

/** Podman removes no container in whose network another one is. */
export const hasDependents = (error: unknown): boolean =>
  error instanceof OperationError && /has dependent containers/i.test(error.message);

/** Whether the engine says that the request is fulfilled already (not paused, same name, not connected). */
export function isAlreadySo(operation: EngineOperation, error: unknown): boolean {
  const fault = toFault(error instanceof OperationError ? error.cause : error);
  switch (operation) {
    case "start":
      return fault.status === 304;
    case "remove":
    case "remove-object":
      return fault.status === 404;
    case "create-object":
      // Podman has no status of its own for it.
      return fault.status === 409 || (fault.status !== null && /already exists|already used/i.test(fault.text));
    case "unpause":
      return fault.status !== null && /is not paused/i.test(fault.text);
    case "rename":
      return fault.status !== null && /same name as its current name/i.test(fault.text);
    case "attach":
      return fault.status !== null && /already exists in network|is already connected/i.test(fault.text);
    case "detach":
      return fault.status !== null && /is not connected to|network \S+ not found/i.test(fault.text);
    default:
      return false;
  }
}
