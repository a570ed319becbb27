// A session's tools: which it may use, by which rule and where that stands; and a form to run one.
import { useParams } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useGateway } from "../../connection/context.tsx";
import { Button } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { RunTool, type Tool } from "./run-tool.tsx";

export function Tools(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key/tools" });
  const { data, error } = useGateway("tools.list", { key });
  const [chosen, setChosen] = useState<string | null>(null);
  if (error !== null && data === undefined) return <ErrorNotice error={error} what="The tools could not be read" />;
  const tool = data?.items.find(({ name }) => name === chosen);
  return (
    <div className={tool === undefined ? "stack" : "split tools-split"}>
      <Card title="Tools" aside={data && `${data.items.filter(({ allowed }) => allowed).length} of ${data.items.length} allowed`} flush>
        <table className="table tall">
          <thead>
            <tr>
              <th scope="col">Tool</th>
              <th scope="col">Policy</th>
              <th scope="col">
                <span className="sr-only">Run</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data?.items.map((item) => (
              <ToolRow key={item.name} tool={item} isChosen={item === tool} choose={() => setChosen(item.name)} />
            ))}
          </tbody>
        </table>
      </Card>
      {tool !== undefined && <RunTool key={tool.name} sessionKey={key} tool={tool} />}
    </div>
  );
}

function ToolRow({ tool, isChosen, choose }: { tool: Tool; isChosen: boolean; choose(): void }): ReactNode {
  const { name, description, allowed, rule, source, fix } = tool;
  return (
    <tr data-chosen={isChosen}>
      <td>
        <strong className="mono">{name}</strong>
        <div className="dim tiny clamp">{description}</div>
      </td>
      <td className="wrap-any">
        <StateMark tone={allowed ? "good" : "rest"}>{allowed ? "allowed" : "refused"}</StateMark>
        <div className="dim tiny">
          {rule} <code className="chip">{source}</code>
        </div>
        {fix !== null && <div className="dim tiny">To allow it: {fix}</div>}
      </td>
      <td>
        {allowed && (
          <Button size="small" onClick={choose} aria-label={`Run ${name}`}>
            <Play aria-hidden="true" />
            Run
          </Button>
        )}
      </td>
    </tr>
  );
}
