import { bringHere, checkSignatures } from '../../git/index.ts'
import { problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type LoadedSpec } from '../host/index.ts'
import { type Place, specAt } from './host-spec.ts'

/**
 * What a commit wants of a host, once the commit is here and its signature has been found good by the keys that this machine
 * trusts: whoever orders it is not asked. `allowedSigners` null: no signature is looked at.
 */
export const orderedSpec =
  (place: Place, host: string, allowedSigners: string | null) =>
  async (commit: string): Promise<LoadedSpec> => {
    await bringHere(place.gitDir, commit)
    const why = allowedSigners === null ? undefined : await whyBad(place.gitDir, commit, allowedSigners)
    if (why !== undefined) {
      const hint = `sign it (\`git commit -S\`) with a key that ${allowedSigners ?? ''} names`
      throw new QstateError(problem('bad-signature', `${commit.slice(0, 12)}: ${why}`, hint))
    }
    return specAt(place, commit, host)
  }

/** Of the commit itself: who signed it vouches for what came before. */
async function whyBad(gitDir: string, tip: string, allowedSigners: string): Promise<string | undefined> {
  const trust = { by: 'ssh', allowedSigners, revoked: null } as const
  const [signed] = await checkSignatures(gitDir, { base: null, tip }, trust)
  return signed?.good === true ? undefined : (signed?.why ?? 'it is not there')
}
