import * as Type from 'typebox'
import { NOTICE_WORDS } from '../../spec/agent/index.ts'
import { about, type DocumentOf, MIB, orNull, rangeOf, table, time, words } from '../table/index.ts'

const text = Type.String()

const subject = Type.Object({
  qube: Type.Optional(text),
  path: Type.Optional(about('The setting, as in a plan.', orNull(text))),
  wanted: Type.Optional(about('Its value as the spec wants it; null is absent.', Type.Unknown())),
  found: Type.Optional(about('Its value as it was found; null is absent.', Type.Unknown())),
  noticed: Type.Optional(about('The event, or what made the agent compare.', text)),
  corrected: Type.Optional(Type.Boolean()),
  since: Type.Optional(time),
  until: Type.Optional(orNull(time)),
  generation: Type.Optional(about('As in `qstate history`.', orNull(Type.Integer()))),
  why: Type.Optional(text),
  code: Type.Optional(about('Of what is wrong; docs/troubleshooting.md explains each.', text)),
  message: Type.Optional(text),
  hint: Type.Optional(text),
  at: Type.Optional(
    about('The line of the spec that it stems from, or when it was.', Type.Union([rangeOf(text), time])),
  ),
})

/** It is sent, and never read here. */
export const notificationTable = table(
  'qstate.notice',
  'Something that has happened on a host that an agent keeps: what a webhook is sent and a command reads. Later versions add; what is here stays.',
  { title: 'notification', maxBytes: MIB, hint: 'see the agent’s log' },
  {
    kind: words(...NOTICE_WORDS),
    at: time,
    host: about('The machine that the agent runs on.', text),
    text: about('One line for people.', text),
    commit: about('The commit in force.', orNull(text)),
    about: about('What it is about, as far as there is more to say.', subject),
  },
)

/** With whatever else there is to say of its kind. */
export type Notification = Omit<DocumentOf<typeof notificationTable>, 'about'> & {
  readonly about: Readonly<Record<string, unknown>>
}
