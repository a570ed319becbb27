// Names of keys that upstream OpenClaw's config has and this product does not use. Names only: their values are never looked at.
// A name missing here costs its users a warning about an unknown key, nothing more.

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== "");

export const UPSTREAM = {
  root: words(`
    meta acp wizard diagnostics logging cli update browser ui secrets skills plugins nodeHost bindings broadcast audio media
    commands approvals session web channels hooks discovery canvasHost talk vault memory mcp proxy tts commitments accessGroups
    surfaces transcripts crestodian identity agent routing cliAgents portals terminal`),
  agentDefaults: words(`
    modelPolicy imageModel imageGenerationModel videoGenerationModel musicGenerationModel voiceModel pdfModel pdfMaxBytesMb
    pdfMaxPages mediaGenerationAutoProviderFallback utilityModel params agentRuntime runtime embeddedPi embeddedAgent embeddedHarness llm
    skills repoRoot promptOverlays systemPromptOverride skipBootstrap skipOptionalBootstrapFiles contextInjection bootstrapMaxChars
    bootstrapTotalMaxChars bootstrapPromptTruncationWarning experimental userTimezone startupContext contextLimits timeFormat
    envelopeTimezone envelopeTimestamp envelopeElapsed contextTokens cliBackends contextPruning runRetries memorySearch
    verboseDefault reasoningDefault elevatedDefault fastModeDefault traceDefault toolProgressDetail blockStreamingDefault
    blockStreamingBreak blockStreamingChunk blockStreamingCoalesce humanDelay mediaMaxMb imageMaxDimensionPx imageQuality
    typingIntervalSeconds typingMode silentReply silentReplyRewrite statusUpdates tts`),
  subagents: words("archiveAfterMinutes model thinking announceTimeoutMs allowAgents delegationMode requireAgentId"),
  heartbeat: words(`
    to session includeReasoning accountId suppressToolErrorWarnings directPolicy`),
  compaction: words("reserveTokensFloor maxHistoryShare timeoutSeconds customInstructions qualityGuard provider"),
  memoryFlush: words("model systemPrompt forceFlushTranscriptBytes"),
  queue: words("byChannel debounceMsByChannel"),
  messages: words(`
    responsePrefix messagePrefix groupChat ackReaction ackReactionScope removeAckAfterReply inbound tts suppressToolErrors usageTemplate statusReactions`),
  cron: words("store maxConcurrentRuns sessionRetention webhook webhookToken retry runLog failureAlert"),
  cronJob: words("name description"),
  agent: words(`
    description agentDir models modelPolicy verboseDefault reasoningDefault elevatedDefault fastModeDefault traceDefault
    skills memorySearch humanDelay identity groupChat subagents statusUpdates params runtime agentRuntime embeddedPi embeddedAgent
    embeddedHarness systemPromptOverride contextInjection contextLimits contextTokens contextPruning compaction bootstrapMaxChars
    bootstrapTotalMaxChars experimental blockStreamingDefault blockStreamingBreak blockStreamingChunk blockStreamingCoalesce typingMode
    toolProgressDetail utilityModel tts`),
  modelChoice: words("timeoutMs"),
  modelEntry: words("streaming agentRuntime codex runtime"),
  models: words("pricing catalog bedrockDiscovery"),
  provider: words(`
    auth authHeader request region params contextWindow contextTokens maxTokens injectNumCtxForOpenAICompat localService agentRuntime`),
  providerModel: words("api baseUrl reasoning headers compat contextTokens params agentRuntime thinkingLevelMap mediaInput"),
  auth: words("cooldowns"),
  authProfile: words("email displayName"),
  sandbox: words("sessionToolsVisibility ssh openshell"),
  docker: words("workspaceMountPropagation"),
  sandboxBrowser: words("allowedControlUrls allowedControlHosts allowedControlPorts"),
  tools: words(`
    profile alsoAllow byProvider toolsBySender web media links message agentToAgent elevated sessions sessions_spawn subagents
    loopDetection fs experimental codeMode toolSearch bash`),
  exec: words(`
    mode security ask askFallback node pathPrepend safeBins safeBinTrustedDirs safeBinProfiles strictInlineEval cleanupMs notifyOnExit
    notifyOnExitEmptySuccess applyPatch approvalRunningNoticeMs reviewer commandHighlighting`),
  gateway: words(`
    tailscale remote reload tls nodes allowRealIpFallback tools channelHealthCheckMinutes channelStaleEventThresholdMinutes
    channelMaxRestartsPerHour push webchat handshakeTimeoutMs token publicOrigin terminal portals cliAgents`),
  gatewayAuth: words("allowTailscale rateLimit trustedProxy"),
  controlUi: words(`
    basePath root embedSandbox allowExternalEmbedUrls chatMessageMaxWidth dangerouslyAllowHostHeaderOriginFallback allowInsecureAuth
    dangerouslyDisableDeviceAuth experimental environment sessionObserver automaticallyFetchFavicons`),
} as const satisfies Record<string, readonly string[]>;
