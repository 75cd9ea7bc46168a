import { Agent, request } from 'node:http'

/** Posts JSON over connections that stay open. */
export interface HttpPoster {
  /** Rejects when the answer's status is not 200. */
  post(body: string): Promise<string>
  close(): void
}

export function createHttpPoster(url: string): HttpPoster {
  const agent = new Agent({ keepAlive: true })
  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
        const call = request(url, { method: 'POST', agent, headers }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          response.once('error', reject)
          response.once('end', () => {
            if (response.statusCode === 200) resolve(text)
            else reject(new Error(`${url} answers ${response.statusCode}: ${text}`))
          })
        })
        call.once('error', reject)
        call.end(body)
      }),
    close: () => agent.destroy(),
  }
}
