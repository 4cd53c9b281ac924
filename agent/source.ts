import { type AgentTrust } from '../spec/agent/index.ts'
import { GitError, RevisionError } from './errors.ts'
import { type Mirror } from './mirror.ts'
import { readRevision, type Revision } from './revision.ts'
import { checkSignatures, type Signed } from './signatures.ts'

/** What became of a look at the repository. */
export type News =
  /** Nothing has changed since the commit that is in force. */
  | { readonly kind: 'unchanged'; readonly commit: string }
  /** A commit that may be put in force. `signers`: who vouches for it. */
  | {
      readonly kind: 'commit'
      readonly commit: string
      readonly revision: Revision
      readonly signers: string
    }
  /** A commit that may not: the one in force stays so. `code` is stable. */
  | { readonly kind: 'refused'; readonly commit: string; readonly refusal: Refusal }
  /** The repository could not be reached, or read. */
  | { readonly kind: 'unreachable'; readonly error: GitError }

export interface Refusal {
  readonly code: 'bad-signature' | 'rewound' | 'refused-content' | 'invalid-spec'
  readonly why: string
  readonly hint: string
}

/** The commit that a new one has to come after: the one in force. */
export interface Base {
  readonly commit: string
  /** Its files are known: they need not be brought again. */
  readonly known: boolean
}

export interface Source {
  /**
   * Looks once. `accepted`: a commit that a person on this host takes although it does not come after the base; its signature
   * has to be good all the same.
   */
  look(base: Base | null, accepted: string | null, signal: AbortSignal): Promise<News>
  /** The commit itself, read again: after a start, the one in force. Null where it cannot be. */
  recall(commit: string): Revision | null
}

export interface SourceOptions {
  readonly trust: AgentTrust
  /** Whether every commit since the one in force has to be signed, or only the newest. */
  readonly commits: 'all' | 'tip'
  /** From the root of the repository. */
  readonly paths: readonly string[]
}

/** A repository whose commits are looked at before anything in them is. */
export function gitSource(mirror: Mirror, options: SourceOptions): Source {
  const judge = async (tip: string, base: Base | null, accepted: string | null): Promise<News> => {
    const follows = base === null || (await mirror.isAncestor(base.commit, tip))
    if (!follows && !isAccepted(tip, accepted))
      return { kind: 'refused', commit: tip, refusal: rewound(base.commit, tip) }
    // One that is in force is looked at once more itself where its files are not known: its mirror may be another by now.
    const after = follows && options.commits === 'all' && tip !== base?.commit ? base : null
    const range = { base: after?.commit ?? null, tip }
    const signed = await checkSignatures(mirror.folder, range, options.trust)
    const refusal = refusalOf(signed, options.trust)
    if (refusal !== undefined) return { kind: 'refused', commit: tip, refusal }
    const revision = readRevision(mirror.folder, tip, options.paths)
    return { kind: 'commit', commit: tip, revision, signers: signersOf(signed) }
  }
  return {
    async look(base, accepted, signal) {
      const kept = base?.commit ?? null
      let tip = ''
      try {
        tip = await mirror.fetch(kept, signal)
        if (tip === kept && base?.known === true) return { kind: 'unchanged', commit: tip }
        try {
          return await judge(tip, base, accepted)
        } catch (error) {
          if (!isDamage(error)) throw error
          tip = await mirror.rebuild(kept, signal)
          return await judge(tip, base, accepted)
        }
      } catch (error) {
        if (error instanceof RevisionError) {
          const refusal = { code: 'refused-content' as const, why: error.message, hint: error.hint }
          return { kind: 'refused', commit: tip, refusal }
        }
        if (error instanceof GitError) return { kind: 'unreachable', error }
        throw error
      }
    },
    recall(commit) {
      try {
        return readRevision(mirror.folder, commit, options.paths)
      } catch (error) {
        if (error instanceof RevisionError || error instanceof GitError) return null
        throw error
      }
    },
  }
}

/** What was fetched a moment ago is not there, or cannot be read. */
const isDamage = (error: unknown): boolean =>
  (error instanceof GitError && error.code === 'git-failed') ||
  (error instanceof RevisionError && error.code === 'bad-revision')

/** A person may give the first digits, as git does. */
const isAccepted = (tip: string, accepted: string | null): boolean =>
  accepted !== null && accepted.length >= 7 && tip.startsWith(accepted)

const short = (commit: string): string => commit.slice(0, 12)

const rewound = (base: string, tip: string): Refusal => ({
  code: 'rewound',
  why: `${short(tip)} does not come after ${short(base)}, which is in force: history has been rewritten or set back`,
  hint: `undo with a new commit instead; if this was meant, \`qstate agent accept ${short(tip)}\` on this host takes it`,
})

function refusalOf(signed: readonly Signed[], trust: AgentTrust): Refusal | undefined {
  const bad = signed.filter((one) => !one.good)
  const [first] = bad
  if (first === undefined) return undefined
  const more = bad.length > 1 ? `, and ${bad.length - 1} more like it` : ''
  const where = trust.by === 'ssh' ? trust.allowedSigners : trust.by === 'gpg' ? trust.keyring : ''
  return {
    code: 'bad-signature',
    why: `${short(first.commit)}: ${first.why}${more}`,
    hint: `sign it (\`git commit -S\`) with a key that ${where} on this host names`,
  }
}

const signersOf = (signed: readonly Signed[]): string =>
  [...new Set(signed.map((one) => one.signer))].sort().join(', ')
