import { NOTICE_WORDS } from '../../spec/agent/index.ts'

const time = { type: 'string', format: 'date-time' }

/** What a webhook is sent and a command reads. Later versions add; what is here stays. */
export const noticeSchema: object = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:qstate:notice:v1',
  title: 'qstate notice',
  description: 'Something that has happened on a host that an agent keeps.',
  type: 'object',
  required: ['schema', 'version', 'kind', 'at', 'host', 'text', 'commit', 'about'],
  properties: {
    schema: { const: 'qstate.notice' },
    version: { const: 1 },
    kind: { enum: NOTICE_WORDS },
    at: time,
    host: { type: 'string', description: 'The machine that the agent runs on.' },
    text: { type: 'string', description: 'One line for people.' },
    commit: { type: ['string', 'null'], description: 'The commit in force.' },
    about: {
      type: 'object',
      description: 'What it is about, as far as there is more to say.',
      properties: {
        qube: { type: 'string' },
        path: { type: ['string', 'null'], description: 'The setting, as in a plan.' },
        wanted: { description: 'Its value as the spec wants it; null is absent.' },
        found: { description: 'Its value as it was found; null is absent.' },
        noticed: { type: 'string', description: 'The event, or what made the agent compare.' },
        corrected: { type: 'boolean' },
        since: time,
        until: { type: ['string', 'null'], format: 'date-time' },
        generation: { type: ['integer', 'null'], description: 'As in `qstate history`.' },
        why: { type: 'string' },
        code: { type: 'string', description: 'Of what is wrong; docs/troubleshooting.md explains each.' },
        message: { type: 'string' },
        hint: { type: 'string' },
        at: {
          description: 'The line of the spec that it stems from, or when it was.',
          type: ['object', 'string'],
        },
      },
    },
  },
}
