import { rename } from 'node:fs/promises'
import { memberDocument } from '../../documents/fleet/index.ts'
import { documentText, readFileDocument } from '../../documents/read/index.ts'
import { NO_MEMORY, type runMember } from '../../fleet/index.ts'
import { writeDurably } from '../../journal/index.ts'
import { type Say } from './say.ts'

type Disk = Pick<Parameters<typeof runMember>[0], 'memory' | 'save'>

/** What a host remembers of its fleet, and how that is kept in a file. A file that cannot be read is kept beside it, for a person. */
export async function memberDisk(path: string, say: Say): Promise<Disk> {
  const read = await readFileDocument(memberDocument, path)
  if (read?.ok === false) {
    const { message, hint } = read.problem
    await rename(path, `${path}.damaged`)
    say('error', `${message}: kept as ${path}.damaged`, { hint })
  }
  return {
    memory: read?.ok === true ? read.value : NO_MEMORY,
    save: (memory) => writeDurably(path, documentText(memberDocument, memory)),
  }
}
