// Keeps what goes to this machine itself away from a proxy that the environment names (`NODE_USE_ENV_PROXY`, `--use-env-proxy`): a company's proxy can't
// reach its loopback, where the gateway is. Everything else goes through the proxy as before, and the environment of other programs stays as it is.

/** In the words of `NO_PROXY`, each as it stands in a URL: `fetch` knows no ranges there. */
const LOOPBACK = "localhost,127.0.0.1,[::1],::1";

type Environment = Readonly<Record<string, string | undefined>>;

/** Node.js goes by the variable, or else by the option, of which the last one counts. */
function usesProxy({ NODE_USE_ENV_PROXY, NODE_OPTIONS = "" }: Environment): boolean {
  const [last = ""] = NODE_OPTIONS.split(/\s+/)
    .filter((word) => /^--(?:no-)?use-env-proxy$/.test(word))
    .toReversed();
  return last === "" ? NODE_USE_ENV_PROXY === "1" : last === "--use-env-proxy";
}

/** The environment that the process's own HTTP goes by, or null if no proxy is used at all. */
export function toProxyEnvironment(env: Environment): Environment | null {
  if (!usesProxy(env)) return null;
  const given = env.no_proxy || env.NO_PROXY || "";
  if (given === "*") return null;
  const noProxy = given === "" ? LOOPBACK : `${given},${LOOPBACK}`;
  return { ...env, no_proxy: noProxy, NO_PROXY: noProxy };
}

/** Called before anything is asked over HTTP. Node.js before 24.14 can't be told: there `NO_PROXY` is the user's to set. */
export async function keepLoopbackDirect(env: Environment): Promise<void> {
  const proxy = toProxyEnvironment(env);
  if (proxy === null) return;
  const { setGlobalProxyFromEnv } = await import("node:http");
  setGlobalProxyFromEnv?.({ ...proxy });
}
