// What a conversation has used: tokens, and US dollars where the config has the prices.
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { useGateway } from "../../connection/context.tsx";
import { renderCost } from "../../text/cost.ts";

const SESSIONS_MAX = 1_000;

export function Cost({ sessionKey, isRunning }: { sessionKey: string; isRunning: boolean }): ReactNode {
  const queries = useQueryClient();
  const { data } = useGateway("usage.cost", { days: 1, sessions: SESSIONS_MAX });
  useEffect(() => {
    if (!isRunning) void queries.invalidateQueries({ queryKey: ["usage.cost"] });
  }, [isRunning, queries]);
  const total = data?.sessions.find(({ key }) => key === sessionKey)?.total;
  return total === undefined ? null : <span title="Of this conversation">{renderCost(total)}</span>;
}
