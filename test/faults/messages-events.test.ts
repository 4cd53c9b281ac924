import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HostNews } from '../../agent/index.ts'
import { hostEvents } from '../../app/host/events.ts'
import { QubesdError } from '../../qubesd/errors.ts'
import { type Call } from '../../qubesd/index.ts'
import { type Transport } from '../../qubesd/transport.ts'

/** Events of a host whose daemon restarts, as a management qube sees it: policy answers in its place. */

type Stream = 'connects' | 'denied-by-policy' | 'refused' | 'malformed-answer'

/** What the agent hears, and how long each pause was, where the stream ends in these ways one after the other. */
async function hear(...streams: readonly Stream[]): Promise<{ news: HostNews[]; pauses: number[] }> {
  const stop = new AbortController()
  const left = [...streams]
  const transport: Transport = {
    kind: 'qrexec',
    where: 'qrexec',
    exchange: () => Promise.reject(new Error('nothing is asked')),
    async *stream(call: Call) {
      const next = left.shift()
      await Promise.resolve()
      if (next === undefined) stop.abort()
      else if (next === 'connects') yield Buffer.from('1\0\0connection-established\0\0')
      else throw new QubesdError(next, call, 'no', 'allow it')
    },
  }
  const news: HostNews[] = []
  const pauses: number[] = []
  const sleep = (ms: number): Promise<void> => {
    pauses.push(ms)
    return Promise.resolve()
  }
  for await (const one of hostEvents(transport, stop.signal, sleep)) news.push(one)
  return { news, pauses }
}

const kinds = (news: readonly HostNews[]): readonly string[] => news.map(({ kind }) => kind)
const times = (count: number, what: Stream): readonly Stream[] => Array.from({ length: count }, () => what)

for (const refusal of ['denied-by-policy', 'refused'] as const)
  test(`after a connection, ${refusal} is a loss that is tried again within seconds: qubesd may be restarting`, async () => {
    const { news, pauses } = await hear('connects', refusal, refusal, 'connects')
    assert.deepEqual(kinds(news), ['connected', 'lost', 'lost', 'lost', 'connected', 'lost'])
    const problems = news.flatMap((one) => (one.kind === 'lost' ? [one.problem] : []))
    assert.match(problems[1]?.message ?? '', /qubesd may be restarting/)
    assert.doesNotMatch(problems[1]?.hint ?? '', /allow it/)
    assert.ok(
      pauses.every((ms) => ms <= 5000),
      pauses.join(' '),
    )
  })

test('a refusal that stays is told as one after a minute, and asked again every ten', async () => {
  const { news, pauses } = await hear('connects', ...times(12, 'denied-by-policy'))
  const refused = kinds(news).indexOf('refused')
  assert.ok(refused > 0)
  const before = pauses.slice(0, refused - 1).reduce((sum, ms) => sum + ms, 0)
  assert.ok(before > 20_000 && before < 120_000, String(before))
  assert.deepEqual(new Set(kinds(news).slice(refused, -1)), new Set(['refused']))
  assert.equal(pauses.at(-2), 600_000)
})

test('a refusal at the first connection is one, and so is one after it by anything but policy', async () => {
  assert.deepEqual(kinds((await hear('denied-by-policy')).news)[0], 'refused')
  const { news } = await hear('connects', 'malformed-answer')
  assert.deepEqual(kinds(news).slice(0, 3), ['connected', 'lost', 'refused'])
})
