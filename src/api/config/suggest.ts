// The one "did you mean": which known word is near enough to a wrong one to be offered.
import { distance } from "fastest-levenshtein";

const LENGTH_MAX = 64;

/** The nearest candidate, case aside, if at most a third of the letters (and at least two) differ; undefined otherwise. */
export function findNearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > LENGTH_MAX) return undefined;
  const lower = word.toLowerCase();
  const limit = Math.max(2, Math.floor(word.length / 3));
  let best: { candidate: string; edits: number } | undefined;
  for (const candidate of candidates) {
    const edits = distance(lower, candidate.toLowerCase());
    if (edits <= limit && edits < candidate.length && (best === undefined || edits < best.edits)) best = { candidate, edits };
  }
  return best?.candidate;
}

export function renderDidYouMean(word: string, candidates: readonly string[]): { fix?: string } {
  const nearest = findNearest(word, candidates);
  return nearest === undefined ? {} : { fix: `did you mean "${nearest}"?` };
}
