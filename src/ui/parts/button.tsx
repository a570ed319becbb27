// Buttons of the page, and the one that copies.
import { Check, Copy } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useState } from "react";

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

/** A command that a person may run instead. */
export function Command({ text }: { text: string }): ReactNode {
  return (
    <div className="command">
      <code>{text}</code>
      <CopyButton text={text} label="Copy the command" />
    </div>
  );
}
