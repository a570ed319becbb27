// What is shown while there is no sandbox: the three steps to the first one, each with its command.
import type { ReactNode } from "react";
import { Command } from "../parts/button.tsx";
import { Card } from "../parts/card.tsx";

const STEPS = [
  {
    title: "Say which agents there are",
    text: "One file lists them and what they may have. The command asks five questions and writes it, or shows where it is.",
    command: "openclaw onboard",
  },
  {
    title: "Give an agent a conversation",
    text: "A sandbox exists once a session needs it. Any client of the Model Context Protocol makes one with its first tool call.",
    command: "claude mcp add openclaw -- openclaw mcp",
  },
  {
    title: "Or run something in it yourself",
    text: "This makes the session, waits for its sandbox, and runs a command inside. The sandbox then appears here.",
    command: "openclaw sandbox exec main -- sh -c 'id; pwd'",
  },
] as const;

export function FirstSteps(): ReactNode {
  return (
    <Card title="No sandbox yet: three steps to the first one">
      <ol className="steps">
        {STEPS.map(({ title, text, command }) => (
          <li key={title}>
            <h3>{title}</h3>
            <p className="soft small">{text}</p>
            <Command text={command} />
          </li>
        ))}
      </ol>
    </Card>
  );
}
