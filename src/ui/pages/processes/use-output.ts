// What a background process prints, as it prints it: read on from where the last piece ended, and begun anew when the page comes back to it.
import { useEffect, useState } from "react";
import { useLink, useLinkState } from "../../connection/context.tsx";
import { fromBase64 } from "../../text/bytes.ts";
import type { SandboxProcess } from "../../text/process.ts";

/** One question waits so long for new output; the gateway takes 30 s. */
const WAIT_MS = 10_000;
const PIECE_BYTES = 262_144;
/** The newest stays. */
const SHOWN_LENGTH_MAX = 400_000;
const RETRY_MS = 2_000;

export interface ProcessOutput {
  text: string;
  /** Whether earlier output is not shown. */
  isCut: boolean;
  /** null: not read yet. */
  process: SandboxProcess | null;
  error: Error | null;
}

const NOTHING: ProcessOutput = { text: "", isCut: false, process: null, error: null };

export function useOutput(sessionKey: string, id: string): ProcessOutput {
  const link = useLink();
  const isOpen = useLinkState().kind === "open";
  const [output, setOutput] = useState(NOTHING);
  useEffect(() => {
    if (!isOpen) return;
    const gone = new AbortController();
    const follow = async (): Promise<void> => {
      const decoder = new TextDecoder();
      setOutput(NOTHING);
      for (let offset = 0; !gone.signal.aborted; ) {
        const piece = await link.call("process.log", { key: sessionKey, id, offset, limit: PIECE_BYTES, wait: WAIT_MS }, gone.signal);
        const text = decoder.decode(fromBase64(piece.data), { stream: true });
        const isLost = piece.offset > offset;
        setOutput(({ text: before, isCut }) => ({
          text: (before + text).slice(-SHOWN_LENGTH_MAX),
          isCut: isCut || isLost || before.length + text.length > SHOWN_LENGTH_MAX,
          process: piece.process,
          error: null,
        }));
        offset = piece.nextOffset;
        if (piece.process.state === "exited" && offset >= piece.process.outputBytes) return;
      }
    };
    let retry: ReturnType<typeof setTimeout> | undefined;
    const begin = (): void =>
      void follow().catch((error: Error) => {
        if (gone.signal.aborted) return;
        setOutput((before) => ({ ...before, error }));
        retry = setTimeout(begin, RETRY_MS);
      });
    begin();
    return () => {
      clearTimeout(retry);
      gone.abort();
    };
  }, [link, isOpen, sessionKey, id]);
  return output;
}
