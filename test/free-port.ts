// A TCP port on loopback that nobody uses now.
import { createServer } from "node:net";

/** Another process may take it before it is used; then the controller says so and the benchmark ends. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
