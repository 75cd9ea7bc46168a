import { Agent, get } from 'node:http'

// A process that asks `/health` every 10 ms, whether or not earlier questions are answered, so that a server that
// stands still is measured by all the questions that it leaves open. A latency counts from the planned instant.

const PERIOD_MS = 10
const GIVE_UP_MS = 120_000

const origin = process.argv[2] ?? ''
const agent = new Agent({ keepAlive: true, maxSockets: 200 })
const latencies: number[] = []
let failures = 0
let open = 0
let isStopping = false
let plannedAt = performance.now()

const timer = setInterval(() => {
  for (; plannedAt <= performance.now(); plannedAt += PERIOD_MS) ask(plannedAt)
}, PERIOD_MS)

process.on('message', () => {
  clearInterval(timer)
  isStopping = true
  reportIfDone()
})

function ask(at: number): void {
  open++
  const request = get(`${origin}/health`, { agent, timeout: GIVE_UP_MS }, (response) => {
    response.resume().once('close', () => {
      latencies.push(performance.now() - at)
      settle()
    })
  })
  request.once('timeout', () => request.destroy())
  request.once('error', () => {
    failures++
    settle()
  })
}

function settle(): void {
  open--
  reportIfDone()
}

function reportIfDone(): void {
  if (!isStopping || open > 0) return
  agent.destroy()
  process.send?.({ latencies, failures })
  process.disconnect()
}
