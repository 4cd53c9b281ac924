import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../agent/index.ts'
import { type AgentOptions, agentPlace, readAgentFile } from '../../app/agent/index.ts'
import { stateFolder } from '../../app/host/index.ts'
import { lockHolder, takeLock } from '../../journal/index.ts'
import { type AgentConfig } from '../../spec/agent/index.ts'
import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { durationMs } from '../../spec/index.ts'
import { type Io } from '../io.ts'
import { type GlobalOptions } from '../options.ts'
import { shortCommit, showTime } from '../views/value.ts'

/** Says whether the agent's own file is right. */
export function checkAgentFile(options: AgentOptions, io: Io): Promise<number> {
  const { path, config } = readAgentFile(options, io)
  for (const file of filesOf(config).filter((one) => !existsSync(one)))
    io.err(`warning: ${file} is not there\n`)
  if (options.json === true) io.out(`${JSON.stringify(config, null, 2)}\n`)
  else {
    const { source, policy, verify, fleet } = config
    const ref = fleet === null ? `${source.ref.kind} ${source.ref.name}` : `as the fleet ${fleet.name} orders`
    const signed = verify.by === 'none' ? 'no signature needed' : `commits signed by ${verify.by}`
    io.out(`Valid: ${path} follows ${source.url}, ${ref}; ${policy.mode}, ${signed}.\n`)
  }
  return Promise.resolve(EXIT.done)
}

/** What it names on this machine. */
function filesOf({ source, verify, notify, fleet }: AgentConfig): readonly string[] {
  const trust =
    verify.by === 'ssh'
      ? [verify.allowedSigners, verify.revoked]
      : verify.by === 'gpg'
        ? [verify.keyring]
        : []
  const told = notify.map(({ to }) => (to.kind === 'webhook' ? to.tokenFile : (to.argv[0] ?? null)))
  const files = [source.url, source.identity, source.knownHosts, fleet?.key, fleet?.ca]
  return [...files, ...trust, ...told].flatMap((path) => (path?.startsWith('/') === true ? [path] : []))
}

export interface SuspendOptions extends GlobalOptions {
  readonly for?: string
  readonly why?: string
}

/** Has the agent write nothing until it is resumed, or for a while. It goes on looking. */
export async function suspend(options: SuspendOptions, io: Io): Promise<number> {
  const { folder, connection } = await keptPlace(options, io)
  const store = openStore(folder)
  const until =
    options.for === undefined ? null : new Date(io.now().getTime() + spanOf(options.for)).toISOString()
  const by = `${io.username}@${io.hostname}`
  const suspension = { until, by, since: io.now().toISOString(), why: options.why ?? '' }
  await store.suspend(suspension)
  const isStill = await whoeverIsAtWork(stateFolder(options, io, connection), io)
  if (options.json === true) io.out(`${JSON.stringify({ suspended: suspension }, null, 2)}\n`)
  if (!isStill) {
    io.err('The order is written, and holds; the apply that is under way may still write.\n')
    return io.signal.reason === 'SIGTERM' ? 143 : 130
  }
  if (options.json !== true)
    io.out(
      `Suspended${until === null ? ', until `qstate agent resume`' : ` until ${showTime(until)}`}. It goes on looking, and writes nothing.\n`,
    )
  return EXIT.done
}

/** The agent's place, where there has been one: an order in another folder would be heard by nobody. */
async function keptPlace(options: GlobalOptions, io: Io): ReturnType<typeof agentPlace> {
  const place = await agentPlace(options, io)
  const { folder } = place
  if (existsSync(join(folder, 'memory.json')) || (await lockHolder(folder)) !== undefined) return place
  throw new QstateError(
    problem(
      'no-agent',
      `no agent keeps its memory in ${folder}`,
      'the agent of the unit keeps it as root: say this with `sudo`; --state-dir names another folder',
    ),
  )
}

/** Waits until an apply under way is over: then the agent has heard that it is suspended. False where it was not waited for. */
async function whoeverIsAtWork(folder: string, io: Io): Promise<boolean> {
  const who = `${io.username}@${io.hostname}`
  let told = false
  const lock = await takeLock(folder, {
    who,
    now: io.now().toISOString(),
    again: async (holder) => {
      if (!told)
        io.err(
          `Waiting for ${holder.who} (process ${holder.pid}, since ${showTime(holder.since)}) to finish …\n`,
        )
      told = true
      await io.pause(100)
      return !io.signal.aborted
    },
  })
  if (lock.kind === 'busy') return false
  await lock.release()
  return true
}

export async function resume(options: GlobalOptions, io: Io): Promise<number> {
  const store = openStore((await keptPlace(options, io)).folder)
  const { suspended } = await store.orders()
  await store.suspend(null)
  if (options.json === true) io.out(`${JSON.stringify({ suspended: null }, null, 2)}\n`)
  else io.out(suspended === null ? 'It was not suspended.\n' : 'Resumed.\n')
  return EXIT.done
}

/** Has the agent take a commit that does not come after the one in force. Its signature has to be good all the same. */
export async function accept(commit: string, options: GlobalOptions, io: Io): Promise<number> {
  if (!/^[0-9a-f]{7,64}$/.test(commit)) {
    const hint = 'give at least seven of its digits, as `qstate status` shows them'
    throw new QstateError(problem('bad-commit', `“${commit}” is no commit`, hint))
  }
  const store = openStore((await keptPlace(options, io)).folder)
  const { memory } = await store.load()
  await store.accept(commit)
  const when =
    memory.fleet === null
      ? 'if it is what branch or tag stands at'
      : `if the fleet ${memory.fleet.name} orders it`
  if (options.json === true) io.out(`${JSON.stringify({ accepted: commit }, null, 2)}\n`)
  else {
    io.out(`Ordered: ${commit} is taken, ${when} and its signature is good. \`qstate status\` tells.\n`)
  }
  const { wanted, fleet } = memory
  if (wanted !== null && !wanted.commit.startsWith(commit)) {
    const who = fleet === null ? 'Branch or tag' : `The fleet ${fleet.name}`
    io.err(
      `${who} stood at ${shortCommit(wanted.commit)} when the agent last looked: nothing comes of this until it is ${commit}.\n`,
    )
  }
  return EXIT.done
}

function spanOf(text: string): number {
  const span = durationMs(text) ?? 0
  if (span > 0) return span
  const hint = 'a span of time such as 90s, 30m, 12h or 7d'
  throw new QstateError(problem('bad-option', `--for “${text}” is no span of time`, hint))
}
