// What is typed to a background process: a line at a time into its stdin, and the end of that. Whether it reads it is the process's own business.
import { useMutation } from "@tanstack/react-query";
import { CornerDownLeft } from "lucide-react";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useLink } from "../../connection/context.tsx";
import { Button, Command } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { toBase64 } from "../../text/bytes.ts";
import { encodeLine, type ProcessPlace, toProcessCommand } from "../../text/process.ts";

/** A line of a page's field; the gateway takes a MiB at once. */
const LINE_LENGTH_MAX = 65_536;

export function ProcessInput({ place }: { place: ProcessPlace }): ReactNode {
  const link = useLink();
  const fieldId = useId();
  const [line, setLine] = useState("");
  const params = { key: place.sessionKey, id: place.id };
  const write = useMutation({
    mutationFn: (text: string) => link.call("process.write", { ...params, data: toBase64(encodeLine(text)), end: false }),
    onSuccess: () => setLine(""),
  });
  const end = useMutation({ mutationFn: () => link.call("process.write", { ...params, end: true }) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    write.mutate(line);
  };
  if (end.isSuccess) return <p className="dim small">Its stdin is closed: it has read all that it will get.</p>;
  return (
    <form className="field" onSubmit={submit}>
      <label htmlFor={fieldId}>Type to it</label>
      <div className="row input-row">
        <input
          id={fieldId}
          className="input mono grow"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          maxLength={LINE_LENGTH_MAX}
          placeholder="A line for its stdin"
          value={line}
          onChange={({ target }) => setLine(target.value)}
        />
        <Button type="submit" disabled={write.isPending}>
          <CornerDownLeft aria-hidden="true" />
          Send
        </Button>
        <Confirm
          title="Close its stdin?"
          act="Close it"
          command={toProcessCommand(place, { kind: "end" })}
          onConfirm={() => end.mutate()}
          trigger={<Button disabled={end.isPending}>Close stdin</Button>}
        >
          It reads the end of its input then, as after Ctrl-D. Nothing can be typed to it any more.
        </Confirm>
      </div>
      {write.error !== null && <ErrorNotice error={write.error} what="Not sent" />}
      {end.error !== null && <ErrorNotice error={end.error} what="Not closed" />}
      {line !== "" && <Command text={toProcessCommand(place, { kind: "line", text: line })} />}
    </form>
  );
}
