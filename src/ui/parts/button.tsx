// Buttons of the page, and the one that copies.
import { Check, Copy } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useState } from "react";
import { toTyped } from "../text/command.ts";
import { Prose } from "./prose.tsx";

interface ButtonProps extends ComponentProps<"button"> {
  kind?: "primary" | "danger" | "ghost";
  size?: "small" | "icon";
}

export function Button({ kind, size, type = "button", ...rest }: ButtonProps): ReactNode {
  return <button {...rest} type={type} className="button" data-kind={kind} data-size={size} />;
}

const COPIED_MS = 1_500;

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }): ReactNode {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (): void => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <Button kind="ghost" size="small" onClick={copy} aria-label={copied ? "Copied" : label} title={label}>
      {copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
    </Button>
  );
}

/** The gateway wrote it into the page. */
const PROGRAM = document.querySelector<HTMLMetaElement>('meta[name="openclaw-command"]')?.content ?? "openclaw";

/** A command as it is typed where the gateway runs. @param text as on a host */
export const asTyped = (text: string): string => toTyped(text, PROGRAM);

/** A command within a sentence. @param text as on a host */
export function CommandWord({ text }: { text: string }): ReactNode {
  return <code className="chip">{asTyped(text)}</code>;
}

/** A command that a person may run instead. @param text as on a host */
export function Command({ text }: { text: string }): ReactNode {
  const typed = asTyped(text);
  return (
    <div className="command">
      <code>
        <Prose text={typed} />
      </code>
      <CopyButton text={typed} label="Copy the command" />
    </div>
  );
}
