import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Memory, openStore, type Store, type Suspension } from '../../agent/index.ts'
import { lockHolder } from '../../journal/index.ts'
import { escapeForTerminal, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { liftHold, tryWithLock } from '../apply/index.ts'
import { type Context } from '../index.ts'
import { connect, type Connection, type HostTarget } from '../host/index.ts'
import { agentFolder } from '../source/index.ts'

export interface Suspended {
  readonly suspension: Suspension
  /** False: an apply is still under way, and was not waited for. */
  readonly isStill: boolean
}

/** Has the agent of a host write nothing until it is resumed, or for a while; null: until it is resumed. It continues to observe. */
export async function suspendAgent(
  target: HostTarget,
  { forMs, why }: { readonly forMs: number | null; readonly why: string },
  context: Context,
): Promise<Suspended> {
  const { store, connection } = await agentStore(target, context)
  const now = context.now()
  const until = forMs === null ? null : new Date(now.getTime() + forMs).toISOString()
  const suspension = { until, by: context.actor, since: now.toISOString(), why }
  await store.suspend(suspension)
  return { suspension, isStill: await applyEnds(connection, context) }
}

/** Ends a suspension. Whether there was one. */
export async function resumeAgent(target: HostTarget, context: Context): Promise<boolean> {
  const { store } = await agentStore(target, context)
  const { suspended } = await store.orders()
  await store.suspend(null)
  return suspended !== null
}

/**
 * Orders the agent to accept a commit that does not descend from the active one. Its signature must still be valid. Returns the
 * memory that the agent last saved.
 */
export async function acceptCommit(commit: string, target: HostTarget, context: Context): Promise<Memory> {
  if (!/^[0-9a-f]{7,64}$/.test(commit)) {
    const hint = 'give at least seven of its digits, as `qstate status` shows them'
    throw new QstateError(problem('bad-commit', `“${commit}” is no commit`, hint))
  }
  const { store, connection } = await agentStore(target, context)
  const { memory } = await store.load()
  requireAcceptable(commit, memory)
  await store.accept(commit)
  await liftHold(connection.stateFolder, commit)
  return memory
}

/** An order that nothing can come of is not written: whatever is wrong with a commit but its place in the history, stays wrong. */
function requireAcceptable(commit: string, { refused }: Memory): void {
  if (refused === null || refused.code === 'rewound' || !refused.commit.startsWith(commit)) return
  const { code, message, hint } = refused
  const why = `to accept it would change nothing, since the agent refuses it for what it is: ${escapeForTerminal(message, { newlines: true })}`
  throw new QstateError(problem(code, why, hint))
}

/**
 * Agrees to the withdrawals that the agent holds for a commit, as `qstate status` shows them: these, and no others. Returns how many
 * values they write. Fails with `bad-consent` where the agent holds other ones.
 */
export async function acceptWithdrawal(
  commit: string,
  digest: string,
  target: HostTarget,
  context: Context,
): Promise<number> {
  const { store } = await agentStore(target, context)
  const { memory } = await store.load()
  const held = memory.withdrawal ?? null
  const isHeld =
    held !== null &&
    (
      [
        [held.commit, commit],
        [held.digest, digest],
      ] as const
    ).every(([whole, given]) => given.length >= 7 && whole.startsWith(given))
  if (!isHeld) {
    const message = 'the agent holds no such withdrawals'
    const hint = '`qstate status` prints what it holds now, with the command that agrees to it'
    throw new QstateError(problem('bad-consent', message, hint))
  }
  const { withdrawals } = held
  await store.consent({
    ...{ commit: held.commit, withdrawals },
    ...{ by: context.actor, at: context.now().toISOString() },
  })
  return withdrawals.length
}

/** Where the agent has its orders, if there has been one: no agent reads an order in another folder. */
async function agentStore(
  target: HostTarget,
  context: Context,
): Promise<{ readonly store: Store; readonly connection: Connection }> {
  const connection = connect(target, context)
  const folder = agentFolder(connection)
  if (existsSync(join(folder, 'memory.json')) || (await lockHolder(folder)) !== undefined)
    return { store: openStore(folder), connection }
  throw new QstateError(
    problem(
      'no-agent',
      `no agent keeps its memory in ${folder}`,
      'is it running (`systemctl status qstate-agent`)? --state-dir names another folder',
    ),
  )
}

/** Waits until an apply under way is over: then the agent has heard that it is suspended. False where it was not waited for. */
async function applyEnds({ stateFolder }: Connection, context: Context): Promise<boolean> {
  const lock = { waitMs: Infinity, who: context.actor }
  const done = await tryWithLock(stateFolder, lock, context, () => Promise.resolve({ kind: 'free' as const }))
  return done.kind === 'free'
}
