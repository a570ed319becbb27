// How hard a secret is to guess, estimated from its text: what decides whether guesses lock an address out. Pure.
// Whether it is right is auth.ts's; where it comes from, secret.ts's.

/** At a billion guesses a second for the age of the universe nobody comes near; every token that a program makes has as many. */
export const TOKEN_BITS_MIN = 128;
/** Fewer different characters are a pattern, whatever their number: 32 random hex digits have fewer than this once in a hundred million. */
const DISTINCT_MIN = 8;

/** In order: the first that holds every character. Dashes are no part of a UUID's chance, and only two of 64 in base64url. */
const ALPHABETS: readonly { pattern: RegExp; size: number }[] = [
  { pattern: /^[0-9]+$/, size: 10 },
  { pattern: /^(?:[0-9a-f-]+|[0-9A-F-]+)$/, size: 16 },
  { pattern: /^(?:[a-z]+|[A-Z]+)$/, size: 26 },
  { pattern: /^(?:[0-9a-z_.-]+|[0-9A-Z_.-]+)$/, size: 36 },
  { pattern: /^[\x21-\x7e]+$/, size: 64 },
];

/**
 * Length times the bits of the smallest usual alphabet: 128 for 32 hex digits, 132 for 22 of base64url. 0 for what a person made up as far
 * as that shows: words with spaces, letters beyond ASCII, few different characters.
 */
export function estimateBits(secret: string): number {
  const alphabet = ALPHABETS.find(({ pattern }) => pattern.test(secret));
  if (alphabet === undefined || new Set(secret).size < DISTINCT_MIN) return 0;
  const length = alphabet.size === 16 ? secret.replaceAll("-", "").length : secret.length;
  return length * Math.log2(alphabet.size);
}
