import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { until } from '../support/until.ts'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const START_MS = 60_000

const JOB_ID = /"job":\{"id":"(?<id>[^"]+)"/

/** Run in the page: the answer without its blanks, since its long lines are broken. */
const SHOWN_ANSWER = `
  [...document.querySelectorAll('.result-window .view-line')]
    .sort((one, other) => parseInt(one.style.top) - parseInt(other.style.top))
    .map(({ textContent }) => textContent.replaceAll(/\\s/g, ''))
    .join('')
`

if (existsSync(CHROMIUM)) {
  describe('GraphiQL in a real Chromium', inChromium)
} else {
  test.skip(`GraphiQL in a real Chromium: there is none at ${CHROMIUM} (Debian: apt-get install chromium)`, () => {})
}

function inChromium() {
  let server: ApiServer
  let profile: string
  let browser: BrowserContext
  let page: Page
  const requested: string[] = []
  const sockets: string[] = []
  beforeAll(async () => {
    server = await startApiServer()
    profile = await mkdtemp(join(tmpdir(), 'lume-chromium-'))
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      headless: true,
      args: FLAGS,
      viewport: { width: 1_400, height: 900 },
    })
    page = await browser.newPage()
    page.setDefaultTimeout(START_MS / 2)
    page.on('request', (request) => requested.push(request.url()))
    page.on('websocket', (socket) => sockets.push(socket.url()))
  }, START_MS)
  afterAll(async () => {
    await browser.close()
    await rm(profile, { recursive: true, force: true })
    expect(server.takeFaults()).toEqual([])
    await server.stop()
  }, START_MS)

  test(
    'the page opens with its tabs, runs one, and watches the run to its end over a WebSocket',
    async () => {
      await page.goto(server.url)
      await openTab('Execute')
      await pressPlay()
      const started = await answer(JOB_ID)
      const jobId = JOB_ID.exec(started)?.groups?.id ?? ''
      expect(jobId).not.toBe('')

      await openTab('Watch')
      await writeVariables(JSON.stringify({ jobId, after: 0 }))
      await pressPlay()
      expect(await answer(/"JobCompletedEvent"/)).toContain('"status":"COMPLETED"')
      if (process.env.LUME_SCREENSHOT) await page.screenshot({ path: process.env.LUME_SCREENSHOT })

      expect(sockets).toEqual([server.url.replace('http', 'ws')])
      const isForeign = (url: string) => !/^(?:data|blob):/.test(url) && new URL(url).origin !== server.origin
      expect(requested.length).toBeGreaterThan(0)
      expect(requested.filter(isForeign)).toEqual([])
    },
    START_MS,
  )

  async function openTab(name: string): Promise<void> {
    const button = page.locator('.graphiql-tab-button', { hasText: new RegExp(`^${name}$`) })
    const open = page.locator('.graphiql-tab-active .graphiql-tab-button')
    // While the page sets its tabs up, it takes a click for the beginning of a move.
    await until(`the tab ${name} is open`, async () => {
      await button.click()
      return (await open.innerText()) === name
    })
  }

  async function pressPlay(): Promise<void> {
    await page.locator('.graphiql-execute-button').click()
  }

  /** What the answer's pane shows, once it shows what is expected. */
  async function answer(expected: RegExp): Promise<string> {
    return until(`the answer shows ${expected.source}`, async () => {
      const text = await page.evaluate<string>(SHOWN_ANSWER)
      return expected.test(text) && text
    })
  }

  async function writeVariables(text: string): Promise<void> {
    await page.locator('.monaco-editor[data-uri$="variables.json"]').click()
    await page.keyboard.press('Control+A')
    await page.keyboard.insertText(text)
    // What the editor has closed by itself.
    await page.keyboard.press('Control+Shift+End')
    await page.keyboard.press('Delete')
  }
}
