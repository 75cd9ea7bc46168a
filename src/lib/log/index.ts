/** Creates the structured logger that a process writes to. */
export { createLogger, LOG_LEVELS, type Logger } from './logger.ts'
