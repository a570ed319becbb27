// A model as a person names it: `provider/model`, where the model may have slashes of its own, or an alias from the config.
// Whether there is such a provider is resolve.ts's.
import { toProviderId } from "./providers.ts";

export interface ModelReference {
  /** Canonical. */
  readonly provider: string;
  /** As the provider calls it. */
  readonly model: string;
}

export const REFERENCE_LENGTH_MAX = 256;
const REFERENCE = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})\/([^\s\p{Cc}]+)$/u;

/** null: it names no provider. */
export function parseReference(text: string): ModelReference | null {
  const [, provider, model] = REFERENCE.exec(text.trim()) ?? [];
  return provider === undefined || model === undefined ? null : { provider: toProviderId(provider), model };
}

export const renderReference = ({ provider, model }: ModelReference): string => `${provider}/${model}`;
