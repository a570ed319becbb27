// Puts the proxy's parts together and starts them: the one place in it that takes the clock, the DNS servers of its machine, and signals.
// What the parts do is theirs; arguments are main.ts's.
import { networkInterfaces } from "node:os";
import { createSystemClock } from "../api/clock.ts";
import { type IpAddress, parseAddress } from "../api/egress/ip-address.ts";
import { startControlServer } from "./control-server.ts";
import { EgressProxy } from "./proxy.ts";
import { PULSE_CHECK_MS } from "./pulse.ts";
import { RecordLog } from "./record-log.ts";
import { createResolver, dialAddress } from "./resolve.ts";

export interface ServeOptions {
  /** The folder of the sandboxes' sockets, all of it the proxy's. */
  readonly sockets: string;
  /** Path of the control socket. */
  readonly control: string;
  /** Absent: the machine's own. */
  readonly dns?: string[] | undefined;
}

/** It serves until a signal ends it: there is nothing to save. */
export async function serve({ sockets, control, dns }: ServeOptions): Promise<void> {
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
  const clock = createSystemClock();
  const world = { clock, resolve: createResolver(dns), dial: dialAddress, log: new RecordLog(), ownAddresses: readOwnAddresses };
  const proxy = await EgressProxy.open(world, sockets);
  await startControlServer(proxy, control, clock);
  const check = (): void => {
    proxy.checkPulses();
    clock.setTimer(PULSE_CHECK_MS, check);
  };
  check();
  process.stdout.write("openclaw-egress: waiting for a policy; until then everything is refused\n");
}

function readOwnAddresses(): IpAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.flatMap(({ address }) => parseAddress(address.replace(/%.*$/, "")) ?? []);
}
