import { createUser, fromSeed } from '@nats-io/nkeys'

/** A key to connect to the servers with. */
export interface Key {
  /** For the fleet's file. */
  readonly publicKey: string
  /** For nobody but its owner. */
  readonly seed: string
}

export function makeKey(): Key {
  const key = createUser()
  return { publicKey: key.getPublicKey(), seed: new TextDecoder().decode(key.getSeed()) }
}

/** The key that a text holds, with or without a line break at its end; null: it holds none, or a mistyped one. */
export function readKey(text: string): Key | null {
  const seed = text.trim()
  if (!/^SU[A-Z2-7]{56}$/.test(seed)) return null
  try {
    return { publicKey: fromSeed(new TextEncoder().encode(seed)).getPublicKey(), seed }
  } catch {
    return null
  }
}
