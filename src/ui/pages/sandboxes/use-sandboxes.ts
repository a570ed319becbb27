// The sandboxes as they are: from one list that every page shares.
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { Sandbox } from "../../../api/sandbox.ts";
import { useLink } from "../../connection/context.tsx";

/** Changes come as events; this is beside them. Asking is no use of a sandbox. */
const POLL_MS = 15_000;

export function useSandboxes(): UseQueryResult<readonly Sandbox[], Error> {
  const link = useLink();
  return useQuery({
    queryKey: ["sandbox.list"],
    queryFn: async ({ signal }): Promise<readonly Sandbox[]> => (await link.callWhenOpen("sandbox.list", {}, signal)).items,
    refetchInterval: POLL_MS,
  });
}
