// Finds a gateway's address and its secret as a person who started it here would expect, and asks it whether it can do its job.
// How the answer is shown is the commands'.
import { z } from "zod";
import type { GatewayConfig } from "../api/config/config.ts";
import { loadConfig } from "../api/config/load.ts";
import { OperationError } from "../api/errors.ts";
import { findGatewayToken, findGatewayUrl, findKeptConfig, toGatewayTokenPath, toKeptConfigPath } from "../api/store/gateway-files.ts";
import { fromProblem, Problem } from "../api/wire.ts";
import type { CliContext } from "./context.ts";
import { type ConfigOptions, nonEmpty, toConfigPath, toStateDir } from "./paths.ts";

export interface GatewayTarget extends ConfigOptions {
  token?: string;
  url?: string;
}

export interface GatewayAddress {
  url: string;
  /** With the secret, if there is one. */
  headers: Readonly<Record<string, string>>;
}

export const GatewayHealth = z.object({
  ready: z.boolean(),
  /** Only for who has the secret. */
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string(), isAdvice: z.boolean().optional() })).optional(),
});
export type GatewayHealth = z.output<typeof GatewayHealth> & { url: string };

const ANSWER_MS_MAX = 10_000;

/** null: no gateway was ever started on this state folder, and none is named. @throws OperationError `InvalidArgument`, `HostRejected` */
export async function findGatewayAddress(context: CliContext, options: GatewayTarget): Promise<string | null> {
  const url = options.url ?? nonEmpty(context.env.OPENCLAW_GATEWAY_URL) ?? (await findGatewayUrl(toStateDir(context, options)));
  if (url !== null && !URL.canParse(url))
    throw new OperationError("InvalidArgument", `${JSON.stringify(url)} is not a gateway's URL`, { fix: "--url http://HOST:PORT" });
  return url;
}

/** The same, with the gateway's secret. */
export async function findGateway(context: CliContext, options: GatewayTarget): Promise<GatewayAddress | null> {
  const url = await findGatewayAddress(context, options);
  if (url === null) return null;
  const secret = await findGatewaySecret(context, options);
  return { url, headers: secret === null ? {} : { authorization: `Bearer ${toHeaderText(secret.value)}` } };
}

/** A header is bytes, which `fetch` takes as Latin-1. */
const toHeaderText = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** null: as `findGateway`. @throws OperationError `GatewayUnreachable` */
export async function askGateway(context: CliContext, options: GatewayTarget): Promise<GatewayHealth | null> {
  const found = await findGateway(context, options);
  if (found === null) return null;
  const { url, headers } = found;
  const answer = await askReady(url, headers);
  const problem = Problem.safeParse(answer);
  if (problem.success) throw explainRefusal(fromProblem(problem.data), url);
  const health = GatewayHealth.safeParse(answer);
  if (!health.success) throw notAGateway(url);
  // Whoever shows the right secret is told the details.
  if (headers.authorization !== undefined && health.data.checks === undefined) throw wrongSecret(url);
  return { url, ...health.data };
}

async function askReady(url: string, headers: GatewayAddress["headers"]): Promise<unknown> {
  try {
    const response = await fetch(new URL("/readyz", url), { headers, redirect: "error", signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return await response.json();
  } catch (error) {
    // It answered, but not in JSON.
    if (error instanceof SyntaxError) throw notAGateway(url);
    throw new OperationError("GatewayUnreachable", `no gateway answers at ${url}`, { cause: error, fix: "start one: openclaw start" });
  }
}

export function notAGateway(url: string): OperationError {
  return new OperationError("GatewayUnreachable", `what answers at ${url} is no OpenClaw gateway`, {
    fix: "--url http://HOST:PORT names another one",
  });
}

/** Says what a refusal of the secret means to whoever typed the command. Other errors speak for themselves. */
export function explainRefusal(error: OperationError, url: string): OperationError {
  return error.code === "Unauthenticated" ? wrongSecret(url, error) : error;
}

function wrongSecret(url: string, cause?: OperationError): OperationError {
  return new OperationError("Unauthenticated", `the gateway at ${url} refused the token`, {
    cause,
    fix: "set OPENCLAW_GATEWAY_TOKEN, or --token, to the one that it was started with; openclaw dashboard --no-open says where that is",
  });
}

/** What a person does where there is none. */
export function noGateway(stateDir: string): OperationError {
  return new OperationError("GatewayUnreachable", `no gateway has been started on ${stateDir}`, {
    fix: "start one with: openclaw start; --url names one elsewhere",
  });
}

export interface GatewaySecret {
  value: string;
  /** Where a person finds it; never the secret itself. */
  place: string;
}

/** By the gateway's own order (gateway/http/secret.ts). null: it needs none, or has made none yet. */
export async function findGatewaySecret(context: CliContext, options: GatewayTarget): Promise<GatewaySecret | null> {
  const { env } = context;
  const token = toSecret(options.token, "--token") ?? toSecret(env.OPENCLAW_GATEWAY_TOKEN, "OPENCLAW_GATEWAY_TOKEN");
  if (token !== null) return token;
  const stateDir = toStateDir(context, options);
  const { path, auth } = await findAuth(context, options);
  if (auth?.mode === "none") return null;
  const password = toSecret(env.OPENCLAW_GATEWAY_PASSWORD, "OPENCLAW_GATEWAY_PASSWORD");
  if (auth?.mode === "password") return password ?? toSecret(auth.password, `gateway.auth.password of ${path}`);
  const configured = toSecret(auth?.token, `gateway.auth.token of ${path}`);
  return configured ?? toSecret(await findGatewayToken(stateDir), `in ${toGatewayTokenPath(stateDir)}`) ?? password;
}

/** `auth` null: there is no config that can be used. */
async function findAuth(context: CliContext, options: GatewayTarget): Promise<{ path: string; auth: GatewayConfig["auth"] | null }> {
  const stateDir = toStateDir(context, options);
  // Where the gateway sees no config file, neither does a command beside it: in Compose, `exec openclaw-gateway`.
  if (context.env.OPENCLAW_CONFIG_SOURCE === "controller") {
    return { path: toKeptConfigPath(stateDir), auth: (await findKeptConfig(stateDir))?.gateway.auth ?? null };
  }
  const path = toConfigPath(context, options);
  const config = await loadConfig(path, { stateDir, home: context.home, variables: context.env, trustedOwners: null });
  return { path, auth: config.ok ? config.value.gateway.auth : null };
}

const toSecret = (value: string | null | undefined, place: string): GatewaySecret | null => (value ? { value, place } : null);
