/** Random choices from a printed seed (mulberry32): a run is repeated by its seed. */
export interface Random {
  below(n: number): number
  pick<T>(items: readonly T[]): T
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n: number): number => Math.floor(next() * n)
  return { below, pick: (items) => items[below(items.length)] as (typeof items)[number] }
}

/** Bytes with a few random wounds: cut, doubled, swapped, overwritten, spliced with words that mean something. */
export function mutate(bytes: Buffer, random: Random, words: readonly string[]): Buffer {
  let current = bytes
  for (let wounds = 1 + random.below(4); wounds > 0; wounds -= 1) current = wound(current, random, words)
  return current
}

function wound(bytes: Buffer, random: Random, words: readonly string[]): Buffer {
  const at = random.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + 1 + random.below(1 + random.below(64)))
  const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)]
  switch (random.below(7)) {
    case 0:
      return Buffer.concat([head, tail])
    case 1:
      return Buffer.concat([head, middle, middle, tail])
    case 2:
      return Buffer.concat([
        head,
        Buffer.from([random.below(256)]),
        bytes.subarray(Math.min(at + 1, bytes.length)),
      ])
    case 3:
      return Buffer.concat([head, Buffer.from(random.pick(words)), tail])
    case 4:
      return head
    case 5:
      return Buffer.concat([tail, middle, head])
    default:
      return Buffer.concat([
        head,
        Buffer.from(random.pick(words).repeat(1 + random.below(200))),
        bytes.subarray(at),
      ])
  }
}
