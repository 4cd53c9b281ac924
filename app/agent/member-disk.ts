import { readMemory, type runMember } from '../../fleet/index.ts'
import { readIfThere, writeDurably } from '../../journal/index.ts'

/** What a host remembers of its fleet, and how that is kept in a file. */
export async function memberDisk(
  path: string,
): Promise<Pick<Parameters<typeof runMember>[0], 'memory' | 'save'>> {
  return {
    memory: readMemory(await readIfThere(path)),
    save: (memory) => writeDurably(path, JSON.stringify(memory)),
  }
}
