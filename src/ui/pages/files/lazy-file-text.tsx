// The editor of a file's text, which is loaded when the first one is shown: until then the text's place is empty.
import { type ComponentProps, lazy, type ReactNode, Suspense } from "react";
import { Loading } from "../../parts/notice.tsx";
import type { FileText as Editor } from "./file-text.tsx";

const Loaded = lazy(async () => ({ default: (await import("./file-text.tsx")).FileText }));

export function FileText(props: ComponentProps<typeof Editor>): ReactNode {
  return (
    <Suspense fallback={<Loading what="Loading the editor" />}>
      <Loaded {...props} />
    </Suspense>
  );
}
