import { EXIT, problem, QstateError } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'

const SCHEMAS: Readonly<Record<string, () => Promise<object>>> = {
  spec: async () => (await import('../../spec/schema/index.ts')).manifestSchema,
  agent: async () => (await import('../../spec/agent/index.ts')).agentSchema,
  notice: async () => (await import('../../agent/index.ts')).noticeSchema,
}

/** Prints the JSON Schema of what a person writes or a program reads. */
export async function schema(what: string, io: Io): Promise<number> {
  const load = Object.hasOwn(SCHEMAS, what) ? SCHEMAS[what] : undefined
  if (load === undefined) {
    const hint = `there are ${Object.keys(SCHEMAS).join(', ')}`
    throw new QstateError(problem('unknown-schema', `there is no schema “${what}”`, hint))
  }
  io.out(`${JSON.stringify(await load(), null, 2)}\n`)
  return EXIT.done
}
