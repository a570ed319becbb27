// The labels that every container of ours carries: its identity, which survives the loss of the whole state folder.
// Labels never change after creation and never hold a secret.

export const LABEL = {
  /** `1` on every sandbox; also on those of upstream OpenClaw. */
  sandbox: "openclaw.sandbox",
  /** The scope key (upstream's name for it). */
  scopeKey: "openclaw.sessionKey",
  configHash: "openclaw.configHash",
  /** Decimal milliseconds since the epoch. */
  createdAtMs: "openclaw.createdAtMs",
  instance: "openclaw.instance",
  /** Final container name, also while the container still has its pending name. */
  name: "openclaw.name",
  uid: "openclaw.uid",
  /** `tools` or `browser`. */
  kind: "openclaw.kind",
  /** Decimal. */
  generation: "openclaw.generation",
  hashVersion: "openclaw.hashVersion",
  /** `1` when it was made with a setup command, else `0`. Absent on containers of earlier versions. */
  setup: "openclaw.setup",
  /** `1` on a container that `openclaw doctor` looks through for a moment; it carries the instance beside it, and no sandbox's label. */
  probe: "openclaw.probe",
  /** `proxy` or `relay` on a container of the egress, which is no sandbox; `openclaw.name` beside it is whose it is. */
  egress: "openclaw.egress",
  /** The network that a sandbox was made with: Podman shows `bridge` for any of its own. Absent on containers of earlier versions. */
  network: "openclaw.network",
  /** Of a relay: the id of the container in whose network it is, and the run of it. */
  egressContainer: "openclaw.egressContainer",
  egressRun: "openclaw.egressRun",
  /** On the product's own containers in Compose: which of them it is. */
  part: "openclaw.part",
  /** Version of what it was made as. */
  egressVersion: "openclaw.egressVersion",
} as const;
