// A request in the AI SDK's form: messages, tools without anything that would run them, and what each protocol wants besides. Pure but for the SDK's own helpers.
// Who is asked is sdk-model.ts's.
import type { ModelMessage as SdkMessage, ToolSet } from "ai";
import type { ModelTarget } from "../../api/models/resolve.ts";
import type { ThinkingLevel } from "../../api/thinking.ts";
import type { AssistantPart, ModelCallRequest, ModelMessage, Opaque, ToolOffer, UserPart } from "./model-call.ts";
import { isCodex } from "./sdk-model.ts";

type SdkAssistantPart = Exclude<Extract<SdkMessage, { role: "assistant" }>["content"], string>[number];
type SdkUserPart = Exclude<Extract<SdkMessage, { role: "user" }>["content"], string>[number];
type SdkOptions = NonNullable<Extract<SdkMessage, { role: "assistant" }>["providerOptions"]>;

/** The endpoint of ChatGPT sign-ins refuses a request without. */
const INSTRUCTIONS_DEFAULT = "You are a helpful assistant.";

export function toSdkMessages(messages: readonly ModelMessage[], { takesImages }: Pick<ModelTarget, "takesImages">): SdkMessage[] {
  return messages.map((message) => toSdkMessage(message, takesImages));
}

/** It may have been for another model of the same turn. */
const NO_IMAGE = "[an image, which this model can't see]";

function toSdkMessage(message: ModelMessage, takesImages: boolean): SdkMessage {
  switch (message.role) {
    case "user":
      return {
        role: "user",
        content: message.parts.map((part) => toSdkUserPart(part, takesImages)),
      };
    case "assistant":
      return { role: "assistant", content: message.parts.map(toSdkPart) };
    case "tool":
      return {
        role: "tool",
        content: message.results.map(({ id, tool, text, isError }) => ({
          ...{ type: "tool-result", toolCallId: id, toolName: tool },
          output: { type: isError ? "error-text" : "text", value: text },
        })),
      };
  }
}

function toSdkUserPart(part: UserPart, takesImages: boolean): SdkUserPart {
  if (part.kind === "text") return { type: "text", text: part.text };
  return takesImages ? { type: "file", data: part.data, mediaType: part.mediaType } : { type: "text", text: NO_IMAGE };
}

function toSdkPart(part: AssistantPart): SdkAssistantPart {
  const options = toOptions(part.opaque);
  switch (part.kind) {
    case "text":
      return { type: "text", text: part.text, ...options };
    case "reasoning":
      return { type: "reasoning", text: part.text, ...options };
    case "tool-call":
      return { type: "tool-call", toolCallId: part.id, toolName: part.tool, input: part.input ?? {}, ...options };
  }
}

/** It came from the SDK as a provider's metadata, and goes back as it was. */
const toOptions = (opaque: Opaque): { providerOptions?: SdkOptions } => (opaque === null ? {} : { providerOptions: opaque as SdkOptions });

/** Without `execute`: the SDK then stops where the model asks for a tool, and whoever called decides. */
export function toSdkTools(offers: readonly ToolOffer[], toSchema: typeof import("ai").jsonSchema): ToolSet {
  return Object.fromEntries(
    offers.map(({ name, description, inputSchema }) => [name, { description, inputSchema: toSchema({ ...inputSchema }) }]),
  );
}

/** What each protocol is told besides: nothing is kept at the provider, and what may be is cached there for the same conversation. */
export function toSdkOptions(request: ModelCallRequest, conversation: string): { instructions?: string; providerOptions: SdkOptions } {
  const { target, system } = request;
  const instructions = system === "" ? {} : { instructions: system };
  // Others that speak its protocol need not know it.
  if (target.api === "anthropic-messages" && target.provider !== "anthropic") return { ...instructions, providerOptions: {} };
  if (target.api === "anthropic-messages")
    return { ...instructions, providerOptions: { anthropic: { cacheControl: { type: "ephemeral" } } } };
  if (target.api !== "openai-responses" && target.provider !== "openai") return { ...instructions, providerOptions: {} };
  const kept = { store: false, promptCacheKey: conversation };
  if (target.api === "openai-completions") return { ...instructions, providerOptions: { openai: kept } };
  // A summary of the thinking is not given to everybody, and its refusal would be the whole call's.
  const openai = { ...kept, include: ["reasoning.encrypted_content"], reasoningSummary: null };
  if (!isCodex(request)) return { ...instructions, providerOptions: { openai } };
  return { providerOptions: { openai: { ...openai, instructions: system === "" ? INSTRUCTIONS_DEFAULT : system } } };
}

/** The SDK says it in each protocol's own way, and leaves it out where a model is known not to think. */
export const toSdkEffort = ({ thinking }: Pick<ModelCallRequest, "thinking">): { reasoning?: "none" | Exclude<ThinkingLevel, "off"> } =>
  thinking === null ? {} : { reasoning: thinking === "off" ? "none" : thinking };
