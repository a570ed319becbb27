// The gateway as components see it: the connection and its state, and requests as queries that stay current by the gateway's events.
// The connection itself is link.ts's.
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { createContext, use, useSyncExternalStore } from "react";
import { GatewayError, type GatewayLink, type LinkState } from "./link.ts";
import type { AnswerOf, MethodName, ParamsOf } from "./methods.ts";

const LinkContext = createContext<GatewayLink | null>(null);
export const LinkProvider = LinkContext.Provider;

export function useLink(): GatewayLink {
  const link = use(LinkContext);
  if (link === null) throw new Error("there is no LinkProvider around this component");
  return link;
}

export function useLinkState(): LinkState {
  const { subscribe, state } = useLink();
  return useSyncExternalStore(subscribe, state);
}

/** Whether this browser's rights are enough for it. */
export function useMay(method: MethodName): boolean {
  const state = useLinkState();
  return state.kind === "open" && state.hello.features.methods.includes(method);
}

/** So often is asked again what failed and may succeed later, for as long as it is on the screen. */
const RETRY_MS = 5_000;

interface QueryOptions {
  /** Asked again so often while it is on the screen. Absent: only when an event says that it changed. */
  everyMs?: number;
  /** false: not asked yet. */
  enabled?: boolean;
}

export function useGateway<Name extends MethodName>(
  method: Name,
  params: ParamsOf<Name>,
  { everyMs, enabled = true }: QueryOptions = {},
): UseQueryResult<AnswerOf<Name>, Error> {
  const link = useLink();
  return useQuery({
    queryKey: [method, params],
    // Without a connection what was seen stays as it was: the frame around the page says so.
    queryFn: ({ signal }) => link.callWhenOpen(method, params, signal),
    enabled,
    refetchInterval: ({ state: { error } }) => (error instanceof GatewayError && error.retryable ? RETRY_MS : (everyMs ?? false)),
  });
}
