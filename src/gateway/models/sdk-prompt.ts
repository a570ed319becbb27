// A request in the form that the AI SDK's providers take: messages, tools, and what each protocol wants besides. Pure. Who is asked is sdk-model.ts's.
import type { LanguageModelV4CallOptions, LanguageModelV4FunctionTool, LanguageModelV4Message } from "@ai-sdk/provider";
import type { ModelTarget } from "../../api/models/resolve.ts";
import type { ThinkingLevel } from "../../api/thinking.ts";
import type { AssistantPart, ModelCallRequest, ModelMessage, Opaque, ToolOffer, UserPart } from "./model-call.ts";
import { isCodex } from "./sdk-model.ts";

type SdkAssistantPart = Extract<LanguageModelV4Message, { role: "assistant" }>["content"][number];
type SdkUserPart = Extract<LanguageModelV4Message, { role: "user" }>["content"][number];
type SdkOptions = NonNullable<LanguageModelV4CallOptions["providerOptions"]>;

/** The endpoint of ChatGPT sign-ins refuses a request without. */
const INSTRUCTIONS_DEFAULT = "You are a helpful assistant.";

/** The endpoint of ChatGPT sign-ins has the system prompt elsewhere: in `toSdkOptions`. */
export function toSdkPrompt(request: ModelCallRequest): LanguageModelV4Message[] {
  const { system, messages, target } = request;
  const first: LanguageModelV4Message[] = system === "" || isCodex(request) ? [] : [{ role: "system", content: system }];
  return [...first, ...messages.map((message) => toSdkMessage(message, target))];
}

/** It may have been for another model of the same turn. */
const NO_IMAGE = "[an image, which this model can't see]";

function toSdkMessage(message: ModelMessage, { takesImages }: Pick<ModelTarget, "takesImages">): LanguageModelV4Message {
  switch (message.role) {
    case "user":
      return { role: "user", content: message.parts.map((part) => toSdkUserPart(part, takesImages)).filter(isSaid) };
    case "assistant":
      return { role: "assistant", content: message.parts.map(toSdkPart).filter(isSaid) };
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
  return takesImages
    ? { type: "file", data: { type: "data", data: part.data }, mediaType: part.mediaType }
    : { type: "text", text: NO_IMAGE };
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

/** Some providers refuse a text without a letter. */
const isSaid = (part: SdkAssistantPart | SdkUserPart): boolean =>
  part.type !== "text" || part.text !== "" || part.providerOptions !== undefined;

/** It came from the provider as its metadata, and goes back as it was. */
const toOptions = (opaque: Opaque): { providerOptions?: SdkOptions } => (opaque === null ? {} : { providerOptions: opaque as SdkOptions });

/** Which of them is called, if any, is the model's choice. */
export function toSdkTools(offers: readonly ToolOffer[]): Pick<LanguageModelV4CallOptions, "tools" | "toolChoice"> {
  const tools = offers.map(
    ({ name, description, inputSchema }): LanguageModelV4FunctionTool => ({
      type: "function",
      name,
      description,
      inputSchema: { ...inputSchema },
    }),
  );
  return tools.length === 0 ? {} : { tools, toolChoice: { type: "auto" } };
}

/** What each protocol is told besides: nothing is kept at the provider, and what may be is cached there for the same conversation. */
export function toSdkOptions(request: ModelCallRequest, conversation: string): SdkOptions {
  const { target, system } = request;
  // Others that speak its protocol need not know it.
  if (target.api === "anthropic-messages")
    return target.provider === "anthropic" ? { anthropic: { cacheControl: { type: "ephemeral" } } } : {};
  if (target.api !== "openai-responses" && target.provider !== "openai") return {};
  const kept = { store: false, promptCacheKey: conversation };
  if (target.api === "openai-completions") return { openai: kept };
  // A summary of the thinking is not given to everybody, and its refusal would be the whole call's.
  const openai = { ...kept, include: ["reasoning.encrypted_content"], reasoningSummary: null };
  return { openai: isCodex(request) ? { ...openai, instructions: system === "" ? INSTRUCTIONS_DEFAULT : system } : openai };
}

/** The SDK says it in each protocol's own way, and leaves it out where a model is known not to think. */
export const toSdkEffort = ({ thinking }: Pick<ModelCallRequest, "thinking">): { reasoning?: "none" | Exclude<ThinkingLevel, "off"> } =>
  thinking === null ? {} : { reasoning: thinking === "off" ? "none" : thinking };
