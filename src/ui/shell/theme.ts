// Light or dark: by the system, unless a person chose one of them for this browser.
import { useSyncExternalStore } from "react";

export const THEMES = [
  { name: "system", label: "As the system" },
  { name: "light", label: "Light" },
  { name: "dark", label: "Dark" },
] as const;
export type ThemeName = (typeof THEMES)[number]["name"];

const KEY = "openclaw.theme";
const CHANGED = "openclaw:theme";

const read = (): ThemeName => THEMES.find(({ name }) => name === localStorage.getItem(KEY))?.name ?? "system";

/** What styles/tokens.css looks at; without it the system decides. */
export function applyTheme(): void {
  const theme = read();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function choose(theme: ThemeName): void {
  localStorage.setItem(KEY, theme);
  applyTheme();
  window.dispatchEvent(new Event(CHANGED));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener(CHANGED, listener);
  return () => window.removeEventListener(CHANGED, listener);
}

export const useTheme = (): [ThemeName, (theme: ThemeName) => void] => [useSyncExternalStore(subscribe, read), choose];
