import { fromPublic, fromSeed } from '@nats-io/nkeys'
import { type Order, type OrderConsent } from '../../documents/fleet/index.ts'

/** What a consent is for. It is signed with it, so that it is worth nothing for another host, rollout or commit. */
export interface ConsentScope {
  readonly fleet: string
  readonly host: string
  /** Number of the rollout. */
  readonly rollout: number
  readonly commit: string
}

/** What a host takes for a consent that is enough. */
export interface ConsentTrust {
  readonly fleet: string
  /** Public keys; null: any, where the store is a folder that only its owner may write. */
  readonly keys: readonly string[] | null
}

export type Unsigned = Omit<OrderConsent, 'signed'>

/** `seed`: the private key of who agrees; null: there is none, and only a host that trusts its store takes it. */
export function signConsent(scope: ConsentScope, given: Unsigned, seed: string | null): OrderConsent {
  if (seed === null) return { ...given, signed: null }
  const pair = fromSeed(new TextEncoder().encode(seed))
  const signature = Buffer.from(pair.sign(textOf(scope, given))).toString('base64')
  return { ...given, signed: { key: pair.getPublicKey(), signature } }
}

/**
 * What the consent of an order is worth on a host. `not-enough`: it may be good, and is not of a key that this host takes. `forged`:
 * it is not what its key signed for this host, rollout and commit.
 */
export function judgeConsent(
  { id, commit, back, consent = null }: Pick<Order, 'id' | 'commit' | 'back' | 'consent'>,
  host: string,
  { fleet, keys }: ConsentTrust,
): 'none' | 'enough' | 'not-enough' | 'forged' {
  // There is no consent for a way back.
  if (consent === null || back) return 'none'
  const { signed, ...given } = consent
  const scope = { fleet, host, rollout: Number(id.slice(0, id.indexOf('.'))), commit }
  if (signed !== null && !isSignedBy(signed, textOf(scope, given))) return 'forged'
  if (keys === null) return 'enough'
  return signed !== null && keys.includes(signed.key) ? 'enough' : 'not-enough'
}

function isSignedBy({ key, signature }: NonNullable<OrderConsent['signed']>, text: Uint8Array): boolean {
  try {
    return fromPublic(key).verify(text, Buffer.from(signature, 'base64'))
  } catch {
    // It is no key.
    return false
  }
}

/** Values are told apart as JSON; the first word keeps the text from being taken for anything else that such a key signs. */
const textOf = (
  { fleet, host, rollout, commit }: ConsentScope,
  { by, at, withdrawals }: Unsigned,
): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify([
      'qstate.rollout-consent',
      ...[fleet, host, rollout, commit, by, at],
      withdrawals.map(({ qube, uuid, path, after }) => [qube, uuid, path, after]),
    ]),
  )
