// Opens the command palette: by the button in the bar, by Ctrl-K or by Cmd-K. The palette itself is loaded then.
import { Search } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";

const Palette = lazy(async () => ({ default: (await import("./palette.tsx")).Palette }));

const isMac = (): boolean => /mac|iphone|ipad/i.test(navigator.platform);

export function PaletteButton(): ReactNode {
  const [isOpen, setOpen] = useState(false);
  // Once: it keeps nothing, but is quicker the next time.
  const [isLoaded, setLoaded] = useState(false);
  const open = (shown: boolean): void => {
    setLoaded(true);
    setOpen(shown);
  };
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      setLoaded(true);
      setOpen((shown) => !shown);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  return (
    <>
      <button type="button" className="search-button" aria-keyshortcuts="Control+K Meta+K" onClick={() => open(true)}>
        <Search aria-hidden="true" />
        <span>Go to</span>
        <kbd>{isMac() ? "⌘ K" : "Ctrl K"}</kbd>
      </button>
      {isLoaded && (
        <Suspense fallback={null}>
          <Palette open={isOpen} onOpenChange={setOpen} />
        </Suspense>
      )}
    </>
  );
}
