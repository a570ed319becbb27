// Brings what a person has just chosen from a list into sight, and the focus to the first of it that takes input: on a phone it stands above the list, where
// nobody who scrolled down to choose would see it.
import { type RefObject, useEffect, useRef } from "react";

/** @returns for the element that is shown */
export function useReveal<Shown extends HTMLElement>(): RefObject<Shown | null> {
  const place = useRef<Shown>(null);
  useEffect(() => {
    const shown = place.current;
    if (shown === null) return;
    shown.querySelector<HTMLElement>("input, textarea, select, [type=submit]")?.focus({ preventScroll: true });
    const { top } = shown.getBoundingClientRect();
    if (top < 0 || top > window.innerHeight / 2) shown.scrollIntoView({ block: "start" });
  }, []);
  return place;
}
