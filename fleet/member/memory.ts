import { readOrder } from '../rollout/index.ts'
import { type MemberMemory, NO_MEMORY } from './member.ts'

/** What a host has kept on its disk. What cannot be read is as good as nothing: orders stand in the store. */
export function readMemory(text: string | undefined): MemberMemory {
  try {
    const json = JSON.parse(text ?? '') as Partial<Record<keyof MemberMemory, unknown>>
    const past = Array.isArray(json.past) ? json.past.filter((one) => typeof one === 'string') : []
    return {
      epoch: Number.isSafeInteger(json.epoch) ? (json.epoch as number) : 0,
      order: readOrder(json.order),
      past,
    }
  } catch {
    return NO_MEMORY
  }
}
