/** Opens connections to a Postgres server: each has the session settings that Lume relies on, and is given up when it is silent. */
export { monitoredClient, type MonitoredClient } from './monitored-client.ts'
export { requireSessionMode } from './pooler.ts'
export { sessionStatement } from './session-settings.ts'
export { LISTENER_STEPS, PROBE_STEPS, SILENCE_MAX_MS, SilenceMonitor } from './silence-monitor.ts'
