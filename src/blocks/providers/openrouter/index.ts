/** Completes chats with the models of OpenRouter and reports their usage. */
export { addUsage, NO_USAGE, usageOutputSchema, type Completion, type TokenUsage } from './completion.ts'
export { estimateCall } from './estimate.ts'
export {
  completionRequest,
  DEFAULT_MODEL,
  modelSettings,
  openRouterCaller,
  reportUsage,
  temperatureSetting,
} from './model-settings.ts'
export {
  ANSWER_BROKEN,
  CONTENT_REFUSED,
  createOpenRouterClient,
  type CompletionRequest,
  type OpenRouterClient,
} from './openrouter-client.ts'
