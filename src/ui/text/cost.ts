// What was used of models, in a few characters. Pure.

interface Total {
  input: number;
  output: number;
  usd: number;
  unpriced: number;
  estimated: number;
}

/** `950`, `12.3k`, `4.1M` */
export function renderTokens(count: number): string {
  if (count < 1_000) return String(count);
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

/** `12.3k tokens, $0.042`; `about` where the provider did not count, and no dollars where a price is not known. */
export function renderCost({ input, output, usd, unpriced, estimated }: Total): string {
  const tokens = `${estimated > 0 ? "about " : ""}${renderTokens(input + output)} tokens`;
  return unpriced > 0 || usd === 0 ? tokens : `${tokens}, $${usd < 1 ? usd.toFixed(4) : usd.toFixed(2)}`;
}
