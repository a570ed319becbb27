// Opens the command palette: by Ctrl-K on every page, by its button, and wherever else a part of the page asks for it. What is in it is palette.tsx's.
import { Search } from "lucide-react";
import { createContext, lazy, type ReactNode, Suspense, use, useEffect, useState } from "react";

const Palette = lazy(async () => ({ default: (await import("./palette.tsx")).Palette }));

const isMac = (): boolean => /mac|iphone|ipad/i.test(navigator.platform);

const OpenPalette = createContext<() => void>(() => undefined);
export const useOpenPalette = (): (() => void) => use(OpenPalette);

/** Around everything that may open it. */
export function PaletteHost({ children }: { children: ReactNode }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  // Once: it keeps nothing, but is quicker the next time.
  const [isLoaded, setLoaded] = useState(false);
  const open = (): void => {
    setLoaded(true);
    setOpen(true);
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
    <OpenPalette value={open}>
      {children}
      {isLoaded && (
        <Suspense fallback={null}>
          <Palette open={isOpen} onOpenChange={setOpen} />
        </Suspense>
      )}
    </OpenPalette>
  );
}

export function PaletteButton(): ReactNode {
  return (
    <button type="button" className="search-button" aria-keyshortcuts="Control+K Meta+K" onClick={useOpenPalette()}>
      <Search aria-hidden="true" />
      <span>Go to</span>
      <kbd>{isMac() ? "⌘ K" : "Ctrl K"}</kbd>
    </button>
  );
}
