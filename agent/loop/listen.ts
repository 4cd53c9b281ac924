import { type Problem } from '../../spec/diagnostics/index.ts'
import { concernOf, type Scope } from '../ports/index.ts'
import { type AgentContext, type Life } from './loop-state.ts'
import { lookAt } from './mailbox.ts'

/** Turns what the host tells into what is to be looked at, until the signal fires or the host will not tell. */
export async function listen(life: Life, context: AgentContext): Promise<void> {
  const { clock, host, signal, watch } = context
  const { mailbox } = life
  const compareAll = (why: string): void => {
    mailbox.post((pending) => {
      pending.all = why
    })
  }
  let lost = 0
  for await (const news of host.events(signal)) {
    switch (news.kind) {
      case 'connected':
        lost = 0
        life.memory = { ...life.memory, events: 'connected' }
        answers(life)
        compareAll('the host can be heard')
        break
      case 'lost':
        lost += 1
        life.memory = { ...life.memory, events: 'lost' }
        sayOnce('warn', news.problem, life, context)
        // A daemon that is restarted is away once; one that is not there at all is trouble, to be told.
        if (lost === 1) break
        life.memory = { ...life.memory, error: errorSince(news.problem, life, clock.now()) }
        mailbox.post((pending) => {
          pending.told = true
        })
        break
      case 'refused':
        // It is asked again now and then: policy may have been mended.
        if (life.memory.events === 'refused') break
        life.memory = { ...life.memory, events: 'refused' }
        answers(life)
        watch.say('warn', `no events: ${news.problem.message}`, { hint: news.problem.hint })
        compareAll('the host tells no events')
        break
      case 'event': {
        const { event } = news
        const concern = concernOf(event, scopeOf(life))
        if (concern?.kind === 'all') compareAll(event.name)
        if (concern?.kind === 'qube')
          mailbox.post((pending) => {
            lookAt(pending, concern.qube, event.name)
          })
      }
    }
  }
}

/** Where there is something to compare it with, the comparison tells whether it is well. */
function answers(life: Life): void {
  if (life.spec === null) isWell(life)
}

/** Nothing is wrong with the host any more: what is next is said again. */
export function isWell(life: Life): void {
  life.memory = { ...life.memory, error: null }
  life.said.clear()
}

/** Says what is wrong with the host, in these words once until it is well again: it is tried again and again. */
export function sayOnce(
  level: 'warn' | 'error',
  { message, hint }: Pick<Problem, 'message' | 'hint'>,
  { said }: Life,
  { watch }: AgentContext,
): void {
  if (said.has(message)) return
  said.add(message)
  watch.say(level, message, { hint })
}

/** What keeps the host from being looked at, and since when. */
export function errorSince(
  problem: Problem,
  { memory }: Life,
  now: Date,
): Problem & { readonly since: string } {
  return { ...problem, since: memory.error?.since ?? now.toISOString() }
}

function scopeOf({ spec, known, isComparing }: Life): Scope {
  const manifest = spec?.manifest
  return {
    known: new Set([...known, ...(manifest?.qubes.keys() ?? [])]),
    any: isComparing,
    open: manifest !== undefined && (manifest.selects.needsHost || manifest.name !== null),
  }
}
