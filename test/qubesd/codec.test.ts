import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Call,
  type DaemonEvent,
  decodeEvents,
  decodeReply,
  encodeRequest,
  MAX_REPLY_BYTES,
} from '../../qubesd/codec.ts'
import { exchanges, readRequest } from './support.ts'

const ALL = exchanges()
const STREAMS = ALL.filter(({ request }) => request.toString('latin1').startsWith('admin.Events'))

test('requests of dom0 are encoded byte for byte as recorded', () => {
  const otherwise: string[] = []
  let same = 0
  for (const { where, request } of ALL) {
    const sent = readRequest(request)
    if (sent?.source !== 'dom0' || sent.kind !== 'name') {
      otherwise.push(`${where} not from dom0 by name`)
    } else if (request.equals(encodeRequest(sent.call))) {
      same++
    } else {
      assert.match(request.toString('latin1'), /^admin\.Events\+ /, where)
      otherwise.push(`${where} an empty argument, written with its +`)
    }
  }
  // Of 4.3 and 4.4 each: seven wrong or foreign requests, two with a space in a name, and `admin.Events+`; of 4.2 one foreign.
  assert.equal(otherwise.length, 2 * 10 + 1, otherwise.join('\n'))
  assert.equal(same + otherwise.length, ALL.length)
})

test('a request can be read back to the call it was made from', () => {
  const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,30}$/)
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
  const fields = {
    dest: word,
    method: word,
    arg: fc.oneof(fc.constant(''), fc.stringMatching(/^[!-~]{1,60}$/)),
    payload: fc.string({ unit: byte }),
  }
  const call: fc.Arbitrary<Call> = fc.record(fields, { noNullPrototype: true })
  fc.assert(
    fc.property(call, (made) => {
      assert.deepEqual(readRequest(encodeRequest(made)), { source: 'dom0', kind: 'name', call: made })
    }),
  )
})

test('every recorded answer decodes, and only the event streams are no replies', () => {
  const kinds = { ok: 0, exception: 0, refused: 0, malformed: 0 }
  for (const exchange of ALL) {
    const reply = decodeReply(exchange.response)
    kinds[reply.kind]++
    if (reply.kind === 'malformed') assert.ok(STREAMS.includes(exchange), exchange.where)
    if (reply.kind === 'ok') assert.deepEqual(reply.content, exchange.response.subarray(2), exchange.where)
    if (reply.kind === 'exception')
      assert.deepEqual(
        Buffer.from(`2\0${reply.type}\0\0${reply.message}\0`),
        exchange.response,
        exchange.where,
      )
  }
  assert.deepEqual(kinds, { ok: 460, exception: 98, refused: 33, malformed: 2 })
})

const BAD_REPLIES: readonly { bytes: string | Buffer; reason: string }[] = [
  { bytes: '0', reason: 'the status byte alone is the first half of an answer' },
  { bytes: '00', reason: 'the status byte ends with NUL' },
  { bytes: '\0\0', reason: 'NUL is no status' },
  { bytes: '1\0\0connection-established\0\0', reason: 'an event is no reply' },
  { bytes: '3\0', reason: 'there is no status 3' },
  { bytes: ' 0\0', reason: 'nothing comes before the status' },
  { bytes: '2\0', reason: 'an exception has a type' },
  { bytes: '2\0ValueError\0\0', reason: 'an exception has a message' },
  { bytes: '2\0ValueError\0\0half a mess', reason: 'the message ends with NUL' },
  { bytes: '2\0\0\0message\0', reason: 'the type is not empty' },
  { bytes: '2\0Value Error\0\0message\0', reason: 'the type is one word' },
  { bytes: '2\0\x1b[31mError\0\0message\0', reason: 'a type is not for the terminal to act on' },
  { bytes: `2\0${'E'.repeat(129)}\0\0message\0`, reason: 'a type is not as long as this' },
  { bytes: '\x7fELF\xff\0\xfe\n', reason: 'rubbish' },
  { bytes: Buffer.alloc(MAX_REPLY_BYTES + 1, '0\0'), reason: 'more than qstate believes any answer to be' },
]

for (const { bytes, reason } of BAD_REPLIES) {
  test(`refuses as malformed: ${reason}`, () => {
    const reply = decodeReply(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    assert.equal(reply.kind, 'malformed')
  })
}

test('no bytes make the decoders throw', () => {
  const pieces = fc.oneof(
    fc.constantFrom('0', '1', '2', '\0', '\0\0', '1\0\0e\0', '2\0E\0\0m\0', '__proto__\0', '\xff'),
    fc.string({ maxLength: 5 }),
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
      const bytes = Buffer.from(parts.join(''), 'latin1')
      const reply = decodeReply(bytes)
      if (reply.kind === 'ok') assert.equal(reply.content.length, bytes.length - 2)
      const decoded = decodeEvents(bytes)
      if ('malformed' in decoded) return
      const used = bytes.length - decoded.rest.length
      assert.deepEqual(bytes.subarray(used), decoded.rest)
    }),
  )
})

test('recorded event streams decode whole, and print back to the same bytes', () => {
  const counts = STREAMS.map(({ where, response }) => {
    const decoded = decodeEvents(response)
    assert.ok('events' in decoded, where)
    assert.equal(decoded.rest.length, 0, where)
    assert.equal(decoded.events.map(print).join(''), response.toString('utf8'), where)
    assert.deepEqual(decoded.events[0], { subject: '', name: 'connection-established', fields: {} })
    assert.deepEqual(decoded.events[4], {
      subject: 'win7',
      name: 'domain-feature-set:audio-model',
      fields: { feature: 'audio-model', value: 'ich9', oldvalue: 'ich6' },
    })
    return decoded.events.length
  })
  assert.deepEqual(counts, [30, 30])
})

for (const { folder, response } of STREAMS) {
  test(`the ${folder} stream decodes the same when it is cut at any byte`, () => {
    const whole = events(response)
    for (let cut = 0; cut <= response.length; cut++) {
      const first = decodeEvents(response.subarray(0, cut))
      assert.ok('events' in first, `cut at ${cut}`)
      const more = events(Buffer.concat([first.rest, response.subarray(cut)]))
      assert.deepEqual([...first.events, ...more], whole, `cut at ${cut}`)
    }
  })

  test(`the ${folder} stream decodes the same when it comes byte by byte`, () => {
    let rest: Buffer = Buffer.alloc(0)
    const got: DaemonEvent[] = []
    for (const byte of response) {
      const decoded = decodeEvents(Buffer.concat([rest, Buffer.of(byte)]))
      assert.ok('events' in decoded)
      got.push(...decoded.events)
      rest = decoded.rest
    }
    assert.deepEqual(got, events(response))
  })
}

const MIB = 1024 * 1024
const BAD_EVENTS: readonly { bytes: string; reason: string }[] = [
  { bytes: '0\0\0connection-established\0\0', reason: 'a reply is no event' },
  { bytes: '2\0PermissionDenied\0\0\0', reason: 'an exception is no event' },
  { bytes: '\0\0\0\0', reason: 'NUL is no status' },
  { bytes: '1\0\0first\0\0X\0\0second\0\0', reason: 'the second event is as closely read as the first' },
  { bytes: `1\0win7\0${'x'.repeat(MIB)}`, reason: 'a name that does not end' },
  {
    bytes: `1\0\0${'x'.repeat(MIB)}`,
    reason: 'a name that does not end, of the host, whose subject is empty',
  },
  {
    bytes: `1\0\0e\0key\0\0other\0${'x'.repeat(MIB)}`,
    reason: 'a value that does not end after an empty one',
  },
  { bytes: `1\0\0e\0key\0${'x'.repeat(MIB)}\0\0`, reason: 'an event that does end, after more than a MiB' },
  { bytes: `1\0\0e\0${'k\0v\0'.repeat(600)}\0`, reason: 'more fields than any event has' },
]

for (const { bytes, reason } of BAD_EVENTS) {
  test(`refuses the event stream: ${reason}`, () => {
    assert.ok('malformed' in decodeEvents(Buffer.from(bytes, 'latin1')))
  })
}

test('an event field is data whatever its key is called', () => {
  const [event] = events(Buffer.from('1\0win7\0e\0__proto__\0a\0constructor\0b\0\0'))
  assert.deepEqual(Object.entries(event?.fields ?? {}), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ])
})

test('an event field may be empty, and the last of two of the same key holds', () => {
  const [event] = events(Buffer.from('1\0win7\0e\0a\0\0b\x001\0b\x002\0\0'))
  assert.deepEqual(event, { subject: 'win7', name: 'e', fields: { a: '', b: '2' } })
})

function events(bytes: Buffer): readonly DaemonEvent[] {
  const decoded = decodeEvents(bytes)
  assert.ok('events' in decoded)
  assert.equal(decoded.rest.length, 0)
  return decoded.events
}

function print({ subject, name, fields }: DaemonEvent): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}\0${value}\0`)
  return `1\0${subject}\0${name}\0${pairs.join('')}\0`
}
