// A bare hop, as a process of its own: passes bytes between those who connect to one Unix socket and another one, and does nothing else.
// What a gigabyte costs over two of them is what any gateway and controller would cost on this machine. `node bench/hop.ts FROM TO`
import { connect, createServer } from "node:net";

const [from = "", to = ""] = process.argv.slice(2);
const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ path: to, allowHalfOpen: true });
  near.pipe(far).pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
});
server.listen(from, () => process.send?.("listening"));
