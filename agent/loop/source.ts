import {
  checkSignatures,
  commitTime,
  type CommitStore,
  type Mirror,
  type Revision,
  type Signed,
} from '../../git/index.ts'
import { type Layout } from '../../git/layout/index.ts'
import { type AgentTrust } from '../../spec/agent/index.ts'
import {
  hasCode,
  isDomain,
  problem,
  type Problem,
  problemOf,
  QstateError,
} from '../../spec/diagnostics/index.ts'
import { type Ordered } from '../state/index.ts'

/** What became of a look at the repository. */
export type News =
  /** Nobody has said yet what is wanted. */
  | { readonly kind: 'nothing' }
  /** Nothing has changed since the commit that is in force. */
  | { readonly kind: 'unchanged'; readonly commit: string }
  /** A commit that may be put in force. `signers`: who vouches for it. */
  | {
      readonly kind: 'commit'
      readonly commit: string
      readonly revision: Revision
      readonly signers: string
      /** It says that it was made before the active one. */
      readonly backdated: boolean
    }
  /** A commit that may not: the one in force stays so. `code` is stable. */
  | { readonly kind: 'refused'; readonly commit: string; readonly problem: Problem }
  /** The repository could not be reached, or read. */
  | { readonly kind: 'unreachable'; readonly problem: Problem }

/** The commit that a new one has to come after: the one in force. */
interface Base {
  readonly commit: string
  /** Its files are known: they need not be brought again. */
  readonly known: boolean
}

interface Look {
  readonly base: Base | null
  /**
   * A commit that a person on this host takes although it does not come after the base; its signature has to be good all the
   * same.
   */
  readonly accepted: string | null
  /** Null for a host that follows a branch or a tag, and for one that has not been ordered anything yet. */
  readonly ordered: Ordered | null
}

export interface Source {
  /** Looks once. */
  look(look: Look, signal: AbortSignal): Promise<News>
  /** The commit itself, read again: after a start, the one in force. Null where it cannot be. */
  recall(commit: string): Revision | null
}

export interface SourceOptions {
  readonly trust: AgentTrust
  /** Whether every commit since the one in force has to be signed, or only the newest. */
  readonly commits: 'all' | 'tip'
  readonly layout: Layout
}

/** A repository whose branch or tag says what is wanted. Its commits are looked at before anything in them is. */
export const branchSource = (mirror: Mirror, options: SourceOptions): Source =>
  sourceOf(mirror, options, ({ base }, signal) => mirror.fetch(base?.commit ?? null, signal))

/** A repository out of which somebody else says what is wanted; whoever that is, commits are judged here. */
export const orderedSource = (mirror: CommitStore, options: SourceOptions): Source =>
  sourceOf(mirror, options, async ({ base, ordered }, signal) => {
    // Until something is ordered, what was in force before stays so.
    const commit = ordered?.commit ?? base?.commit ?? null
    if (commit === null || (await mirror.has(commit))) return commit
    await mirror.fetch(base?.commit ?? null, signal)
    if (await mirror.has(commit)) return commit
    const hint = `push it there; ${mirror.fetches}`
    throw new QstateError(
      problem('git-failed', `${short(commit)}, which was ordered, is not in the repository`, hint),
    )
  })

/** `find` brings what is wanted into the mirror and says which commit it is; null: nothing yet. */
function sourceOf(
  mirror: CommitStore,
  options: SourceOptions,
  find: (look: Look, signal: AbortSignal) => Promise<string | null>,
): Source {
  const judge = async (tip: string, { base, accepted, ordered }: Look): Promise<News> => {
    const isBack = ordered?.back === true
    const follows = base === null || isBack || (await mirror.isAncestor(base.commit, tip))
    if (!follows && !isAccepted(tip, accepted))
      return { kind: 'refused', commit: tip, problem: rewound(base.commit, tip) }
    // One that is in force is looked at once more itself where its files are not known: its mirror may be another by now.
    const comesAfter = follows && !isBack && tip !== base?.commit
    const after = comesAfter && options.commits === 'all' ? base : null
    const range = { base: after?.commit ?? null, tip }
    const signed = await checkSignatures(mirror.folder, range, options.trust)
    const unsigned = signatureProblem(tip, signed, options.trust)
    if (unsigned !== undefined) return { kind: 'refused', commit: tip, problem: unsigned }
    const revision = options.layout(mirror.folder, tip)
    if (revision.commit !== tip)
      throw new QstateError(problem('refused-content', `${short(tip)} is no commit`, ''))
    const backdated = base !== null && (await isBackdated(mirror.folder, base.commit, tip))
    return { kind: 'commit', commit: tip, revision, signers: signersOf(signed), backdated }
  }
  const lookOnce = async (look: Look, signal: AbortSignal): Promise<News> => {
    const { base } = look
    let tip: string | null = null
    try {
      tip = await find(look, signal)
      if (tip === null) return { kind: 'nothing' }
      if (tip === base?.commit && base.known) return { kind: 'unchanged', commit: tip }
      try {
        return await judge(tip, look)
      } catch (error) {
        if (!isDamage(error)) throw error
        await mirror.rebuild(base?.commit ?? null, signal)
        tip = await find(look, signal)
        return tip === null ? { kind: 'nothing' } : await judge(tip, look)
      }
    } catch (error) {
      if (isDomain(error, ...OF_COMMIT) && tip !== null)
        return { kind: 'refused', commit: tip, problem: refusedFor(error) }
      // Of git, or of a disk that may only be read from now on, a folder that is not ours.
      const why = problemOf(error)
      if (why === undefined || isDomain(error, ...OF_COMMIT)) throw error
      return { kind: 'unreachable', problem: why }
    }
  }
  // A mirror is one look's at a time.
  let last: Promise<unknown> = Promise.resolve()
  return {
    look(look, signal) {
      const news = last.then(() => lookOnce(look, signal))
      last = news.catch(() => undefined)
      return news
    },
    recall(commit) {
      try {
        return options.layout(mirror.folder, commit)
      } catch (error) {
        if (isDomain(error, ...OF_COMMIT, 'git')) return null
        throw error
      }
    },
  }
}

/** What is wrong with a commit itself: what it holds, or that it is none. */
const OF_COMMIT = ['spec', 'usage'] as const

/** What the commit holds is no spec of this host, or none that is read at all. */
const refusedFor = ({ code, problem }: QstateError): Problem =>
  code === 'no-spec' || code === 'unknown-host'
    ? { ...problem, code: 'invalid-spec' }
    : code === 'invalid-spec'
      ? problem
      : { ...problem, code: 'refused-content' }

/** What was fetched a moment ago is not there, or cannot be read. */
const isDamage = (error: unknown): boolean => hasCode(error, 'git-failed', 'bad-revision')

/** The date in a commit is its author's word: it decides nothing. */
async function isBackdated(folder: string, base: string, tip: string): Promise<boolean> {
  const [before, after] = [await commitTime(folder, base), await commitTime(folder, tip)]
  return before !== null && after !== null && after < before
}

/** A person may give the first digits, as git does. */
const isAccepted = (tip: string, accepted: string | null): boolean =>
  accepted !== null && accepted.length >= 7 && tip.startsWith(accepted)

const short = (commit: string): string => commit.slice(0, 12)

const rewound = (base: string, tip: string): Problem => ({
  code: 'rewound',
  message: `${short(tip)} does not come after ${short(base)}, which is in force: history has been rewritten or set back`,
  hint: `undo with a new commit instead; if this was meant, \`qstate agent accept ${short(tip)}\` on this host takes it`,
})

function signatureProblem(tip: string, signed: readonly Signed[], trust: AgentTrust): Problem | undefined {
  if (trust.by === 'none') return undefined
  // Nothing that was looked at vouches for nothing.
  const isLooked = signed.some(({ commit }) => commit === tip)
  const none: Signed = { commit: tip, good: false, signer: '', why: 'its signature could not be looked at' }
  const bad = [...(isLooked ? [] : [none]), ...signed.filter((one) => !one.good)]
  const [first] = bad
  if (first === undefined) return undefined
  const more = bad.length > 1 ? `, and ${bad.length - 1} more like it` : ''
  const where = trust.by === 'ssh' ? trust.allowedSigners : trust.keyring
  return {
    code: 'bad-signature',
    message: `${short(first.commit)}: ${first.why}${more}`,
    hint: `sign it (\`git commit -S\`) with a key that ${where} on this host names${first.commit === tip ? '' : BEFORE}`,
  }
}

/** A signed commit on top mends nothing, and people try that first. */
const BEFORE =
  '; each commit since the one in force counts, not the newest alone: rewrite the branch from there on with signed commits, or have the newest alone judged (`commits: tip` under `verify` of the agent’s file)'

const signersOf = (signed: readonly Signed[]): string =>
  [...new Set(signed.map((one) => one.signer))].sort().join(', ')
