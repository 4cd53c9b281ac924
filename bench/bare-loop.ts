import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

/**
 * What the calls of a plan take at least: `bare-loop.js SOCKET CALLS CONCURRENCY` makes the calls of a file one after another,
 * so many at once, and throws the answers away.
 */
const [socket = '', file = '', concurrency = '8'] = process.argv.slice(2)
const calls = JSON.parse(readFileSync(file, 'utf8')) as string[]
let next = 0

const exchange = (request: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const connection = connect(socket)
    connection.on('data', () => undefined)
    connection.on('error', reject)
    connection.on('close', () => {
      resolve()
    })
    connection.end(Buffer.from(request, 'latin1'))
  })

async function worker(): Promise<void> {
  for (let index = next++; index < calls.length; index = next++) await exchange(calls[index] ?? '')
}

await Promise.all(Array.from({ length: Number(concurrency) }, worker))
