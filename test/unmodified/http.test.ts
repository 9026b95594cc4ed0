import http from 'node:http'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { watchEscapes } from '../../harness/unmodified/strict.ts'
import { World } from '../../harness/world/world.ts'

installUnmodified()

interface Answer {
  readonly status: number | undefined
  readonly date: string | undefined
  readonly body: string
  readonly reused: boolean
}

function get(path: string, agent?: http.Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: 'web', port: 80, path, ...(agent === undefined ? {} : { agent }) }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode, date: response.headers.date, body, reused: request.reusedSocket }),
      )
    })
    request.on('error', reject)
  })
}

/** A web server and a client in a strict world. */
async function withWebServer<T>(
  answer: http.RequestListener,
  body: (world: World) => Promise<T>,
): Promise<{ readonly result: T; readonly digest: string }> {
  const world = new World({ seed: 'http' })
  const stop = watchEscapes(world)
  try {
    const result = await world.run(async () => {
      world
        .host('web')
        .process()
        .run(() => http.createServer(answer).listen(80))
      const client = world.host('client').process()
      await world.sleep(1)
      return client.run(() => body(world))
    })
    return { result, digest: world.trace.digest() }
  } finally {
    stop()
  }
}

describe('node:http lives in the world', () => {
  test('a request and its response take virtual time, with the Date of the host', async () => {
    const { result } = await withWebServer(
      (request, response) => setTimeout(() => response.end(`you asked for ${request.url}`), 2500),
      async world => ({ ...(await get('/x')), seconds: Math.floor(world.nowMs / 1000) }),
    )

    expect(result).toEqual({
      status: 200,
      date: 'Thu, 01 Jan 2026 00:00:02 GMT',
      body: 'you asked for /x',
      reused: false,
      seconds: 2,
    })
  })

  test('keep-alive connections are reused, but not those of an earlier trial', async () => {
    const talk = () =>
      withWebServer(
        (_request, response) => response.end('ok'),
        async () => [(await get('/1')).reused, (await get('/2')).reused],
      )

    const [first, second] = [await talk(), await talk()]

    expect(first.result).toEqual([false, true])
    expect(second).toEqual(first)
  })

  test('a body of a megabyte comes through, chunked', async () => {
    const { result } = await withWebServer(
      (_request, response) => {
        for (let part = 0; part < 10; part++) response.write('x'.repeat(100_000))
        response.end()
      },
      async () => (await get('/large')).body.length,
    )

    expect(result).toBe(1_000_000)
  })

  test('a server that dies in the middle is an error of the client', async () => {
    const { result } = await withWebServer(
      () => {},
      async world => {
        const answer = get('/never').catch((error: unknown) => (error as NodeJS.ErrnoException).code)
        await world.sleep(10)
        world.hosts.get('web')?.kill()
        return answer
      },
    )

    expect(result).toBe('ECONNRESET')
  })
})

test('outside a trial node:http is real', async () => {
  const server = http.createServer((_request, response) => response.end('real'))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }

  const text = await new Promise(done => {
    http.get({ host: '127.0.0.1', port, agent: false }, response =>
      response.on('data', chunk => done(`${chunk} ${typeof response.headers.date}`)),
    )
  })
  server.close()

  expect(text).toBe('real string')
})
