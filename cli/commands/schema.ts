import { documentSchemas } from '../../documents/index.ts'
import { EXIT, problem, QstateError, suggest } from '../../spec/diagnostics/index.ts'
import { type Io } from '../io.ts'
import { jsonText } from '../json.ts'

/** JSON Schemas by name: of what a person writes, then of what is stored or exchanged. */
export const allSchemas = async (): Promise<Readonly<Record<string, object>>> => ({
  spec: (await import('../../spec/schema/index.ts')).manifestSchema,
  agent: (await import('../../spec/agent/index.ts')).agentSchema,
  fleet: (await import('../../spec/fleet/index.ts')).fleetSchema,
  rollout: (await import('../../spec/fleet/index.ts')).rolloutSchema,
  ...(await documentSchemas()),
})

/** Prints one of them. */
export async function schema(name: string, io: Io): Promise<number> {
  const schemas = await allSchemas()
  if (!Object.hasOwn(schemas, name)) {
    const names = Object.keys(schemas)
    const hint = `${suggest(name, names, '')} the schemas are ${names.join(', ')}`.trimStart()
    throw new QstateError(problem('unknown-schema', `there is no schema “${name}”`, hint))
  }
  io.out(jsonText(schemas[name]))
  return EXIT.done
}
